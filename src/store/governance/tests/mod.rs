//! Why: governance is what these sentences say it is, on every database.

mod acts;
mod chain;
mod crowd;
mod guards;
mod hostile;
mod isolation;
mod money;
mod people;
mod screening;
mod support;
mod wallets;

use support::fresh;

/// Each sentence as a test of each database.
macro_rules! sentences {
    ($($room:ident: $($sentence:ident,)+;)+) => {
        mod sqlite {
            $($(#[test]
            fn $sentence() {
                let (_directory, store) = super::fresh();
                super::$room::$sentence(&store);
            })+)+
        }
        mod postgres {
            $($(#[test]
            fn $sentence() {
                super::$room::$sentence(&crate::store::testing::on_postgres());
            })+)+
        }
    };
}

sentences! {
    acts:
        an_organisation_is_made_changed_and_suspended,
        only_the_whole_house_makes_organisations,
        a_team_is_made_changed_and_deleted_when_empty,
        a_user_is_made_and_changed,
        an_address_or_subject_belongs_to_one_user_in_the_whole_house,
        a_closed_user_stays_closed_and_is_logged_out,
        an_organisation_keeps_an_owner,
        a_user_is_in_one_team_at_a_time,
        an_absence_is_planned_moved_and_called_off,
        an_absence_that_has_begun_only_ends,
        a_key_is_made_changed_and_revoked,
        the_last_use_of_a_key_is_noted_and_nobody_is_told,
        a_rotated_key_lives_on_for_the_overlap_and_its_budget_moves,
        values_that_break_a_rule_are_refused_in_words,;
    crowd:
        acts_of_a_crowd_leave_an_unbroken_chain,
        one_request_from_everybody_is_done_once,
        money_is_governed_while_it_is_spent,;
    guards:
        the_same_request_is_done_once_and_answered_the_same,
        a_key_used_for_another_request_is_refused,
        what_failed_is_not_remembered,
        an_old_version_is_refused_with_the_current_one,
        an_act_without_a_version_takes_none,
        old_answers_and_sessions_are_forgotten,;
    hostile:
        hostile_names_are_stored_byte_for_byte,
        hostile_addresses_subjects_and_hashes_are_stored_byte_for_byte,
        hostile_texts_of_keys_and_tokens_are_stored_byte_for_byte,
        hostile_filters_find_nothing_and_harm_nothing,
        hostile_actors_and_idempotency_keys_are_only_texts,;
    isolation:
        no_act_reaches_another_tenant,
        no_act_reaches_another_team_or_a_colleague,
        no_list_shows_another_tenant,
        a_team_and_a_user_see_what_is_theirs,;
    chain:
        every_act_is_one_link_of_an_unbroken_chain,
        what_is_refused_leaves_no_link,
        details_tell_what_changed_and_no_secret,
        refusals_of_the_data_plane_are_linked_whatever_they_hold,
        the_log_is_filtered_and_paged,;
    people:
        everybody_is_in_the_directory,
        a_session_is_found_by_its_hash_until_it_ends,
        a_token_is_found_by_its_public_id_until_revoked,
        a_password_is_found_by_the_address_in_any_case,
        a_suspended_organisation_opens_no_door,
        voided_tokens_stand_no_more,;
    screening:
        a_policy_is_set_changed_and_taken_away,
        a_policy_tells_every_process_that_it_changed,
        a_team_goes_with_its_policy,
        each_sees_the_policies_that_are_theirs,
        findings_add_up_and_are_told_to_whom_they_concern,;
    wallets:
        a_wallet_is_made_changed_frozen_and_closed,
        rules_that_contradict_each_other_are_refused,
        an_owner_has_one_wallet_of_a_kind,
        a_quota_follows_its_user,
        a_pool_follows_its_team,
        a_cut_leaves_what_is_leased,
        old_and_new_key_share_one_budget,
        a_suspended_organisation_has_no_active_key,;
    money:
        money_comes_from_the_house_and_goes_back,
        money_moves_between_wallets_of_one_organisation,
        what_is_leased_is_called_in_and_not_taken,
        overage_is_forgiven_once,
        an_estimate_is_reconciled_by_whoever_sees_it,
        the_audit_log_names_every_line_with_its_hash,
        lines_are_found_by_whatever_is_known_of_them,
        lines_are_paged_newest_first,
        usage_is_summed_up_by_whatever_is_asked,;
}
