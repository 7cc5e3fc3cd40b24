//! Our guards beside other tools on the same rows. `guard_table texts DATA…` writes the texts
//! that the tools are to scan, one JSON object in each line; `guard_table table NAME=FILE…
//! DATA…` scans them too, reads what the tools found and prints one table in Markdown. All are
//! counted by the same code. `benches/guard/run` does the rest. It fails when a goal of ours is
//! missed, and only then.

mod count;
mod found;
mod print;
mod rows;
mod speed;

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use found::Tool;
use rows::Rows;

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: guard_table texts DATA… | guard_table table NAME=FILE… DATA…";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("guard_table: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every goal was reached.
fn run() -> Outcome<bool> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (what, rest) = arguments.split_first().ok_or(USAGE)?;
    let (tools, data): (Vec<&String>, Vec<&String>) =
        rest.iter().partition(|argument| argument.contains('='));
    let paths: Vec<PathBuf> = data.into_iter().map(PathBuf::from).collect();
    let rows = Rows::read(&paths)?;
    match what.as_str() {
        "texts" => {
            let mut out = BufWriter::new(std::io::stdout().lock());
            for line in rows.texts() {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            Ok(true)
        }
        "table" => {
            let mut all = vec![found::ours(&rows)];
            all.extend(found::unknown_vendors(&rows));
            for tool in tools {
                let (name, file) = tool.split_once('=').ok_or(USAGE)?;
                all.push(Tool::read(name, file.as_ref(), &rows)?);
            }
            let goals = count::goals(&rows);
            print::table(&rows, &all, &goals);
            Ok(goals.iter().all(count::Goal::is_reached))
        }
        _ => Err(USAGE.into()),
    }
}
