//! Why: a person who starts Alfred for the first time has no key and no file to put one in.
//! The first key is made for them and kept in `data_dir/first-key`, the only secret that can be
//! printed again.

use super::issue::new_key;
use super::{ApiKey, KeyRequest, Pepper, Random, SecretProblem};
use crate::private_file::{self, FileProblem};
use crate::store::{Keys, StoreFault};
use std::path::Path;

const FILE: &str = "first-key";

/// The key of a fresh installation.
#[derive(Debug)]
pub struct FirstKey {
    /// The key in the clear.
    pub key: ApiKey<'static>,
    /// True when this start made it.
    pub is_new: bool,
}

/// The key to print at start: made on the very first one, read on later ones. `None` when there
/// is none to print: keys exist that were shown when made, or the first key was revoked.
///
/// The file is written before the row. A crash between the two leaves a key on disk that the
/// next start puts into the store; the other order would lose the secret for ever.
pub fn first_key(
    data_dir: &Path,
    store: &dyn Keys,
    pepper: &Pepper,
    now_ms: i64,
    random: &mut Random<'_>,
) -> Result<Option<FirstKey>, SecretProblem> {
    let path = data_dir.join(FILE);
    let rows = store.list_keys()?;
    let text = match private_file::read(&path)? {
        Some(text) => text,
        None if !rows.is_empty() => return Ok(None),
        None => {
            let key = ApiKey::generate("live", random)?;
            private_file::create(&path, &format!("{}\n", key.expose()), random)?;
            private_file::read(&path)?.unwrap_or_default()
        }
    };
    let key = ApiKey::parse(text.trim()).map_err(|_| FileProblem::Malformed {
        path: path.clone(),
        expected: "one key (ak_…) on one line",
        hint: "delete the file and make a key with `alfred keys create`",
    })?;
    let key = key.into_owned();
    let Some(row) = rows.iter().find(|row| row.public_id == key.public_id()) else {
        let request = KeyRequest {
            name: "first key".to_owned(),
            ..KeyRequest::default()
        };
        let is_new = match store.create_key(new_key(&key, pepper, request, now_ms)) {
            Ok(_) => true,
            // Another process starting on the same directory stored it just now.
            Err(StoreFault::Taken) => false,
            Err(fault) => return Err(fault.into()),
        };
        return Ok(Some(FirstKey { key, is_new }));
    };
    let hash = pepper.hash_as(row.pepper_version, key.expose());
    if hash.is_none_or(|hash| *hash.as_bytes() != row.key_hash) {
        return Err(SecretProblem::Mismatch { path });
    }
    Ok(row.is_active.then_some(FirstKey { key, is_new: false }))
}
