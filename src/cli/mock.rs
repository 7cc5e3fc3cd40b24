//! Why: the mock on a port of its own, for people who test applications without any provider.

use alfred::mock::{Mock, MockOptions, common_params, scenarios};

use super::{Failure, MockArgs};

/// `alfred mock`.
pub(super) fn mock(args: &MockArgs) -> Result<(), Failure> {
    if args.list {
        list();
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let options = MockOptions {
            listen: args.listen,
            usage_log: args.usage_log.clone(),
        };
        let mock = Mock::bind(options).await.map_err(|error| Failure::Port {
            what: "mock",
            address: args.listen,
            error,
        })?;
        eprintln!(
            "mock provider on http://{}/v1 (scenarios: alfred mock --list)",
            mock.addr()
        );
        mock.serve(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
        Ok(())
    })
}

fn list() {
    for scenario in scenarios() {
        println!("{:<18} {}", scenario.name, scenario.about);
        for param in scenario.params {
            println!(
                "{:<18}   {}={}  {}",
                "", param.name, param.default, param.about
            );
        }
    }
    println!("\nevery scenario also takes:");
    for param in common_params() {
        println!(
            "{:<18}   {}={}  {}",
            "", param.name, param.default, param.about
        );
    }
}
