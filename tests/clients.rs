//! The official client SDKs against the real binary: what an application sees when only its base
//! URL is changed. Each test runs one scenario of a client in `tests/clients/`, before a provider
//! whose bytes pass (kind `openai`) and before one whose answers are written anew. The same clients
//! are run against the mock alone, which must satisfy them before anything stands between.
//! `clients/node.rs` has the clients for JavaScript, `clients/oracles.rs` the providers whose
//! requests are judged by their vendors' own libraries.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "clients/harness.rs"]
mod harness;
#[path = "clients/node.rs"]
mod node;
#[path = "clients/oracles.rs"]
mod oracles;
#[path = "clients/published.rs"]
mod published;
#[path = "support/mod.rs"]
mod support;

use harness::{run, scenario, scenarios, start};
use support::{Gateway, H1, Upstream, until};

/// The providers of OpenAI's dialect: one whose bytes pass, one whose answers are written anew.
const OPENAI: &[&str] = &["passed", "anew"];

/// The providers for whose answers Responses are written anew.
const TRANSLATED: &[&str] = &["anew", "claude"];

/// The provider of Anthropic's dialect.
const ANTHROPIC: &[&str] = &["claude"];

/// Runs scenarios against the mock itself.
async fn alone(client: &str, scenarios: &str) {
    let mock = Upstream::mock().await;
    run(mock.addr, client, scenarios, ("any", &["mock"])).await;
}

/// Makes a key and waits until it is known.
async fn key(gateway: &Gateway, more: &[&str]) -> String {
    let key = gateway.create_key("narrow", more);
    until("the new key to be known", || async {
        let mut client = H1::connect(gateway.addr).await.with_key(&key);
        client.chat(b"{}").await.status != 401
    })
    .await;
    key
}

scenarios! { scenario, OPENAI;
    whole_answers_are_what_the_client_expects => "openai", "chat",
    streams_are_what_the_client_expects => "openai", "stream",
    what_the_provider_understands_is_passed_on => "openai", "own_dialect",
    a_strict_provider_has_nothing_to_refuse => "openai", "strict",
    chunks_arrive_when_they_are_made => "openai", "stream_timing",
    tools_are_called => "openai", "tools",
    tools_are_called_in_streams => "openai", "tools_streamed",
    structured_output_is_parsed => "openai", "structured",
    alfreds_errors_are_the_clients_own_exceptions => "openai", "gateway_errors",
    providers_errors_are_the_clients_own_exceptions => "openai", "provider_errors",
    a_stream_that_breaks_off_raises => "openai", "stream_errors",
    a_client_that_gives_up_harms_nobody => "openai", "timeouts",
    a_stream_that_is_closed_early_leaves_the_client_usable => "openai", "leaving",
    embeddings_come_packed_and_plain => "openai", "embeddings",
    models_are_listed_and_found => "openai", "models",
    raw_answers_show_the_headers => "openai", "raw_headers",
    retries_are_not_multiplied => "openai", "retries",
    many_requests_at_once_are_not_mixed_up => "openai", "concurrent",
    results_of_parallel_calls_come_back_together => "openai", "parallel_results",
    images_arrive_whole => "openai", "images",
    stop_sequences_are_kept => "openai", "stops",
    the_cached_part_of_the_prompt_is_reported => "openai", "cached_usage",
    thoughts_are_delivered => "openai", "reasoning",
    thoughts_come_back_before_a_result => "openai", "signed",
    langchain_talks => "langchain", "chat,stream",
    langchain_calls_tools => "langchain", "tools,tools_streamed",
    langchain_sends_images_and_asks_for_structure => "langchain", "images,structured",
    langchain_reads_thoughts_and_usage => "langchain", "reasoning,cached_usage",
    langchain_embeds => "langchain", "embeddings",
    langchain_raises => "langchain", "stream_errors,provider_errors,gateway_errors",
    mistrals_client_talks => "mistral", "chat,stream",
    mistrals_client_calls_tools => "mistral", "tools,tools_streamed",
    mistrals_client_sends_images_and_asks_for_structure => "mistral", "images,structured,reasoning",
    mistrals_client_embeds => "mistral", "embeddings",
    mistrals_client_raises => "mistral", "stream_errors,provider_errors,gateway_errors",
}

scenarios! { scenario, OPENAI;
    older_completions_go_on_from_their_prompts => "openai", "completions",
}

