//! Why: a revoked key must be refused by every process within milliseconds. One connection
//! listens for all of this process, and comes back by itself when it breaks.

use super::problem::ServerProblem;
use super::server::Server;
use futures_util::{StreamExt as _, stream};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{SendError, Sender};
use std::time::Duration;
use tokio_postgres::AsyncMessage;

/// What is told after silence, in which anything may have been said.
const EVERYTHING: [&str; 2] = ["keys", "wallets"];
/// Pauses between tries to come back.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why listening ended.
enum Ended {
    /// Nobody wants to know any more.
    Unheard,
    /// The connection broke, or none came about.
    Broken(String),
}

impl From<ServerProblem> for Ended {
    fn from(problem: ServerProblem) -> Self {
        Self::Broken(problem.to_string())
    }
}

impl From<SendError<String>> for Ended {
    fn from(_: SendError<String>) -> Self {
        Self::Unheard
    }
}

/// Passes on what is said until nobody wants to know, or the runtime ends.
pub(super) async fn forever(server: Arc<Server>, told: Sender<String>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut has_begun = false;
        let why = match listen(&server, &told, &mut has_begun).await {
            Ended::Unheard => return,
            Ended::Broken(why) => why,
        };
        if has_begun {
            pause = FIRST_PAUSE;
            log::warn!(
                "{}: changes of others are seen only by looking: {why}",
                server.name
            );
        }
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn listen(server: &Server, told: &Sender<String>, has_begun: &mut bool) -> Ended {
    match try_listen(server, told, has_begun).await {
        Ok(()) => Ended::Broken("the connection was closed".to_owned()),
        Err(ended) => ended,
    }
}

/// One connection, as long as it lasts.
async fn try_listen(
    server: &Server,
    told: &Sender<String>,
    has_begun: &mut bool,
) -> Result<(), Ended> {
    let broken = |error: tokio_postgres::Error| Ended::from(ServerProblem::from(error));
    let (client, mut connection) = server.connect().await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let mut begun = pin!(client.batch_execute("LISTEN alfred"));
    loop {
        tokio::select! {
            begun = &mut begun, if !*has_begun => {
                begun.map_err(broken)?;
                *has_begun = true;
                EVERYTHING.iter().try_for_each(|topic| told.send((*topic).to_owned()))?;
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(said))) => told.send(said.payload().to_owned())?,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Ok(()),
            },
        }
    }
}
