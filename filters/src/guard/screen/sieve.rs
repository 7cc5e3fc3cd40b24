//! What is decided of a text and what becomes of it, whatever form it has. Every
//! scanner has its own mark; what overlaps is one cluster, and a text goes on only
//! up to the first cluster that may still grow: so cuts cannot matter.

use std::ops::Range;

use super::super::action::Action;
use super::super::policy::{MARKS, Policy};
use super::super::report::Note;
use super::super::unmask::{self, Link, Mark};
use super::super::vault::word;
use super::super::{Confidence, Finding, Kind};
use super::look::Look;
use super::{Blocked, Desk, Task};

/// Where a text goes that was decided, in order and without gaps.
pub(super) trait Sink {
    /// These bytes go on as they are.
    fn keep(&mut self, range: Range<usize>);
    /// These bytes are replaced.
    fn put(&mut self, range: Range<usize>, new: &str);
    /// Where a byte of the text stands in all of it, for reports.
    fn place(&self, at: usize) -> usize;
}

/// Something at a place of a text.
#[derive(Clone, Debug)]
enum Hit {
    Found(Finding, Action),
    Placeholder(Mark),
}

impl Hit {
    fn span(&self) -> &Range<usize> {
        match self {
            Hit::Found(finding, _) => &finding.span,
            Hit::Placeholder(mark) => &mark.span,
        }
    }

