//! Keeps the page `docs/reference/mock.md` equal to the table: the list on it is what this prints.

use std::fmt::Write as _;

use super::scenario::{Kind, Param, Scenario, common_params, scenarios};

const PAGE: &str = include_str!("../../docs/reference/mock.md");

fn values(kind: Kind) -> String {
    match kind {
        Kind::Count(_) => "number".to_owned(),
        Kind::Status => "200–599".to_owned(),
        Kind::Span => "duration".to_owned(),
        Kind::Word(words) => words.join(", "),
        Kind::Text => "text".to_owned(),
    }
}

fn params(params: &[Param], indent: &str) -> String {
    params.iter().fold(String::new(), |mut list, param| {
        let default = match param.default {
            "" => String::new(),
            default => format!("; `{default}`"),
        };
        let kind = values(param.kind);
        writeln!(
            list,
            "{indent}- `{}` ({kind}{default}): {}",
            param.name, param.about
        )
        .unwrap();
        list
    })
}

fn scenario(scenario: &Scenario) -> String {
    let own = params(scenario.params, "  ");
    format!("- **`{}`** {}\n{own}", scenario.name, scenario.about)
}

#[test]
fn the_reference_page_lists_exactly_the_scenarios_of_the_table() {
    let all: String = scenarios().iter().map(scenario).collect();
    let common = params(common_params(), "");
    for list in [all, common] {
        assert!(
            PAGE.contains(&list),
            "docs/reference/mock.md must hold:\n{list}"
        );
    }
}

#[test]
fn every_example_of_the_page_can_be_played() {
    let examples = PAGE.split('`').filter(|text| text.starts_with("mock/"));
    let names = examples.filter(|name| !name.contains('<') && *name != "mock/");
    let mut played = 0;
    for name in names {
        assert!(super::scenario::call(name).is_ok(), "{name}");
        played += 1;
    }
    assert!(played > 5, "only {played} examples");
}
