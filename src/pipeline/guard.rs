//! The station of the guards: behind it nobody sees what was masked, and what is blocked has cost nothing.

use std::sync::Arc;

use alfred_filters::guard::screen::Blocked;
use alfred_filters::prompt::Prompt;

use crate::exchange::{Exchange, Forward};
use crate::gateway::Gateway;
use crate::guards::{Asker, Callouts, Guards, Stopped, Watch, blocked};
use crate::refusal::Refusal;
use crate::secrets::Principal;

/// Prompts up to this size, in bytes, are screened on the serving thread; larger ones would keep others waiting.
const AT_ONCE: usize = 256 * 1024;

/// Screens the texts of a request, as the policy of whoever asks says, and asks the services that are configured. What
/// was found stays with the request, also when it is refused.
///
/// # Errors
/// [`Refusal::ContentBlocked`]; [`Refusal::GuardUnavailable`] where a service that must be heard is silent;
/// [`Refusal::Internal`] where the screening itself died.
pub async fn screen(
    gateway: &Gateway,
    exchange: &Exchange,
    forward: &mut Forward,
) -> Result<(), Refusal> {
    let nearest = nearest(gateway, &forward.principal)?;
    let quiet = || gateway.callouts.as_ref().map(|it| Arc::clone(it.quiet()));
    let Some(guards) = nearest.or_else(quiet) else {
        return Ok(());
    };
    let key = placeholder_key(gateway, &forward.principal);
    let mut watch = Box::new(Watch::new(&guards, key));
    let mut prompt = forward.prompt.clone();
    let large = prompt.body().len() > AT_ONCE;
    let work = move || {
        let outcome = watch.screen(&mut prompt);
        (watch, prompt, outcome)
    };
    let (mut watch, mut prompt, outcome) = match large {
        true => tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Refusal::Internal)?,
        false => work(),
    };
    let outcome = match (outcome, &gateway.callouts) {
        (Ok(changed), Some(callouts)) => {
            let texts = (&mut prompt, &mut *watch);
            let asked = ask(callouts, (gateway, exchange, forward), texts).await;
            asked.map(|more| changed + more)
        }
        (outcome, _) => outcome.map_err(|found| refused(&found)),
    };
    forward.watch = Some(watch);
    if outcome? > 0 {
        forward.input_estimate = prompt.estimate_input_tokens();
        forward.prompt = prompt;
    }
    Ok(())
}

/// Asks the services about a request; says how many texts they changed.
async fn ask(
    callouts: &Callouts,
    (gateway, exchange, forward): (&Gateway, &Exchange, &Forward),
    texts: (&mut Prompt, &mut Watch),
) -> Result<usize, Refusal> {
    let asker = Asker {
        request_id: &exchange.receipt.request_id,
        surface: exchange.receipt.surface,
        model: exchange.receipt.model.as_deref().unwrap_or_default(),
        caller: &forward.principal.id,
        organisation: forward.principal.org_id,
        team: forward.principal.team_id,
        user: forward.principal.user_id,
    };
    let counts = &gateway.living.metrics.guard;
    let asked = callouts
        .ask(asker, texts, &|outcome| counts.asked(outcome))
        .await;
    asked.map_err(|stopped| match stopped {
        Stopped::Found(found) => refused(&found),
        Stopped::Refused { .. } => Refusal::ContentBlocked(stopped.to_string()),
        Stopped::Unheard { .. } => Refusal::GuardUnavailable(stopped.to_string()),
    })
}

fn refused(found: &Blocked) -> Refusal {
    Refusal::ContentBlocked(blocked("the request", found))
}

/// The guards of whoever asks: those of their key, their team, their organisation or the house.
fn nearest(gateway: &Gateway, principal: &Principal) -> Result<Option<Arc<Guards>>, Refusal> {
    let book = &gateway.living.guards;
    match book.nearest(principal.org_id, principal.team_id, principal.key_id) {
        None => Ok(gateway.guards.clone()),
        Some(Ok(guards)) => Ok(guards),
        Some(Err(unbuilt)) => Err(Refusal::ContentBlocked(format!(
            "the request was stopped: {unbuilt}; whoever manages it finds the cause in the log and at /v1/guards"
        ))),
    }
}

/// The key of a caller's placeholders: the same in all processes, another for each team.
fn placeholder_key(gateway: &Gateway, principal: &Principal) -> [u8; 32] {
    let scope = format!("{:?} {:?}", principal.org_id, principal.team_id);
    let pepper = gateway.living.keyring.pepper();
    pepper.tag("alfred 2026 guard placeholders", scope.as_bytes())
}