// OpenAI's dialect before an Anthropic provider.
scenarios! { scenario, ANTHROPIC;
    claude_answers_openais_client => "openai", "chat,stops,images,strict",
    claude_streams_to_openais_client => "openai", "stream,stream_timing",
    claude_calls_the_tools_of_openais_client => "openai", "tools,tools_streamed,parallel_results",
    claude_keeps_the_schema_of_openais_client => "openai", "structured",
    claude_thinks_for_openais_client => "openai", "reasoning,signed",
    claudes_usage_is_told_as_openai_does => "openai", "cached_usage",
    claudes_errors_are_those_of_openais_client => "openai", "provider_errors",
    claudes_broken_streams_raise_in_openais_client => "openai", "stream_errors",
    claudes_names_are_refused_as_openai_does => "openai", "gateway_errors",
    claude_is_given_up_and_left_by_openais_client => "openai", "timeouts,leaving",
    claudes_headers_do_not_pass => "openai", "raw_headers",
    claudes_failures_are_retried_once => "openai", "retries",
    claude_serves_many_clients_of_openai => "openai", "concurrent",
    claude_answers_langchain => "langchain", "chat,stream",
    claude_calls_the_tools_of_langchain => "langchain", "tools,tools_streamed",
    claude_reads_langchains_images_and_schemas => "langchain", "images,structured",
    claude_thinks_for_langchain => "langchain", "reasoning,cached_usage",
    claude_fails_for_langchain => "langchain", "stream_errors,provider_errors",
    claude_answers_mistrals_client => "mistral", "chat,stream,images",
    // Streamed calls come in fragments, which this client does not read.
    claude_calls_the_tools_of_mistrals_client => "mistral", "tools,structured,reasoning",
    claude_fails_for_mistrals_client => "mistral", "stream_errors,provider_errors",
}

// Responses before providers that do not serve them.
scenarios! { scenario, TRANSLATED;
    responses_are_made_of_other_answers => "responses", "whole",
    responses_stream_in_their_own_grammar => "responses", "streamed",
    responses_call_tools_and_take_results => "responses", "tools",
    responses_think_and_take_their_thoughts_back => "responses", "reasoning",
    responses_keep_a_schema => "responses", "structured",
    responses_fail_as_openais_client_expects => "responses", "errors",
}

// Anthropic's dialect before a provider of its own.
scenarios! { scenario, ANTHROPIC;
    anthropics_client_talks => "anthropic", "chat,strict,stops,images,count_tokens",
    anthropics_client_streams => "anthropic", "stream",
    anthropics_client_calls_tools => "anthropic", "tools,tools_streamed",
    anthropics_client_asks_for_structure => "anthropic", "structured",
    anthropics_client_sees_thoughts_and_returns_them_signed => "anthropic", "thinking,signed,forged",
    anthropics_client_reads_what_was_cached => "anthropic", "cached_usage,written_usage",
    anthropics_client_raises => "anthropic", "stream_errors,provider_errors",
    anthropics_client_understands_alfred => "anthropic", "gateway_errors,models",
    anthropics_client_does_not_multiply_retries => "anthropic", "retries",
    anthropics_client_does_not_sleep_through_minutes => "anthropic", "dead_key",
    anthropics_client_asks_many_things_at_once => "anthropic", "concurrent",
}

// Anthropic's dialect before providers of OpenAI's.
scenarios! { scenario, OPENAI;
    gpt_answers_anthropics_client => "anthropic", "chat,strict,stops,images",
    gpt_streams_to_anthropics_client => "anthropic", "stream",
    gpt_calls_the_tools_of_anthropics_client => "anthropic", "tools,tools_streamed",
    gpt_keeps_the_schema_of_anthropics_client => "anthropic", "structured",
    gpt_thinks_for_anthropics_client => "anthropic", "thinking,signed",
    gpts_tokens_are_counted_for_anthropics_client => "anthropic", "count_tokens,cached_usage",
    gpts_errors_are_those_of_anthropics_client => "anthropic", "stream_errors,provider_errors",
    gpts_failures_are_retried_once => "anthropic", "retries",
    gpt_serves_many_clients_of_anthropic => "anthropic", "concurrent",
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mock_alone_satisfies_the_anthropic_client() {
    let all = "chat,strict,stops,stream,tools,tools_streamed,images,structured,thinking,signed,forged,\
               count_tokens,cached_usage,written_usage,stream_errors,provider_errors,mock_errors,\
               models,concurrent";
    alone("anthropic", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mock_alone_satisfies_the_openai_client() {
    let all = "chat,own_dialect,strict,stream,tools,tools_streamed,parallel_results,images,stops,cached_usage,\
               reasoning,signed,completions,structured,embeddings,models,concurrent";
    alone("openai", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mock_alone_satisfies_mistrals_client_and_langchain() {
    let all = "chat,stream,tools,tools_streamed,images,structured,reasoning,embeddings,\
               stream_errors,provider_errors";
    alone("mistral", all).await;
    alone("langchain", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_key_is_told_what_it_may() {
    let (_mock, gateway) = start("").await;
    // Three a minute, of which finding out that the key is known takes one.
    let more = ["--model", "fast", "--requests-per-minute", "3"];
    let key = key(&gateway, &more).await;
    run(gateway.addr, "openai", "narrow_key", (&key, &["passed"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_passes_is_waited_for() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 1, window: 1s } ]\n").await;
    let key = (gateway.key.as_str(), ["passed"].as_slice());
    run(gateway.addr, "openai", "retries_of_limits", key).await;
}
