//! Why: whoever chooses a gateway, or changes one, sees in a minute what clients would see.

use std::time::Duration;

use alfred::conf::Secret;
use alfred::lab::{Client, Finding, Lab, Subject};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;

use super::Failure;
use super::show::{self, left, right};

#[derive(Debug, Args)]
pub(super) struct ConformArgs {
    /// The gateway or provider, such as http://127.0.0.1:9090; `/v1` is added if it is not there.
    url: String,
    /// A model that answers there.
    #[arg(long)]
    model: String,
    /// A model for embeddings; without it none are asked for.
    #[arg(long, value_name = "MODEL")]
    embeddings: Option<String>,
    /// An API key. Better in the environment, where other users cannot see it.
    #[arg(long, env = "ALFRED_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Ask as this client only; may be given several times.
    #[arg(long, value_parser = client())]
    client: Vec<Client>,
    /// Seconds that one answer may take.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn client() -> impl TypedValueParser<Value = Client> {
    let names = Client::ALL.map(|(_, name)| name);
    PossibleValuesParser::new(names).map(|word| {
        let found = Client::ALL.into_iter().find(|(_, name)| *name == word);
        found.map_or(Client::Chat, |(client, _)| client)
    })
}

/// `alfred conform`.
pub(super) fn conform(args: ConformArgs) -> Result<(), Failure> {
    let clients = match args.client.is_empty() {
        true => Client::ALL.map(|(client, _)| client).to_vec(),
        false => args.client,
    };
    let lab = Lab::new(Subject {
        url: args.url,
        model: args.model,
        embeddings: args.embeddings,
        key: args.key.map(Secret::new),
        timeout: Duration::from_secs(args.timeout),
    });
    let lab = lab.map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let findings = runtime.block_on(lab.examine(&clients));
    match args.json {
        true => show::json(&findings.iter().map(as_json).collect::<Vec<_>>())?,
        false => show::out(&report(&findings))?,
    }
    match findings
        .iter()
        .map(|finding| finding.violations.len())
        .sum()
    {
        0 => Ok(()),
        1 => Err(Failure::Found("1 violation".to_owned())),
        many => Err(Failure::Found(format!("{many} violations"))),
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    let violations = finding.violations.iter();
    let violations =
        violations.map(|one| json!({"rule": one.rule, "at": one.at, "what": one.what}));
    json!({
        "client": finding.client.name(),
        "probe": finding.probe,
        "status": finding.status,
        "violations": violations.collect::<Vec<_>>(),
    })
}

fn report(findings: &[Finding]) -> String {
    let columns = [
        left("CLIENT"),
        left("PROBE"),
        right("STATUS"),
        right("VIOLATIONS"),
    ];
    let rows = findings.iter().map(|finding| {
        vec![
            finding.client.name().to_owned(),
            finding.probe.to_owned(),
            finding
                .status
                .map_or("-".to_owned(), |status| status.to_string()),
            finding.violations.len().to_string(),
        ]
    });
    let mut text = show::table(&columns, rows);
    for finding in findings {
        for violation in &finding.violations {
            let who = format!("{}, {}", finding.client.name(), finding.probe);
            text.push('\n');
            text.push_str(&show::clean(&format!("{who}: {violation}")));
        }
    }
    if findings
        .iter()
        .any(|finding| !finding.violations.is_empty())
    {
        text.push('\n');
    }
    text
}
