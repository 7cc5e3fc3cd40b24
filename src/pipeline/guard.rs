//! The station of the guards: behind it nobody sees what was masked, and what is blocked has cost nothing.

use crate::exchange::Forward;
use crate::gateway::Gateway;
use crate::guards::{Watch, blocked};
use crate::refusal::Refusal;
use crate::secrets::Principal;

/// Prompts up to this size, in bytes, are screened on the serving thread; larger ones would keep others waiting.
const AT_ONCE: usize = 256 * 1024;

/// Screens the texts of a request, as the configuration says. What was found stays with the request, also when it is
/// refused.
///
/// # Errors
/// [`Refusal::ContentBlocked`]; [`Refusal::Internal`] where the screening itself died.
pub async fn screen(gateway: &Gateway, forward: &mut Forward) -> Result<(), Refusal> {
    let Some(guards) = &gateway.guards else {
        return Ok(());
    };
    let key = placeholder_key(gateway, &forward.principal);
    let mut watch = Box::new(Watch::new(guards, key));
    let mut prompt = forward.prompt.clone();
    let large = prompt.body().len() > AT_ONCE;
    let work = move || {
        let outcome = watch.screen(&mut prompt);
        (watch, prompt, outcome)
    };
    let (watch, prompt, outcome) = match large {
        true => tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Refusal::Internal)?,
        false => work(),
    };
    forward.watch = Some(watch);
    match outcome {
        Ok(0) => Ok(()),
        Ok(_) => {
            forward.input_estimate = prompt.estimate_input_tokens();
            forward.prompt = prompt;
            Ok(())
        }
        Err(found) => Err(Refusal::ContentBlocked(blocked("the request", &found))),
    }
}

/// The key of a caller's placeholders: the same in all processes, another for each team.
fn placeholder_key(gateway: &Gateway, principal: &Principal) -> [u8; 32] {
    let scope = format!("{:?} {:?}", principal.org_id, principal.team_id);
    let pepper = gateway.living.keyring.pepper();
    pepper.tag("alfred 2026 guard placeholders", scope.as_bytes())
}
