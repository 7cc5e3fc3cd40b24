//! A client that leaves while nothing runs for it, in a back-off or a connect, is noticed all the
//! same: no provider is asked for nobody.

use std::time::Instant;

use crate::client_loss::{WAYS, ask_and_leave};
use crate::support::{Full, Gateway, Upstream, ms};
use crate::world::{alias, calm, config};

#[tokio::test]
async fn a_client_that_leaves_in_the_back_off_is_noticed_at_once() {
    for policy in ["cancel", "drain"] {
        for way in WAYS {
            let mock = Upstream::mock().await;
            let providers = [mock.provider("p", &calm(&format!("on_client_disconnect: {policy}")))];
            let models = [alias(
                "m",
                &["p/status?code=429&retry_after=2"],
                "retry: { attempts: 4 }",
            )];
            let gateway = Gateway::start(&config(&providers, &models)).await;
            ask_and_leave(&gateway, "m", way, None).await;
            let left = Instant::now();
            gateway.settled().await;
            assert!(
                left.elapsed() < ms(1_700),
                "{policy}, {way:?}: {:?}",
                left.elapsed()
            );
            let receipt = gateway.nth_receipt(1).await;
            assert_eq!(
                receipt["outcome"], "client_gone",
                "{policy}, {way:?}: {receipt:#}"
            );
            assert_eq!(mock.requests().await.len(), 1, "{policy}, {way:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_a_connect_is_noticed_before_the_next_target_is_asked() {
    for way in WAYS {
        let full = Full::new().await;
        let mock = Upstream::mock().await;
        let providers = [
            full.provider("full", &calm("timeouts: { connect: 600ms }")),
            mock.provider("p", ""),
        ];
        let models = [alias("m", &["full/x", "p/echo"], "")];
        let gateway = Gateway::start(&config(&providers, &models)).await;
        ask_and_leave(&gateway, "m", way, None).await;
        gateway.settled().await;
        assert_eq!(
            gateway.nth_receipt(1).await["outcome"],
            "client_gone",
            "{way:?}"
        );
        assert!(
            mock.requests().await.is_empty(),
            "{way:?}: a provider was asked for nobody"
        );
    }
}
