//! Pictures that a request names by their address, for a provider that wants their
//! bytes. Whether and how they are fetched is decided elsewhere; here they are found,
//! and put in the place of their address.

use std::collections::BTreeMap;
use std::fmt;

use crate::ask::{Ask, Part, PartKind, Source, Str};
use crate::prompt::{Prompt, ReadError};

/// Pictures by their address.
#[derive(Default)]
pub struct Pictures(BTreeMap<String, Picture>);

/// One picture.
struct Picture {
    media_type: &'static str,
    base64: String,
}

impl Pictures {
    /// Adds the picture that was found at an address.
    pub fn add(&mut self, url: String, media_type: &'static str, base64: String) {
        self.0.insert(url, Picture { media_type, base64 });
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Pictures {
    /// Never what they show, or where they were.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pictures").field(&self.0.len()).finish()
    }
}

impl Prompt {
    /// The addresses of pictures in the conversation, each once. Data URLs and ids are
    /// none.
    ///
    /// # Errors
    /// The request cannot be said in another dialect at all.
    pub fn picture_urls(&self) -> Result<Vec<String>, ReadError> {
        let mut urls = Vec::new();
        // Reading it all is dear: nearly no request holds an address.
        if memchr::memmem::find(self.body(), b"http").is_none() {
            return Ok(urls);
        }
        let mut ask = self.ask()?;
        each(&mut ask, &mut |source| {
            if let Source::Url(url) = source {
                let url = url.read();
                if url.starts_with("http") && !urls.iter().any(|known| *known == url) {
                    urls.push(url.into_owned());
                }
            }
        });
        Ok(urls)
    }
}

/// Puts the pictures that are there in the place of their addresses.
pub(super) fn inline<'a>(ask: &mut Ask<'a>, pictures: &'a Pictures) {
    if pictures.is_empty() {
        return;
    }
    each(ask, &mut |source| {
        if let Source::Url(url) = source
            && let Some(picture) = pictures.0.get(&*url.read())
        {
            *source = Source::Base64 {
                media_type: Str::text(picture.media_type),
                data: Str::text(&picture.base64),
            };
        }
    });
}

/// Shows every picture of the conversation, those in results of tools included.
fn each<'a>(ask: &mut Ask<'a>, f: &mut dyn FnMut(&mut Source<'a>)) {
    for turn in &mut ask.turns {
        each_of(&mut turn.parts, f);
    }
}

fn each_of<'a>(parts: &mut [Part<'a>], f: &mut dyn FnMut(&mut Source<'a>)) {
    for part in parts {
        match &mut part.kind {
            PartKind::Image(source) => f(source),
            PartKind::ToolResult { parts, .. } => each_of(parts, f),
            _ => {}
        }
    }
}
