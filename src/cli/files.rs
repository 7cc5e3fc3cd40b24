//! Why: files that Alfred writes for people: a configuration to begin with, and its schema.

use std::fs::OpenOptions;
use std::io::Write;

use alfred::conf::{self, Kind};

use super::{Failure, InitArgs};

/// `alfred init`.
pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    let kinds = args
        .provider
        .iter()
        .map(|name| kind(name))
        .collect::<Result<Vec<_>, _>>()?;
    let failed = |error| Failure::File {
        path: args.file.clone(),
        error,
    };
    if let Some(folder) = args.file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    match args.force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let mut file = options.open(&args.file).map_err(failed)?;
    file.write_all(conf::template(&kinds).as_bytes())
        .map_err(failed)?;
    let schema = args.file.with_file_name("schema.json");
    if !schema.exists() {
        std::fs::write(&schema, schema_text()).map_err(failed)?;
    }
    println!(
        "wrote {}; `alfred check` tells whether it is right",
        args.file.display()
    );
    Ok(())
}

fn kind(name: &str) -> Result<Kind, Failure> {
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| {
            let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            Failure::Usage(format!(
                "there is no kind of provider '{name}'; there are {}",
                names.join(", ")
            ))
        })
}

/// `alfred schema`.
pub(super) fn schema() -> Result<(), Failure> {
    std::io::stdout().write_all(schema_text().as_bytes())?;
    Ok(())
}

fn schema_text() -> String {
    let text = serde_json::to_string_pretty(&conf::schema()).unwrap_or_default();
    format!("{text}\n")
}
