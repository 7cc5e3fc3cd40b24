//! The guard of one answer: the client's bytes pass through it on their way out. It outlives attempts, because what was
//! masked in the request is put back whoever answers.

use alfred_filters::guard::screen::Blocked;
use alfred_filters::guard::veil::{VeilStream, veil_body};
use alfred_filters::prompt::Surface;
use bytes::{Bytes, BytesMut};

use crate::guards::{Watch, blocked};
use crate::routing::Failure;

/// See the module text.
pub(crate) struct Screening {
    watch: Box<Watch>,
    /// The running answer's; none where nothing has to be done.
    veil: Option<VeilStream>,
}

impl Screening {
    pub(crate) fn new(watch: Box<Watch>) -> Box<Self> {
        Box::new(Self { watch, veil: None })
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Another attempt begins.
    pub(crate) fn begin(&mut self, surface: Surface) {
        let heeds = self.watch.heeds_answer();
        self.veil = heeds.then(|| VeilStream::new(surface));
    }

    /// Moves what may go on from `raw` to `out`; at the `end` nothing is held back any more.
    pub(crate) fn pass(
        &mut self,
        raw: &mut BytesMut,
        end: bool,
        out: &mut BytesMut,
    ) -> Result<(), Failure> {
        let Some(veil) = &mut self.veil else {
            out.unsplit(raw.split());
            return Ok(());
        };
        let mut desk = self.watch.desk();
        let fed = veil.feed(&mut desk, &raw.split(), out);
        let fed = match end {
            true => fed.and_then(|()| veil.finish(&mut desk, out)),
            false => fed,
        };
        fed.map_err(|found| failure(&found))
    }

    /// The answer breaks off with these words.
    pub(crate) fn last_words(&mut self, raw: &mut BytesMut, out: &mut BytesMut) {
        match &mut self.veil {
            Some(veil) => veil.last_words(&mut self.watch.desk(), &raw.split(), out),
            None => out.unsplit(raw.split()),
        }
    }

    /// The same for an answer in one piece.
    pub(crate) fn whole(&mut self, surface: Surface, body: Bytes) -> Result<Bytes, Failure> {
        if self.veil.is_none() {
            return Ok(body);
        }
        let mut desk = self.watch.desk();
        veil_body(surface, &mut desk, body).map_err(|found| failure(&found))
    }
}

fn failure(found: &Blocked) -> Failure {
    Failure::Blocked(blocked("the answer", found))
}
