//! The rest of one key at one endpoint: pure, the clock is passed in.
//!
//! A key that was refused rests ten minutes and is then tried by one request. A throttled key
//! rests as long as the provider asks. Vendors count their limits and grant their models one by
//! one, so everything but a refused key rests for the model alone: a client who asks for a model
//! that the account may not use must not take the key away from everybody else.

use std::time::Duration;

/// How long a key rests that was refused.
const DEAD: Duration = Duration::from_secs(600);
/// How long a throttled key rests at first when the provider does not say.
const FIRST: Duration = Duration::from_secs(1);
/// The longest such rest.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a caller is told to wait while somebody else tries a key.
const SOON: Duration = Duration::from_secs(1);
/// Rests that are remembered for one key; clients can name any number of models.
const MAX_RESTS: usize = 64;

/// What a call told about its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused,
    /// It may not use the model.
    Forbidden,
    /// Its account is empty.
    Exhausted,
    /// It must rest, for this long if the provider said so.
    Throttled(Option<Duration>),
}

/// Why a key rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The provider does not accept it.
    Dead,
    /// It may not use the model.
    Forbidden,
    /// Its account is empty.
    Exhausted,
    /// It has asked for too much.
    Throttled,
}

impl Reason {
    /// The word on status pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Forbidden => "forbidden",
            Self::Exhausted => "exhausted",
            Self::Throttled => "throttled",
        }
    }
}

/// One rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The model it concerns; `None` for all.
    pub model: Option<Box<str>>,
    /// Why.
    pub reason: Reason,
    /// When it ends.
    pub until: Duration,
    /// Throttles in a row, for providers that do not say how long.
    strikes: u32,
    /// One request is trying whether it is over.
    trying: bool,
}

impl Rest {
    fn concerns(&self, model: &str) -> bool {
        self.model.as_deref().is_none_or(|own| own == model)
    }

    /// Whether one request must try it before the others may.
    fn needs_trial(&self) -> bool {
        self.reason != Reason::Throttled
    }

    fn peek(&self, now: Duration) -> Result<(), Duration> {
        if now < self.until {
            return Err(self.until);
        }
        match self.needs_trial() && self.trying {
            true => Err(now + SOON),
            false => Ok(()),
        }
    }
}

/// The rests of one key at one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Rests(Vec<Rest>);

impl Rests {
    /// Whether the key may be used for the model; when not, since when.
    ///
    /// # Errors
    /// That instant.
    pub(super) fn peek(&self, model: &str, now: Duration) -> Result<(), Duration> {
        let concerned = self.0.iter().filter(|rest| rest.concerns(model));
        let latest = concerned.filter_map(|rest| rest.peek(now).err()).max();
        latest.map_or(Ok(()), Err)
    }

    /// Whether the key may not be used for the model, and only because too much was asked of it.
    pub(super) fn is_throttled(&self, model: &str, now: Duration) -> bool {
        let concerned = self.0.iter().filter(|rest| rest.concerns(model));
        let mut resting = concerned.filter(|rest| rest.peek(now).is_err()).peekable();
        resting.peek().is_some() && resting.all(|rest| rest.reason == Reason::Throttled)
    }

    /// Uses the key. True when this request is the one that tries it.
    ///
    /// # Errors
    /// See [`Rests::peek`].
    pub(super) fn enter(&mut self, model: &str, now: Duration) -> Result<bool, Duration> {
        self.peek(model, now)?;
        let mut tries = false;
        for rest in self.0.iter_mut().filter(|rest| rest.concerns(model)) {
            rest.trying = rest.needs_trial();
            tries |= rest.trying;
        }
        Ok(tries)
    }

    /// The request that tried the key ended without telling anything.
    pub(super) fn give_back(&mut self, model: &str) {
        for rest in self.0.iter_mut().filter(|rest| rest.concerns(model)) {
            rest.trying = false;
        }
    }

    /// Takes what a call told.
    pub(super) fn note(&mut self, news: News, model: &str, now: Duration) {
        let (reason, wait) = match news {
            News::None => return,
            News::Accepted => {
                // A call from before must not end a rest that has just begun.
                self.0
                    .retain(|rest| !rest.concerns(model) || now < rest.until);
                return;
            }
            News::Refused => (Reason::Dead, Some(DEAD)),
            News::Forbidden => (Reason::Forbidden, Some(DEAD)),
            News::Exhausted => (Reason::Exhausted, Some(DEAD)),
            News::Throttled(wait) => (Reason::Throttled, wait),
        };
        let model = (reason != Reason::Dead).then_some(model);
        let last = self
            .0
            .iter()
            .find(|rest| rest.model.as_deref() == model && rest.reason == reason);
        let strikes = match last {
            // Calls that were on their way together strike once.
            Some(last) if now < last.until => last.strikes,
            Some(last) => last.strikes + 1,
            None => 0,
        };
        let wait =
            wait.unwrap_or_else(|| FIRST.saturating_mul(1u32 << strikes.min(10)).min(LONGEST));
        let until = last.map_or(now + wait, |last| last.until.max(now + wait));
        self.put(Rest {
            model: model.map(Box::from),
            reason,
            until,
            strikes,
            trying: false,
        });
    }