    /// An order that does not depend on which scanner was asked first.
    fn order(&self) -> (usize, usize, Option<(Kind, &'static str, Confidence)>) {
        let span = self.span();
        let finding = match self {
            Hit::Found(f, _) => Some((f.kind, f.rule, f.confidence)),
            Hit::Placeholder(_) => None,
        };
        (span.start, span.end, finding)
    }
}

/// What a text is screened with.
struct Stage<'s, 'a, S> {
    text: &'s str,
    desk: &'s mut Desk<'a>,
    sink: &'s mut S,
}

impl<S> Stage<'_, '_, S> {
    fn value(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

/// What becomes of a stretch of text.
struct Deed {
    span: Range<usize>,
    what: What,
}

enum What {
    Restore(Mark),
    /// The finding that names it, and what is done.
    Act(Finding, Action),
}

/// The state of one text.
#[derive(Debug)]
pub(super) struct Sieve {
    task: Task,
    marks: [usize; MARKS],
    /// Up to where scanners were shown the text.
    seen: usize,
    /// The mark of the search for placeholders.
    mark: usize,
    /// Up to where the text went on.
    sent: usize,
    hits: Vec<Hit>,
    found: Vec<Finding>,
    link: Link,
}

impl Sieve {
    pub(super) fn new(task: Task) -> Sieve {
        let mut link = Link::default();
        link.restart();
        Sieve {
            task,
            marks: [0; MARKS],
            seen: 0,
            mark: 0,
            sent: 0,
            hits: Vec::new(),
            found: Vec::new(),
            link,
        }
    }

    /// Begins another text, whose first bytes are context that was decided.
    pub(super) fn restart(&mut self, context: usize) {
        self.marks = [context; MARKS];
        (self.seen, self.mark, self.sent) = (context, context, context);
        self.hits.clear();
        self.link.restart();
    }

    /// Up to where the text went on.
    pub(super) fn sent(&self) -> usize {
        self.sent
    }

    /// What is looked at again begins here.
    pub(super) fn oldest(&self, policy: &Policy) -> usize {
        let marks = self.marks.iter().take(self.scanners(policy));
        marks.copied().fold(self.mark.min(self.sent), usize::min)
    }

    fn scanners(&self, policy: &Policy) -> usize {
        match self.task {
            Task::Unmask => 0,
            Task::Answer => policy.answer_scanners().len(),
            Task::Mask => policy.scanners().len(),
        }
    }

    /// The first bytes of the text were dropped.
    pub(super) fn shift(&mut self, count: usize) {
        for mark in &mut self.marks {
            *mark = mark.saturating_sub(count);
        }
        self.seen = self.seen.saturating_sub(count);
        self.mark -= count;
        self.sent -= count;
        for hit in &mut self.hits {
            let span = match hit {
                Hit::Found(finding, _) => &mut finding.span,
                Hit::Placeholder(mark) => &mut mark.span,
            };
            *span = span.start - count..span.end - count;
        }
    }

    /// Looks at what is new and lets go on what is decided.
    pub(super) fn advance(
        &mut self,
        text: &str,
        last: bool,
        desk: &mut Desk<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), Blocked> {
        let known = self.hits.len();
        self.look(text, last, desk)?;
        let limit = self.look_for_placeholders(text, last, desk);
        if self.hits.len() > known {
            self.hits.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        self.settle(limit, &mut Stage { text, desk, sink })
    }

    /// Asks the scanners.
    fn look(&mut self, text: &str, last: bool, desk: &mut Desk<'_>) -> Result<(), Blocked> {
        let count = self.scanners(desk.policy);
        let Some(oldest) = self.marks.iter().take(count).min().copied() else {
            return Ok(());
        };
        let look = Look::new(text, (oldest, self.seen), last);
        self.seen = look.end();
        for (scanner, mark) in desk
            .policy
            .scanners()
            .iter()
            .zip(&mut self.marks)
            .take(count)
        {
            self.found.clear();
            match look.scan(scanner.as_ref(), *mark, &mut self.found) {
                Some(decided) => *mark = decided,
                None => {
                    desk.report.faults += 1;
                    if desk.policy.fail_closed() {
                        return Err(Blocked::default());
                    }
                    *mark = text.len();
                    self.found.clear();
                }
            }
            for finding in self.found.drain(..) {
                let value = text.get(finding.span.clone()).unwrap_or_default();
                let action = action(self.task, desk, &finding, value);
                if action != Action::Allow {
                    self.hits.push(Hit::Found(finding, action));
                }
            }
        }
        Ok(())
    }

    /// Looks for placeholders; gives up to where everybody has decided.
    fn look_for_placeholders(&mut self, text: &str, last: bool, desk: &Desk<'_>) -> usize {
        // Nobody gives back what was never issued; in a request even so the names
        // that are taken must be known.
        if self.task != Task::Mask && desk.vault.is_empty() {
            self.mark = text.len();
        } else {
            let hits = &mut self.hits;
            self.mark = unmask::find(text, self.mark, last, |mark| {
                hits.push(Hit::Placeholder(mark));
            });
        }
        let marks = self.marks.iter().take(self.scanners(desk.policy));
        marks.copied().fold(self.mark, usize::min)
    }

    fn settle<S: Sink>(
        &mut self,
        mut limit: usize,
        stage: &mut Stage<'_, '_, S>,
    ) -> Result<(), Blocked> {
        let hits = std::mem::take(&mut self.hits);
        let mut rest = hits.as_slice();
        let mut blocked = Blocked::default();
        while let Some(first) = rest.first().filter(|hit| hit.span().start < limit) {
            let (count, end) = cluster(rest);
            if end > limit {
                limit = first.span().start;
                break;
            }
            let (cluster, after) = rest.split_at(count);
            for deed in self.judge(cluster, stage) {
                self.carry_out(&deed, stage, &mut blocked);
            }
            rest = after;
        }
        self.keep(limit, stage);
        let done = hits.len() - rest.len();
        self.hits = hits;
        self.hits.drain(..done);
        if blocked.kinds.is_empty() {
            return Ok(());
        }
        Err(blocked)
    }

    fn keep<S: Sink>(&mut self, end: usize, stage: &mut Stage<'_, '_, S>) {
        if end <= self.sent {
            return;
        }
        if self.task != Task::Mask && !stage.desk.vault.is_empty() {
            self.link.feed(stage.value(&(self.sent..end)));
        }
        stage.sink.keep(self.sent..end);
        self.sent = end;
    }

    /// What is done about a cluster, in order and without overlaps.
    fn judge<S: Sink>(&self, cluster: &[Hit], stage: &mut Stage<'_, '_, S>) -> Vec<Deed> {
        let ours: Vec<Range<usize>> = cluster
            .iter()
            .filter_map(|hit| self.ours(hit, stage.desk))
            .collect();
        let mut deeds: Vec<Deed> = Vec::new();
        for hit in cluster {
            let (finding, action) = match hit {
                // What a scanner sees in a placeholder is not there.
                Hit::Found(finding, _) if ours.iter().any(|ours| overlap(ours, &finding.span)) => {
                    continue;
                }
                Hit::Found(finding, action) => (finding.clone(), *action),
                Hit::Placeholder(mark) => match self.placeholder(mark, stage.desk) {
                    Some(What::Act(finding, action)) => (finding, action),
                    Some(what) => {
                        let span = mark.span.clone();
                        deeds.push(Deed { span, what });
                        continue;
                    }
                    None => continue,
                },
            };
            self.note(&finding, action, stage);
            if action.changes_text() && !stage.desk.policy.dry_run() {
                add(&mut deeds, finding, action);
            }
        }
        deeds
    }

    /// Where a placeholder of this request stands in an answer.
    fn ours(&self, hit: &Hit, desk: &Desk<'_>) -> Option<Range<usize>> {
        let Hit::Placeholder(mark) = hit else {
            return None;
        };
        let ours = self.task != Task::Mask && desk.vault.value(&mark.name).is_some();
        ours.then(|| mark.span.clone())
    }

    fn placeholder(&self, mark: &Mark, desk: &mut Desk<'_>) -> Option<What> {
        let known = desk.vault.value(&mark.name).is_some();
        match self.task {
            // The request's own text has a placeholder of ours: as a value it
            // comes back as it was.
            Task::Mask if known => Some(What::Act(literal(mark), Action::MaskReversible)),
            Task::Mask => {
                desk.vault.reserve(&mark.name);
                None
            }
            Task::Answer | Task::Unmask if known => Some(What::Restore(mark.clone())),
            Task::Answer | Task::Unmask => {
                desk.report.unknown += u64::from(mark.bracketed);
                None
            }
        }
    }

    fn note<S: Sink>(&self, finding: &Finding, action: Action, stage: &mut Stage<'_, '_, S>) {
        let Stage { text, desk, sink } = stage;
        let value = text.get(finding.span.clone()).unwrap_or_default();
        if self.task == Task::Mask {
            desk.vault.know(finding.kind, value);
        }
        let hash = desk.vault.hash(finding.kind, value);
        desk.report.dry_run |= desk.policy.dry_run();
        desk.report.note(|path| Note {
            kind: finding.kind,
            rule: finding.rule,
            confidence: finding.confidence,
            path,
            bytes: (sink.place(finding.span.start), sink.place(finding.span.end)),
            action,
            hash,
        });
    }

    fn carry_out<S: Sink>(
        &mut self,
        deed: &Deed,
        stage: &mut Stage<'_, '_, S>,
        blocked: &mut Blocked,
    ) {
        self.keep(deed.span.start, stage);
        let Stage { text, desk, sink } = stage;
        let span = deed.span.clone();
        let value = text.get(span.clone()).unwrap_or_default();
        match &deed.what {
            What::Restore(mark) => return self.restore(mark, stage),
            What::Act(finding, Action::Block) => blocked.add(finding.kind),
            What::Act(finding, Action::MaskReversible) => {
                desk.report.issued += 1;
                if let Some(link) = unmask::link_before(text, span.start) {
                    desk.vault.know_link(link, value);
                }
                sink.put(span.clone(), desk.vault.placeholder(finding.kind, value));
            }
            What::Act(_, Action::Redact) => sink.put(span.clone(), "[REDACTED]"),
            What::Act(finding, Action::Hash) => {
                let letters = desk.vault.letters(finding.kind, value);
                sink.put(span.clone(), &format!("[{}#{letters}]", word(finding.kind)));
            }
            What::Act(finding, _) => sink.put(span.clone(), &format!("[{}]", word(finding.kind))),
        }
        self.link.placeholder(None);
        self.sent = span.end;
    }

    /// A placeholder becomes its value again, unless a link would carry it away.
    fn restore<S: Sink>(&mut self, mark: &Mark, stage: &mut Stage<'_, '_, S>) {
        let Stage { text, desk, sink } = stage;
        let value = desk.vault.value(&mark.name).unwrap_or_default();
        let same_link = || {
            self.link
                .run()
                .is_some_and(|run| desk.vault.knows_link(run, value))
        };
        if self.link.is_inside() && !same_link() {
            desk.report.kept_in_links += 1;
            sink.keep(mark.span.clone());
            self.link.placeholder(text.get(mark.span.clone()));
        } else {
            desk.report.restored += 1;
            sink.put(mark.span.clone(), value);
            self.link.placeholder(Some(value));
        }
        self.sent = mark.span.end;
    }
}

/// What is done with a finding.
fn action(task: Task, desk: &Desk<'_>, finding: &Finding, value: &str) -> Action {
    let action = desk.policy.action(finding.kind, finding.confidence);
    if action == Action::Allow || desk.policy.allows(value) {
        return Action::Allow;
    }
    match (task, action) {
        (Task::Answer, _) if desk.vault.knows(finding.kind, value) => Action::Allow,
        (Task::Answer, Action::MaskReversible) => Action::Mask,
        (_, action) => action,
    }
}

/// How many hits the first cluster has, and where it ends.
fn cluster(hits: &[Hit]) -> (usize, usize) {
    let mut end = 0;
    let mut count = 0;
    for hit in hits {
        if count > 0 && hit.span().start >= end {
            break;
        }
        end = end.max(hit.span().end);
        count += 1;
    }
    (count, end)
}

/// Adds a finding; what overlaps becomes one deed under the name of the stronger.
fn add(deeds: &mut Vec<Deed>, finding: Finding, action: Action) {
    let span = finding.span.clone();
    if let Some(Deed {
        span: before,
        what: What::Act(other, done),
    }) = deeds.last_mut()
        && overlap(before, &span)
    {
        before.end = before.end.max(span.end);
        if rank(&finding, action) > rank(other, *done) {
            (*other, *done) = (finding, action);
        }
        return;
    }
    deeds.push(Deed {
        span,
        what: What::Act(finding, action),
    });
}

/// Blocking before all; then secrets, the longer, the surer.
fn rank(finding: &Finding, action: Action) -> (bool, bool, usize, Confidence) {
    let secret = finding.kind == Kind::Secret;
    (
        action == Action::Block,
        secret,
        finding.span.len(),
        finding.confidence,
    )
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A placeholder as a value.
fn literal(mark: &Mark) -> Finding {
    Finding {
        kind: Kind::Own(u16::MAX),
        rule: "placeholder",
        span: mark.span.clone(),
        confidence: Confidence::CERTAIN,
    }
}
