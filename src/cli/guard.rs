//! Why: whoever writes a policy wants to see, without sending anything anywhere, what the guards find in a text of theirs.

use std::io::Read as _;
use std::path::PathBuf;

use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::report::name;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Entity, Finding, Window};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::guard_eval::{EvalArgs, eval};
use super::guard_policies::{PolicyCommand, hash, policy};
use super::show::{self, left, right};
use super::{At, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum GuardCommand {
    /// Look for personal data and secrets in a file, and say where each stands.
    ///
    /// Values are never printed. Exit status: 0 nothing was found, 1 something was.
    Scan(ScanArgs),
    /// Count on marked examples how much the guards find, and how often they are wrong.
    Eval(EvalArgs),
    /// Read and set the policies of organisations, teams and keys.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print the hashes under which values are let through (`allow_hashed`).
    ///
    /// The values are read from standard input, one in each line, so that they are in no history of a shell.
    Hash {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// The file, UTF-8; `-` is standard input.
    file: PathBuf,
    /// Also the numbers of this country, such as `de`; may be given several times.
    #[arg(long, value_name = "COUNTRY")]
    pack: Vec<String>,
    /// Only what is at least this sure, in per cent.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u8).range(0..=100))]
    min_confidence: u8,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// `alfred guard`.
pub(super) fn guard(command: GuardCommand) -> Result<(), Failure> {
    match command {
        GuardCommand::Scan(args) => scan(&args),
        GuardCommand::Eval(args) => eval(&args),
        GuardCommand::Policy(command) => policy(command),
        GuardCommand::Hash { at } => hash(&at),
    }
}

fn scan(args: &ScanArgs) -> Result<(), Failure> {
    let text = read(&args.file)?;
    let mut entities: Vec<Entity> = Entity::defaults().collect();
    for pack in &args.pack {
        let known = entities.len();
        entities.extend(Entity::pack(pack));
        if entities.len() == known {
            return Err(Failure::Usage(format!(
                "there is no pack `{pack}`: a country is written as two letters, such as `de`"
            )));
        }
    }
    let mut findings = Vec::new();
    Pii::new(&entities).scan(Window::whole(&text), &mut findings);
    Secrets::new().scan(Window::whole(&text), &mut findings);
    findings.retain(|finding| finding.confidence.0 >= args.min_confidence);
    findings.sort_by_key(|finding| (finding.span.start, finding.span.end));
    let places = Places::of(&text);
    match args.json {
        true => show::json(
            &findings
                .iter()
                .map(|one| as_json(one, &places))
                .collect::<Vec<_>>(),
        )?,
        false => show::out(&table(&findings, &places))?,
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err(Failure::Found("1 finding".to_owned())),
        many => Err(Failure::Found(format!("{many} findings"))),
    }
}

pub(super) fn read(file: &PathBuf) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        false => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
    Ok(text)
}

/// Where lines begin, in bytes.
struct Places(Vec<usize>);

impl Places {
    fn of(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(ends).collect())
    }

    /// Line and column, in bytes, both counted from 1.
    fn at(&self, byte: usize) -> (usize, usize) {
        let line = self.0.partition_point(|start| *start <= byte);
        let start = self.0.get(line - 1).copied().unwrap_or_default();
        (line, byte - start + 1)
    }
}

fn as_json(finding: &Finding, places: &Places) -> Value {
    let (line, column) = places.at(finding.span.start);
    json!({
        "kind": name(finding.kind),
        "rule": finding.rule,
        "confidence": finding.confidence.0,
        "line": line,
        "column": column,
        "bytes": [finding.span.start, finding.span.end],
    })
}

fn table(findings: &[Finding], places: &Places) -> String {
    let columns = [
        right("LINE"),
        right("COLUMN"),
        right("BYTES"),
        left("KIND"),
        left("RULE"),
        right("CONFIDENCE"),
    ];
    let rows = findings.iter().map(|finding| {
        let (line, column) = places.at(finding.span.start);
        vec![
            line.to_string(),
            column.to_string(),
            finding.span.len().to_string(),
            name(finding.kind).to_owned(),
            finding.rule.to_owned(),
            format!("{} %", finding.confidence.0),
        ]
    });
    show::table(&columns, rows)
}
