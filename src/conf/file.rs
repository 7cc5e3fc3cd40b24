//! Why: files named by an operator may be missing, huge, secret or not text; each of these is said plainly.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::problem::Problem;
use super::source::{Finding, Source};
use super::tree::Node;

/// The largest secret that is read, in bytes.
const LARGEST_SECRET: u64 = 64 * 1024;

/// Reads the configuration file, at most `largest` bytes.
pub(super) fn configuration(path: &Path, largest: u64) -> Result<String, Box<Problem>> {
    let name = path.display().to_string();
    let whole =
        |message: String, hint: &str| Box::new(Problem::of_file(name.clone(), message).hint(hint));
    let bytes = read(path, largest).map_err(|why| match why {
        Why::Io(error) => whole(
            format!("cannot be read: {}", plain(&error)),
            "`alfred init` writes a configuration to begin with",
        ),
        Why::TooLarge => whole(
            format!("is larger than {} MiB", largest / (1024 * 1024)),
            "a configuration is a few pages of text; is this the right file?",
        ),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let bytes = error.into_bytes();
        let text = String::from_utf8_lossy(&bytes);
        let source = Source::new(
            &name,
            &text,
            Node::empty(),
            super::mask::guessed(&text, &(start..start)),
        );
        Box::new(source.locate(&Finding {
            at: start..start + 1,
            path: String::new(),
            message: "is not UTF-8 text".to_owned(),
            hint: Some("save the file as UTF-8".to_owned()),
        }))
    })
}

/// Reads a secret and drops the line end that editors add. The error says why, without the content.
pub(super) fn secret(path: &Path) -> Result<String, String> {
    let name = path.display();
    let bytes = read(path, LARGEST_SECRET).map_err(|why| match why {
        Why::Io(error) => format!("the file {name} cannot be read: {}", plain(&error)),
        Why::TooLarge => format!("the file {name} is too large for a secret"),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| format!("the file {name} is not text"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("the file {name} is empty"));
    }
    Ok(text.to_owned())
}

enum Why {
    Io(io::Error),
    TooLarge,
}

fn read(path: &Path, largest: u64) -> Result<Vec<u8>, Why> {
    let file = File::open(path).map_err(Why::Io)?;
    let mut bytes = Vec::new();
    file.take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(Why::Io)?;
    if bytes.len() as u64 > largest {
        return Err(Why::TooLarge);
    }
    Ok(bytes)
}

fn plain(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a folder",
        _ => "the system refused",
    }
}
