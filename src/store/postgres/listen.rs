//! Why: a revoked key must be refused by every process within milliseconds. One connection
//! listens for all of this process, and comes back by itself when it breaks.

use super::super::notices::Notice;
use super::problem::ServerProblem;
use super::server::Server;
use futures_util::{StreamExt as _, stream};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Sender;
use tokio_postgres::AsyncMessage;

/// Messages that a slow listener may be behind before it is told that it missed some.
pub(super) const BACKLOG: usize = 256;
/// Pauses between tries to come back.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Listens until the runtime ends.
pub(super) async fn listen(server: Arc<Server>, told: Sender<Notice>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let mut heard = false;
        let problem = match hear(&server, &told, &mut heard).await {
            Ok(()) => "the connection was closed".to_owned(),
            Err(problem) => problem.to_string(),
        };
        if heard {
            pause = FIRST_PAUSE;
            log::warn!("{}: no longer heard: {problem}", server.name);
        }
        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// One connection, as long as it lasts; `heard` tells whether it came to listening.
async fn hear(
    server: &Server,
    told: &Sender<Notice>,
    heard: &mut bool,
) -> Result<(), ServerProblem> {
    let (client, mut connection) = server.connect().await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let mut begun = pin!(client.batch_execute("LISTEN alfred"));
    loop {
        tokio::select! {
            begun = &mut begun, if !*heard => {
                begun?;
                *heard = true;
                // Whatever was said meanwhile is lost.
                let _ = told.send(Notice::Missed);
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    let _ = told.send(Notice::Said(notification.payload().to_owned()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}
