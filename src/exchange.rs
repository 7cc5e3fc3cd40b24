//! One request in flight.
//!
//! It moves through stages, and each stage holds what the rooms before it found out. A room takes
//! the stage before it and returns its own, so nothing can be asked for before it is known.

mod money;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, Surface};
use alfred_filters::translate::Pictures;
use http::{HeaderName, HeaderValue};
use uuid::Uuid;

pub use money::{Credit, Money};

use crate::gateway::Gateway;
use crate::guards::Watch;
use crate::ledger::Purse;
use crate::limits::TokenHold;
use crate::living::{BodyPermit, InFlightGuard};
use crate::pool::{Endpoint, LaneGuard, Report, Wish};
use crate::routing::{Attempts, Failure, Next, Plan, Target};
use crate::secrets::Principal;
use crate::telemetry::{AttemptRecord, Caller, Outcome, Receipt, SCHEMA, micros};

/// Which door a request came through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `POST /v1/responses`
    Responses,
    /// `GET /v1/models`
    Models,
    /// `GET /v1/models/{name}`
    Model(String),
}

impl Door {
    /// The surface of a door through which requests go to providers.
    #[must_use]
    pub fn surface(&self) -> Option<Surface> {
        match self {
            Self::Chat => Some(Surface::Chat),
            Self::Embeddings => Some(Surface::Embeddings),
            Self::Completions => Some(Surface::Completions),
            Self::Messages => Some(Surface::Messages),
            Self::CountTokens => Some(Surface::CountTokens),
            Self::Responses => Some(Surface::Responses),
            Self::Models | Self::Model(_) => None,
        }
    }

    /// The label in receipts and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embeddings => "embeddings",
            Self::Completions => "completions",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Responses => "responses",
            Self::Models | Self::Model(_) => "models",
        }
    }
}

/// A caller who may ask, before the body is read.
#[derive(Debug)]
pub struct Admitted {
    /// Where to.
    pub surface: Surface,
    /// Who.
    pub principal: Arc<Principal>,
    /// The wallets that bound the caller; `None` where no ledger is kept.
    pub purse: Option<Purse>,
}

/// A request that has been read and may go to a provider.
#[derive(Debug)]
pub struct Forward {
    /// Who asks.
    pub principal: Arc<Principal>,
    /// What they ask, as their dialect's JSON.
    pub prompt: Prompt,
    /// The pictures that were fetched for it.
    pub pictures: Option<Pictures>,
    /// Tokens of the prompt, counted by Alfred.
    pub input_estimate: u64,
    /// The name metrics may use for the model.
    pub model_label: String,
    /// Who may answer.
    pub plan: Plan,
    /// Who has been asked.
    pub attempts: Attempts,
    /// The attempt that runs.
    pub attempt: Attempt,
    /// Endpoints that have failed this request.
    pub failed: Vec<Arc<Endpoint>>,
    /// The tokens that the key's limit has set aside.
    pub tokens: Option<TokenHold>,
    /// The memory of the body.
    pub body: BodyPermit,
    /// What its texts were screened with, until the answer takes it.
    pub watch: Option<Box<Watch>>,
    /// The wallets that bound the caller, until money is held.
    pub purse: Option<Purse>,
    /// The money that is set aside.
    pub money: Option<Money>,
}

/// What is known of the attempt that runs.
#[derive(Debug, Default)]
pub struct Attempt {
    /// The lane it runs on.
    pub lane: Option<LaneGuard>,
    /// When it began.
    pub began: Option<Instant>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What was decided to follow.
    pub next: Option<Next>,
    /// Members of the client's request that the provider is not sent.
    pub dropped: Vec<Cow<'static, str>>,
}

impl Forward {
    /// The target that is being asked.
    #[must_use]
    pub fn target(&self) -> Option<&Arc<Target>> {
        self.plan.targets.get(self.attempts.current())
    }

    /// Takes a lane of the current target that may be asked.
    ///
    /// # Errors
    /// The earliest instant at which one may.
    pub fn choose_lane(&self, now: Duration) -> Result<LaneGuard, Duration> {
        let target = self.target().ok_or(now)?;
        target.provider.pool.choose(&self.wish(&target.model, now))
    }

    fn wish<'a>(&'a self, model: &'a str, now: Duration) -> Wish<'a> {
        Wish {
            caller: self.principal.id.as_bytes(),
            model,
            now,
            avoid: &self.failed,
        }
    }

