//! Why: files change in many ways: written in place, renamed over, a link swapped two folders up as Kubernetes does it,
//! or on a network share that tells nobody. Looking at them from time to time sees all of these alike and cannot miss
//! one. See docs/decisions/0003-watching-by-looking.md.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long files must stay as they are before they are read: whoever writes several, or one in pieces, is let finish.
const STILL: Duration = Duration::from_millis(300);

/// What files look like from outside, links followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight(BTreeMap<PathBuf, Option<Stamp>>);

/// What changes when the content of a path may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Sight {
    /// Looks at the files. One that is not there is a sight, too.
    pub fn of(files: &BTreeSet<PathBuf>) -> Self {
        Self(
            files
                .iter()
                .map(|file| (file.clone(), Stamp::of(file)))
                .collect(),
        )
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// Decides when changed files are read: once they have been still for a moment.
#[derive(Debug, Default)]
pub struct Watch {
    /// As the files were when they were last acted on.
    known: Sight,
    /// Something else, and since when.
    stirred: Option<(Sight, Duration)>,
}

impl Watch {
    /// Takes a look at the files, `now` on a clock that never goes back. True when they have changed and are still:
    /// the time to read them. Whoever reads then sees at least this sight, so nothing is missed.
    pub fn look(&mut self, seen: Sight, now: Duration) -> bool {
        if seen == self.known {
            self.stirred = None;
            return false;
        }
        match &self.stirred {
            Some((sight, since)) if *sight == seen => {
                if now.saturating_sub(*since) < STILL {
                    return false;
                }
                self.known = seen;
                self.stirred = None;
                true
            }
            _ => {
                self.stirred = Some((seen, now));
                false
            }
        }
    }

    /// Whether a change is being waited out, so that the next look should come soon.
    pub fn is_stirred(&self) -> bool {
        self.stirred.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Looks until the watch decides; true when it wants the files to be read.
    fn settle(watch: &mut Watch, files: &BTreeSet<PathBuf>, from: Duration) -> bool {
        let at = [0, 200, 400, 600].map(|later| from + ms(later));
        at.into_iter().any(|now| watch.look(Sight::of(files), now))
    }

    #[test]
    fn a_file_is_read_once_it_has_been_still_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = BTreeSet::from([folder.path().join("a")]);
        let mut watch = Watch::default();
        assert!(
            settle(&mut watch, &files, ms(0)),
            "absent, and not known to be"
        );
        assert!(!settle(&mut watch, &files, ms(1000)));
        for (number, text) in ["1", "12", "123"].into_iter().enumerate() {
            fs::write(folder.path().join("a"), text).unwrap();
            let now = ms(2000 + 250 * u64::try_from(number).unwrap());
            assert!(
                !watch.look(Sight::of(&files), now),
                "it is still being written"
            );
            assert!(watch.is_stirred());
        }
        assert!(settle(&mut watch, &files, ms(2750)));
        assert!(!settle(&mut watch, &files, ms(4000)) && !watch.is_stirred());
    }

    #[test]
    fn a_change_that_is_taken_back_in_time_is_none() {
        let (one, other) = (
            Sight::default(),
            Sight::of(&BTreeSet::from([PathBuf::from("/")])),
        );
        let mut watch = Watch::default();
        assert!(!watch.look(other.clone(), ms(0)));
        assert!(!watch.look(one, ms(200)));
        assert!(!watch.look(other.clone(), ms(400)), "the time begins anew");
        assert!(watch.look(other, ms(700)));
    }

    #[test]
    fn a_rename_and_a_link_swapped_above_are_seen_at_equal_size() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("f"), version).unwrap();
        }
        symlink("v1", at("..data")).unwrap();
        symlink("..data/f", at("f")).unwrap();
        let files = BTreeSet::from([at("f")]);
        let first = Sight::of(&files);
        symlink("v2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        let second = Sight::of(&files);
        assert_ne!(first, second);
        fs::write(at("tmp"), "v3").unwrap();
        fs::rename(at("tmp"), at("f")).unwrap();
        assert_ne!(Sight::of(&files), second);
    }
}
