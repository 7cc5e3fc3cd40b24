//! Why: one way from text to settings: parse, walk the sections, check the whole, and then tell all problems at once in
//! the order of the file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::check;
use super::config::Config;
use super::cx::Cx;
use super::environment::Environment;
use super::problem::{Problem, Problems};
use super::shape::Shape;
use super::source::Source;
use super::tree::Node;
use super::yaml;

/// Reads a whole configuration; see [`super::parse`]. Also tells the files of its secrets.
pub(super) fn config(
    name: &str,
    text: &str,
    env: &Environment,
) -> (Result<Config, Problems>, BTreeSet<PathBuf>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = match yaml::document(text) {
        Ok(document) => document,
        Err(finding) => {
            let masks = super::mask::guessed(text, &finding.at);
            let source = Source::new(name, text, Node::empty(), masks);
            return (Err(source.locate(&finding).into()), BTreeSet::new());
        }
    };
    let mut cx = Cx::new(env, &document.root, document.findings);
    let config = Config::read(&document.root, &mut cx).map(|mut config| {
        check::all(&mut config, &mut cx);
        config
    });
    let files = cx.take_files();
    let (mut findings, masks) = cx.finish();
    findings
        .list
        .sort_by(|a, b| (a.at.start, &a.path).cmp(&(b.at.start, &b.path)));
    let source = Source::new(name, text, document.root, masks);
    let located = findings.list.iter().map(|finding| source.locate(finding));
    let mut problems: Vec<Problem> = located.collect();
    if findings.untold > 0 {
        let message = format!("and {} more problems", findings.untold);
        problems.push(Problem::of_file(name, message));
    }
    let config = match config {
        Some(mut config) if problems.is_empty() => {
            config.source = source;
            Ok(config)
        }
        _ => Err(Problems(problems)),
    };
    (config, files)
}