    /// Tells the lane what the running attempt has told about it, once.
    fn conclude(&mut self, report: Report, now: Duration) {
        let target = self.plan.targets.get(self.attempts.current());
        if let (Some(target), Some(lane)) = (target, &mut self.attempt.lane) {
            lane.conclude(report, &target.model, now);
        }
    }

    /// The attempt has failed. Whether another lane of the same target may be asked at once, and
    /// when the one that failed may be.
    fn leave_lane(&mut self, report: Report, now: Duration) -> (bool, Option<Duration>) {
        self.conclude(report, now);
        let (Some(target), Some(lane)) = (self.target().cloned(), &self.attempt.lane) else {
            return (false, None);
        };
        let lane = Arc::clone(lane.lane());
        let rest = lane.seat.peek(&target.model, now).err();
        if rest.is_none() {
            // Where the key is to blame, the endpoint may be asked with another.
            self.failed.push(Arc::clone(&lane.endpoint));
        }
        let wish = self.wish(&target.model, now);
        let sideways = target.provider.pool.has_fresh(&wish);
        (sideways, rest.map(|until| until.saturating_sub(now)))
    }
}

/// How far a request has come.
#[derive(Debug)]
pub enum Stage {
    /// Its head has been read.
    Arrived,
    /// It goes to a provider.
    Forwarding(Box<Forward>),
    /// Its receipt has been written.
    Settled,
}

/// One request in flight; see the module text.
#[derive(Debug)]
pub struct Exchange {
    /// The world as it was when the request arrived.
    pub gateway: Arc<Gateway>,
    /// When it arrived.
    pub started: Instant,
    /// How far it has come.
    pub stage: Stage,
    /// What happened so far.
    pub receipt: Receipt,
    /// What the caller reads errors in.
    pub dialect: Dialect,
    /// Headers that every answer to this request carries; stations add, the reply writes.
    pub answer_headers: Vec<(HeaderName, HeaderValue)>,
    origin: Option<HeaderValue>,
    _in_flight: InFlightGuard,
}

impl Exchange {
    /// A request that has just arrived.
    #[must_use]
    pub fn open(gateway: Arc<Gateway>) -> Self {
        let in_flight = gateway.living.in_flight.enter();
        let receipt = Receipt {
            schema: SCHEMA,
            at: jiff::Timestamp::now().to_string(),
            request_id: Uuid::now_v7()
                .hyphenated()
                .encode_lower(&mut Uuid::encode_buffer())
                .into(),
            surface: "other",
            ..Receipt::default()
        };
        Self {
            gateway,
            started: Instant::now(),
            stage: Stage::Arrived,
            receipt,
            dialect: Dialect::OpenAiChat,
            answer_headers: Vec::new(),
            origin: None,
            _in_flight: in_flight,
        }
    }

    /// Lets pages of this origin read the answer.
    pub fn allow_origin(&mut self, origin: Option<HeaderValue>) {
        self.origin = origin;
    }

    /// The origin whose pages may read the answer.
    #[must_use]
    pub fn origin(&self) -> Option<&HeaderValue> {
        self.origin.as_ref()
    }

    /// Notes who asks.
    pub fn identify(&mut self, principal: &Principal) {
        self.receipt.caller = Some(Caller {
            key: Arc::clone(&principal.id),
            key_name: Arc::clone(&principal.name),
            user: principal.user_id,
            team: principal.team_id,
            organisation: principal.org_id,
            key_id: principal.key_id,
        });
    }

    /// The request on its way to a provider, if it got that far.
    pub fn forward(&mut self) -> Option<&mut Forward> {
        match &mut self.stage {
            Stage::Forwarding(forward) => Some(forward),
            _ => None,
        }
    }

    /// Begins an attempt on `lane` at the current target.
    pub fn begin_attempt(&mut self, lane: LaneGuard) {
        let started_us = micros(self.started.elapsed());
        let Stage::Forwarding(forward) = &mut self.stage else {
            return;
        };
        let Some(target) = forward.plan.targets.get(forward.attempts.current()) else {
            return;
        };
        if self.receipt.attempts.is_empty() {
            self.receipt.overhead_us = started_us;
        }
        self.receipt.attempts.push(AttemptRecord {
            provider: Arc::clone(&target.provider.name),
            model: Arc::clone(&target.model),
            lane: Arc::clone(&lane.lane().id),
            started_us,
            duration_us: 0,
            header_us: None,
            status: None,
            failure: None,
            reused: false,
        });
        forward.attempt = Attempt {
            lane: Some(lane),
            began: Some(Instant::now()),
            failure: None,
            next: None,
            dropped: Vec::new(),
        };
    }