    fn put(&mut self, rest: Rest) {
        self.0
            .retain(|old| old.model != rest.model || old.reason != rest.reason);
        if self.0.len() >= MAX_RESTS {
            let soonest = self.0.iter().enumerate().min_by_key(|(_, old)| old.until);
            if let Some((index, _)) = soonest {
                self.0.swap_remove(index);
            }
        }
        self.0.push(rest);
    }

    /// Forgets every rest that a changed configuration may have ended.
    pub(super) fn forgive(&mut self) {
        self.0.retain(|rest| rest.reason == Reason::Throttled);
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rests that last, or that nobody has tried yet.
    pub(super) fn lasting(&self, now: Duration) -> impl Iterator<Item = &Rest> {
        let lasts = move |rest: &&Rest| now < rest.until || rest.needs_trial();
        self.0.iter().filter(lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_throttled_key_rests_for_its_model_as_long_as_it_was_asked() {
        let mut rests = Rests::default();
        rests.note(News::Throttled(Some(s(7))), "a", s(1));
        assert_eq!(rests.peek("a", s(7)), Err(s(8)));
        assert_eq!(rests.peek("b", s(7)), Ok(()));
        assert_eq!(rests.enter("a", s(8)), Ok(false), "nobody needs to try it");
    }

    #[test]
    fn without_retry_after_the_rest_grows_with_every_throttle_and_success_ends_that() {
        let mut rests = Rests::default();
        let mut now = s(0);
        for rest in [1, 2, 4, 8, 16, 32, 60, 60] {
            rests.note(News::Throttled(None), "a", now);
            rests.note(News::Throttled(None), "a", now);
            assert_eq!(rests.peek("a", now), Err(now + s(rest)));
            now += s(rest);
        }
        rests.note(News::Accepted, "a", now);
        rests.note(News::Throttled(None), "a", now);
        assert_eq!(rests.peek("a", now), Err(now + s(1)));
    }

    #[test]
    fn a_dead_key_rests_ten_minutes_for_every_model_and_is_then_tried_once_at_a_time() {
        let mut rests = Rests::default();
        rests.note(News::Refused, "a", s(0));
        assert_eq!(rests.peek("b", s(599)), Err(s(600)));
        assert_eq!(rests.enter("b", s(600)), Ok(true));
        assert_eq!(rests.enter("a", s(600)), Err(s(601)));
        rests.give_back("b");
        assert_eq!(rests.enter("a", s(601)), Ok(true));
        rests.note(News::Refused, "a", s(602));
        assert_eq!(rests.peek("a", s(1201)), Err(s(1202)));
        assert_eq!(rests.enter("a", s(1202)), Ok(true));
        rests.note(News::Accepted, "a", s(1203));
        assert!(rests.is_empty());
    }

    #[test]
    fn a_model_that_is_not_granted_does_not_take_the_key_from_the_others() {
        let mut rests = Rests::default();
        rests.note(News::Forbidden, "secret-model", s(0));
        rests.note(News::Exhausted, "dear-model", s(0));
        assert!(rests.peek("secret-model", s(1)).is_err());
        assert!(rests.peek("dear-model", s(1)).is_err());
        assert_eq!(rests.peek("another", s(1)), Ok(()));
    }

    #[test]
    fn an_answer_to_a_call_from_before_does_not_end_a_rest() {
        let mut rests = Rests::default();
        rests.note(News::Refused, "a", s(0));
        rests.note(News::Accepted, "a", s(1));
        assert_eq!(rests.peek("a", s(2)), Err(s(600)));
    }

    #[test]
    fn a_reload_forgives_all_but_throttles() {
        let mut rests = Rests::default();
        rests.note(News::Refused, "a", s(0));
        rests.note(News::Throttled(Some(s(9))), "a", s(0));
        rests.forgive();
        assert_eq!(rests.peek("a", s(1)), Err(s(9)));
        assert_eq!(rests.peek("b", s(1)), Ok(()));
    }

    #[test]
    fn any_number_of_models_is_remembered_within_bounds() {
        let mut rests = Rests::default();
        for model in 0..1000 {
            rests.note(News::Throttled(Some(s(5))), &model.to_string(), s(model));
        }
        assert_eq!(rests.0.len(), MAX_RESTS);
        assert!(rests.peek("999", s(1000)).is_err());
    }
}
