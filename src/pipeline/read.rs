//! The stations behind the body: it is read as a prompt, held to the token limit, and given a plan.

use std::time::Duration;

use alfred_filters::dialect::anthropic::count_tokens_body;
use alfred_filters::prompt::{Prompt, Surface};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::head::Head;
use super::{quota, rate_limit};
use crate::conf::{Tokenizer, UnknownPrice};
use crate::exchange::{Admitted, Attempt, Exchange, Forward, chance};
use crate::gateway::Gateway;
use crate::living::BodyPermit;
use crate::refusal::Refusal;
use crate::routing::{Attempts, Plan};
use crate::tokenizer::Vocabulary;

/// Refuses what is not JSON before any of it is read.
///
/// # Errors
/// [`Refusal::MediaType`].
pub(super) fn check_media_type(head: &Head<'_>) -> Result<(), Refusal> {
    let plain = head
        .headers
        .get(CONTENT_ENCODING)
        .is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let json = head.headers.get(CONTENT_TYPE).is_none_or(|value| {
        let text = value.to_str().unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    });
    if plain && json {
        Ok(())
    } else {
        Err(Refusal::MediaType)
    }
}

/// What a body has led to.
#[derive(Debug)]
pub enum Ready {
    /// A request that may go to a provider.
    Forward(Box<Forward>),
    /// The answer, made here.
    Answer(Bytes),
    /// A prompt whose tokens are to be counted here, exactly, and the estimate of them.
    Count(Prompt, Vocabulary, u64),
}

/// Counts a prompt's tokens on a thread that may take its time: the body of the answer.
pub async fn count(prompt: Prompt, vocabulary: Vocabulary, estimate: u64) -> Bytes {
    let counted = tokio::task::spawn_blocking(move || vocabulary.count(&prompt)).await;
    match counted {
        Ok(counted) => count_tokens_body(counted.tokens, counted.is_guess),
        Err(_) => count_tokens_body(estimate, true),
    }
}

/// Makes a request that may go to a provider out of a caller and a body.
///
/// # Errors
/// The body is no request, the model unknown, not allowed or without a price, or the key's tokens
/// are used up.
pub fn forward(
    exchange: &mut Exchange,
    admitted: Admitted,
    body: Bytes,
    permit: BodyPermit,
) -> Result<Ready, Refusal> {
    let Admitted {
        surface,
        principal,
        purse,
    } = admitted;
    let prompt = Prompt::read(surface, body).map_err(|error| Refusal::BadRequest {
        message: error.message,
        param: error.param,
        code: error.code,
    })?;
    exchange.receipt.stream = prompt.stream();
    let gateway = exchange.gateway.clone();
    let plan = gateway.names.plan(prompt.model(), &mut chance)?;
    exchange.receipt.model = Some(prompt.model().to_owned());
    if !principal.allows(prompt.model()) {
        return Err(Refusal::ModelNotAllowed(prompt.model().to_owned()));
    }
    let input_estimate = prompt.estimate_input_tokens();
    if surface == Surface::CountTokens && !plan.counts_tokens() {
        let exactly = gateway.config.tokenizer == Tokenizer::Bpe && Vocabulary::can_count(&prompt);
        return Ok(match plan.vocabulary().filter(|_| exactly) {
            Some(vocabulary) => Ready::Count(prompt, vocabulary, input_estimate),
            None => Ready::Answer(count_tokens_body(input_estimate, true)),
        });
    }
    let plan = priced(&gateway, able(plan, &prompt)?, prompt.model())?;
    let plan = quota::payable(plan, purse.as_ref(), prompt.model())?;
    check_health(&plan, gateway.living.now())?;
    let answers = u64::from(prompt.choices());
    let max_output = match surface {
        Surface::Embeddings | Surface::CountTokens => Some(0),
        Surface::Chat | Surface::Completions | Surface::Messages | Surface::Responses => {
            prompt.max_output().map(|max| max.saturating_mul(answers))
        }
    };
    let headers = &mut exchange.answer_headers;
    let tokens =
        rate_limit::take_tokens(&gateway, &principal, input_estimate, max_output, headers)?;
    Ok(Ready::Forward(Box::new(Forward {
        model_label: gateway.model_label(prompt.model(), &plan),
        attempts: Attempts::new(plan.retry, plan.targets.len()),
        principal,
        prompt,
        pictures: None,
        input_estimate,
        plan,
        attempt: Attempt::default(),
        failed: Vec::new(),
        tokens,
        body: permit,
        watch: None,
        purse,
        money: None,
    })))
}

/// The plan without the targets whose provider has nothing of the kind.
fn able(mut plan: Plan, prompt: &Prompt) -> Result<Plan, Refusal> {
    let surface = prompt.surface();
    plan.targets.retain(|target| target.serves(surface));
    if plan.targets.is_empty() {
        return Err(Refusal::SurfaceUnknown {
            model: prompt.model().to_owned(),
            surface: match surface {
                Surface::Embeddings => "embeddings",
                _ => "completions of this older form",
            },
        });
    }
    Ok(plan)
}

/// The plan without the targets whose price is unknown, where the configuration refuses those.
fn priced(gateway: &Gateway, mut plan: Plan, model: &str) -> Result<Plan, Refusal> {
    if gateway.config.unknown_price == UnknownPrice::Refuse {
        plan.targets.retain(|target| target.price.is_some());
    }
    if plan.targets.is_empty() {
        return Err(Refusal::UnknownPrice(model.to_owned()));
    }
    Ok(plan)
}

/// Refuses at once, before anything is set aside, what nobody may be asked for now.
fn check_health(plan: &Plan, now: Duration) -> Result<(), Refusal> {
    let mut earliest: Option<Duration> = None;
    for target in &plan.targets {
        match target.provider.pool.peek(&target.model, now) {
            Ok(()) => return Ok(()),
            Err(until) => earliest = Some(earliest.map_or(until, |known| known.min(until))),
        }
    }
    let wait = earliest.unwrap_or(now).saturating_sub(now);
    Err(Refusal::nobody(wait, plan.is_throttled(now)))
}

/// Corrects the key's token limit to what the request really used.
pub fn settle_tokens(gateway: &Gateway, forward: &mut Forward, used: u64) {
    if let Some(hold) = forward.tokens.take() {
        hold.settle(rate_limit::clock(gateway), used);
    }
}