    /// Records why the running attempt failed and decides, once, what follows. A later call for
    /// the same attempt may tell more about the failure; the decision stands.
    pub fn fail_attempt(&mut self, failure: Failure) -> Next {
        let elapsed = self.started.elapsed();
        let now = self.gateway.living.now();
        let Stage::Forwarding(forward) = &mut self.stage else {
            return Next::Stop(crate::routing::Stop::Final);
        };
        if let Some(record) = self.receipt.attempts.last_mut() {
            record.failure = Some(failure.label());
            record.status = failure.status().or(record.status);
            record.duration_us = forward.attempt.began.map_or(0, |at| micros(at.elapsed()));
        }
        let mut verdict = failure.verdict();
        if forward.attempt.next.is_none() {
            let ran = forward
                .attempt
                .began
                .map_or(Duration::ZERO, |at| at.elapsed());
            let silent = self
                .receipt
                .attempts
                .last()
                .is_some_and(|record| record.status.is_none());
            let report = failure.report(silent && ran * 2 >= elapsed);
            let (sideways, rest) = forward.leave_lane(report, now);
            verdict.sideways = sideways && verdict.retryable;
            verdict.retry_after = verdict
                .retry_after
                .max(rest.filter(|_| verdict.same_target));
        }
        forward.attempt.failure = Some(failure);
        let targets = &forward.plan.targets;
        let mut budget = |target: usize| {
            let provider = targets.get(target).map(|target| &target.provider);
            provider.is_none_or(|p| p.budget.try_retry(&p.settings.retry_budget, now))
        };
        let attempts = &mut forward.attempts;
        let decided = forward
            .attempt
            .next
            .get_or_insert_with(|| attempts.after(verdict, elapsed, chance(), &mut budget));
        *decided
    }

    /// The whole time is used up while no attempt runs: that is what the client is told, and the
    /// record of the attempt before stays as it is.
    pub fn out_of_time(&mut self) {
        if let Stage::Forwarding(forward) = &mut self.stage {
            forward.attempt.failure = Some(Failure::TotalTimeout);
        }
    }

    /// The provider has begun to answer: whoever waits to know whether it is there, knows.
    pub fn note_life(&mut self) {
        let Stage::Forwarding(forward) = &mut self.stage else {
            return;
        };
        let lane = forward.attempt.lane.as_mut();
        // This is asked for every chunk.
        let Some(lane) = lane.filter(|lane| lane.is_probe()) else {
            return;
        };
        if let Some(target) = forward.plan.targets.get(forward.attempts.current()) {
            lane.note_life(&target.model, self.gateway.living.now());
        }
    }

    /// Tells the lane, unless it has been told, that the running attempt brought an answer, or how
    /// it failed; that the client left tells nothing.
    pub fn conclude_attempt(&mut self, failure: Option<&Failure>, complete: bool) {
        let now = self.gateway.living.now();
        let report = match failure {
            Some(failure) => failure.report(false),
            None if complete => Report::FINE,
            None => return,
        };
        if let Stage::Forwarding(forward) = &mut self.stage {
            forward.conclude(report, now);
        }
    }

    /// The running attempt brought an answer.
    pub fn complete_attempt(&mut self) {
        let Stage::Forwarding(forward) = &mut self.stage else {
            return;
        };
        let Some(record) = self.receipt.attempts.last_mut() else {
            return;
        };
        if record.duration_us == 0 {
            record.duration_us = forward.attempt.began.map_or(0, |at| micros(at.elapsed()));
        }
    }

    /// Marks how the request ended, unless something worse was said before.
    pub fn end(&mut self, outcome: Outcome, status: u16, code: Option<String>) {
        self.receipt.outcome = outcome;
        self.receipt.status = status;
        if code.is_some() {
            self.receipt.code = code;
        }
    }
}

/// A number in [0, 1), for spreading load; not for secrets.
#[must_use]
pub fn chance() -> f64 {
    fastrand::f64()
}

/// Unix time in milliseconds.
#[must_use]
pub fn unix_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
