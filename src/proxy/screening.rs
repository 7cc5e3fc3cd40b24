//! The guard of one answer: the client's bytes pass through it on their way out. It outlives attempts, because what was
//! masked in the request is put back whoever answers.

use alfred_filters::guard::screen::Blocked;
use alfred_filters::guard::veil::{VeilStream, is_idle, veil_body};
use alfred_filters::prompt::Surface;
use bytes::{Bytes, BytesMut};

use crate::guards::{Watch, blocked};
use crate::routing::Failure;

/// See the module text. Without a guard everything passes.
#[derive(Default)]
pub(crate) struct Screening {
    watch: Option<Box<Watch>>,
    /// The running answer's; none where nothing has to be done.
    veil: Option<VeilStream>,
}

impl Screening {
    pub(crate) fn new(watch: Option<Box<Watch>>) -> Self {
        Self { watch, veil: None }
    }

    pub(crate) fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    /// Another attempt begins.
    pub(crate) fn begin(&mut self, surface: Surface) {
        let watch = self.watch.as_mut();
        let heeds = watch.is_some_and(|watch| !is_idle(&watch.desk()));
        self.veil = heeds.then(|| VeilStream::new(surface));
    }

    /// Moves what may go on from `raw` to `out`; at the `end` nothing is held back any more.
    pub(crate) fn pass(
        &mut self,
        raw: &mut BytesMut,
        end: bool,
        out: &mut BytesMut,
    ) -> Result<(), Failure> {
        let (Some(veil), Some(watch)) = (&mut self.veil, &mut self.watch) else {
            out.unsplit(raw.split());
            return Ok(());
        };
        let mut desk = watch.desk();
        let fed = veil.feed(&mut desk, &raw.split(), out);
        let fed = match end {
            true => fed.and_then(|()| veil.finish(&mut desk, out)),
            false => fed,
        };
        fed.map_err(|found| failure(&found))
    }

    /// The answer breaks off with these words. What is held back goes before them, unless it is what was blocked.
    pub(crate) fn last_words(&mut self, raw: &mut BytesMut, out: &mut BytesMut) {
        let words = raw.clone();
        if self.pass(raw, true, out).is_err()
            && let (Some(veil), Some(watch)) = (&mut self.veil, &mut self.watch)
        {
            veil.last_words(&mut watch.desk(), &words, out);
        }
    }

    /// The same for an answer in one piece.
    pub(crate) fn whole(&mut self, surface: Surface, body: Bytes) -> Result<Bytes, Failure> {
        match &mut self.watch {
            Some(watch) => {
                veil_body(surface, &mut watch.desk(), body).map_err(|found| failure(&found))
            }
            None => Ok(body),
        }
    }
}

fn failure(found: &Blocked) -> Failure {
    Failure::Blocked(blocked("the answer", found))
}
