//! Why: a key that is revoked, and money that others want, are told at once by `NOTIFY`. The
//! connection that hears it is made anew when it breaks; polling goes on all the same.

use std::future::poll_fn;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio_postgres::AsyncMessage;

use super::setup::{self, PostgresSettings};

/// The pause before a new connection, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Passes on what is heard until nobody listens any more.
pub(super) async fn forever(settings: PostgresSettings, sender: Sender<String>) {
    let mut pause = PAUSE.0;
    loop {
        match listen(&settings, &sender).await {
            Ok(Heard::Nobody) => return,
            Ok(Heard::Something) => pause = PAUSE.0,
            Err(error) => log::debug!("nothing is heard from the database: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Why listening ended.
enum Heard {
    /// The connection was good for a while.
    Something,
    /// There is nobody to tell.
    Nobody,
}

async fn listen(
    settings: &PostgresSettings,
    sender: &Sender<String>,
) -> Result<Heard, tokio_postgres::Error> {
    let (config, tls) = setup::config(settings)?;
    let (client, mut connection) = config.connect(tls).await?;
    let heard = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(notice) = message?
                && sender.send(notice.payload().to_owned()).is_err()
            {
                return Ok(Heard::Nobody);
            }
        }
        Ok(Heard::Something)
    };
    let (heard, asked) = tokio::join!(heard, async {
        let asked = client.batch_execute("LISTEN alfred").await;
        // What was told while nobody listened is made up for by looking once.
        let _ = sender.send("keys".to_owned());
        // The connection lives as long as its client.
        std::mem::forget(client);
        asked
    });
    asked.and(heard)
}
