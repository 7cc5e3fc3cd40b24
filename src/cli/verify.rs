//! Why: a verification reads everything once, page by page, whatever the size of the database,
//! and stops at the first row that is not what was written.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use alfred::audit::{
    Anchors, BlockVerifier, Chain, ChainVerifier, Flaw, Hash, Head, Settlement, SettlementVerifier,
    Signer, Trust, UnknownKey,
};
use alfred::secrets::{SecretProblem, os_random};
use alfred::store::governance::Page;
use alfred::store::{Broken, Line, StoreFault};
use serde_json::json;

use super::audit::{VerifyArgs, anchors};
use super::by_hand::ByHand;
use super::open::House;
use super::{Failure, ledger, show};

/// Rows of one page.
pub(super) const PAGE: u32 = 1_000;
/// Before every row, those included that nobody of the house would number so.
const FIRST: i64 = i64::MIN;
/// Clocks of processes differ, and whoever waits for their turn took the time before: a line may be
/// so much younger than its record's successor, in milliseconds.
const SKEW: i64 = 300_000;
/// Transactions that are read at a time, as far as their settlements tell the truth.
const LINES: i64 = 5_000;

/// What was read, and where it ended.
#[derive(Debug, Default)]
pub(super) struct Tally {
    records: u64,
    pub(super) by_hand: u64,
    blocks: u64,
    settlements: u64,
    transactions: u64,
    unsealed: u64,
    unsealed_transactions: u64,
    unknown_keys: Vec<UnknownKey>,
    flaw: Option<Flaw>,
}

/// A verification ends at a flaw, or at a fault of the store.
pub(super) enum Stop {
    Flaw(Flaw),
    Fault(StoreFault),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

impl From<StoreFault> for Stop {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault)
    }
}

/// `alfred audit verify`.
pub(super) fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let published = anchors(args.anchors.as_ref())?;
    let house = House::open(&args.at.config)?;
    let trust = trust(&house, args)?;
    let mut tally = Tally::default();
    let begin = Begin::find(&house, args, &published)?;
    let stopped = read(&house, &published, &begin, trust, &mut tally);
    match stopped {
        Err(Stop::Fault(fault)) => return Err(fault.into()),
        Err(Stop::Flaw(flaw)) => tally.flaw = Some(flaw),
        Ok(()) => {}
    }
    let broken = match args.ledger {
        true => Some(house.ledger().check()?),
        false => None,
    };
    let seconds = begun.elapsed().as_secs_f64();
    report(args, &tally, broken.as_deref(), seconds)?;
    if let Some(flaw) = &tally.flaw {
        return Err(Failure::Found(flaw.to_string()));
    }
    match broken {
        Some(broken) if !broken.is_empty() => Err(ledger::verdict(&broken)),
        _ => Ok(()),
    }
}

/// After which links the verification begins: what stands before is believed, as an anchor vouches
/// for it.
struct Begin {
    record: Head,
    block: Head,
    /// Money that people moved before this moment is believed to have a record.
    since: i64,
}

impl Begin {
    fn find(house: &House, args: &VerifyArgs, published: &Anchors) -> Result<Self, Failure> {
        let mut begin = Self {
            record: Head::GENESIS,
            block: Head::GENESIS,
            since: i64::MIN,
        };
        if let Some(from) = args.from.filter(|from| *from > 1) {
            let page = Page {
                after: Some(from - 1),
                limit: 1,
            };
            let record = house.governance().audit_chain(page)?.pop();
            let named = record.as_ref().map(|record| record.previous_hash);
            begin.record = vouched(args, published, (Chain::Audit, from), named)?;
            let at = record.map_or(i64::MAX, |record| record.created_at);
            begin.since = at.saturating_add(SKEW);
        }
        if let Some(from) = args.from_block.filter(|from| *from > 1) {
            let block = house.archive().blocks(from - 1, 1)?.pop();
            let named = block.map(|block| block.previous_hash);
            begin.block = vouched(args, published, (Chain::Block, from), named)?;
        }
        Ok(begin)
    }
}

/// The link before that of this number, if there is an anchor for it or for that one.
fn vouched(
    args: &VerifyArgs,
    published: &Anchors,
    (chain, from): (Chain, i64),
    named: Option<Hash>,
) -> Result<Head, Failure> {
    let head = published.before(chain, from, named);
    head.ok_or_else(|| {
        let (option, row) = match chain {
            Chain::Audit => ("--from", "record"),
            Chain::Block => ("--from-block", "block"),
        };
        let path = args.anchors.as_deref().unwrap_or(Path::new("--anchors"));
        Failure::Usage(format!(
            "{option} {from}: {} holds no anchor of {row} {from} or {}, so nothing vouches for \
             what stands before; give the number of one that it holds, or leave {option} out",
            path.display(),
            from - 1
        ))
    })
}

fn read(
    house: &House,
    published: &Anchors,
    begin: &Begin,
    trust: Trust,
    tally: &mut Tally,
) -> Result<(), Stop> {
    // Read first, so that whatever is written meanwhile has its record in what is read later.
    let mut hand = ByHand::read(house, begin.since)?;
    chain(house, published, begin.record, &mut hand, tally)?;
    hand.finish(house, tally)?;
    blocks(house, published, begin.block, trust, tally)?;
    unsealed(house, tally)?;
    match house.archive().stray()? {
        Some(flaw) => Err(flaw.into()),
        None => Ok(()),
    }
}

/// The keys whose blocks are believed: this installation's own, and those that were named.
fn trust(house: &House, args: &VerifyArgs) -> Result<Trust, Failure> {
    let data_dir = &house.config.data_dir;
    let own = match data_dir.join("signing-key").exists() {
        true => Some(own_key(data_dir)?),
        false => None,
    };
    let mut trust = Trust::new(own, args.strict);
    for key in &args.trust {
        if !trust.add_hex(key) {
            let words = "a public key has 64 hexadecimal characters".to_owned();
            return Err(Failure::Usage(words));
        }
    }
    Ok(trust)
}

fn own_key(data_dir: &Path) -> Result<[u8; 32], Failure> {
    let signer = Signer::load_or_create(data_dir, &mut os_random);
    Ok(signer.map_err(SecretProblem::from)?.public_key())
}

/// After which number rows are read.
fn after(begin: Head) -> i64 {
    match begin.number {
        0 => FIRST,
        number => number,
    }
}

/// What people did. While it is read it may grow: its end is where the head was last seen.
fn chain(
    house: &House,
    published: &Anchors,
    begin: Head,
    hand: &mut ByHand,
    tally: &mut Tally,
) -> Result<(), Stop> {
    let store = house.governance();
    let mut verifier = ChainVerifier::resume(begin).anchored(published.clone());
    let mut last = after(begin);
    loop {
        loop {
            let page = Page {
                after: Some(last),
                limit: PAGE,
            };
            let records = store.audit_chain(page)?;
            let Some(end) = records.last() else { break };
            last = end.id;
            for record in &records {
                verifier.feed(record)?;
                hand.named_in(record)?;
                tally.records += 1;
            }
        }
        let head = store.audit_head()?;
        let page = Page {
            after: Some(last),
            limit: 1,
        };
        if head.number <= last || store.audit_chain(page)?.is_empty() {
            verifier.finish(Some(head))?;
            return Ok(());
        }
    }
}

/// What requests cost, as it was sealed.
fn blocks(
    house: &House,
    published: &Anchors,
    begin: Head,
    trust: Trust,
    tally: &mut Tally,
) -> Result<(), Stop> {
    let mut verifier = BlockVerifier::resume(begin, trust).anchored(published.clone());
    let mut last = after(begin);
    loop {
        let blocks = house.archive().blocks(last, PAGE)?;
        let Some(end) = blocks.last() else { break };
        last = end.n;
        for block in &blocks {
            verifier.block(block)?;
            tally.blocks += 1;
            settlements(house, Some(block.n), |settlement, lines| {
                verifier.settlement(settlement)?;
                tally.settlements += 1;
                for line in lines {
                    verifier.transaction(&line.leaf(), line.hash())?;
                    tally.transactions += 1;
                }
                Ok(())
            })?;
        }
    }
    tally.unknown_keys = verifier.finish(None)?.unknown_keys;
    Ok(())
}

/// What no block has sealed yet.
fn unsealed(house: &House, tally: &mut Tally) -> Result<(), Stop> {
    settlements(house, None, |settlement, lines| {
        let mut verifier = SettlementVerifier::new(*settlement);
        tally.unsealed += 1;
        for line in lines {
            verifier.feed(&line.leaf(), line.hash())?;
            tally.unsealed_transactions += 1;
        }
        Ok(verifier.finish()?)
    })
}

/// Each settlement of a block, or of none yet, with its transactions.
fn settlements(
    house: &House,
    block: Option<i64>,
    mut each: impl FnMut(&Settlement, &[Line]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut after = FIRST;
    loop {
        let page = house.archive().settlements(block, after, PAGE)?;
        let mut rest = page.as_slice();
        while let Some(first) = rest.first() {
            let (now, later) = rest.split_at(fit(rest));
            let last = now.last().map_or(first.id, |last| last.id);
            let mut lines: HashMap<i64, Vec<Line>> = HashMap::new();
            for line in house.archive().lines(first.id, last)? {
                let settlement = line.leaf().settlement.unwrap_or_default();
                lines.entry(settlement).or_default().push(line);
            }
            for settlement in now {
                let lines = lines.remove(&settlement.id).unwrap_or_default();
                each(settlement, &lines)?;
            }
            after = last;
            rest = later;
        }
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

/// How many settlements are read together: at least one.
fn fit(settlements: &[Settlement]) -> usize {
    let mut lines = 0_i64;
    let fits = settlements.iter().take_while(|settlement| {
        lines = lines.saturating_add(settlement.count.max(1));
        lines <= LINES
    });
    fits.count().max(1)
}

fn report(
    args: &VerifyArgs,
    tally: &Tally,
    broken: Option<&[Broken]>,
    seconds: f64,
) -> Result<(), Failure> {
    if args.at.json {
        let keys = tally.unknown_keys.iter().map(ToString::to_string);
        return show::json(&json!({
            "audit_records": tally.records,
            "manual_transactions": tally.by_hand,
            "blocks": tally.blocks,
            "settlements": tally.settlements,
            "transactions": tally.transactions,
            "unsealed_settlements": tally.unsealed,
            "unsealed_transactions": tally.unsealed_transactions,
            "warnings": keys.collect::<Vec<_>>(),
            "flaw": tally.flaw.as_ref().map(ToString::to_string),
            "broken_invariants": broken.map(<[Broken]>::len),
            "seconds": (seconds * 1000.0).round() / 1000.0,
        }));
    }
    for key in &tally.unknown_keys {
        eprintln!("warning: {key}\nhint: --trust believes it, --strict refuses it");
    }
    let is_well = tally.flaw.is_none() && broken.is_none_or(<[Broken]>::is_empty);
    let words = match is_well {
        true => "all is as it was written",
        false => "not all is as it was written",
    };
    let mut text = format!(
        "audit log: {} records of what people did, {} transactions among it\n\
         ledger: {} transactions in {} settlements in {} blocks\n\
         not yet sealed: {} transactions in {} settlements\n",
        tally.records,
        tally.by_hand,
        tally.transactions,
        tally.settlements,
        tally.blocks,
        tally.unsealed_transactions,
        tally.unsealed,
    );
    if let Some(broken) = broken {
        match broken.len() {
            0 => text.push_str("invariants: all hold\n"),
            count => text.push_str(&format!("invariants: broken in {count} places\n")),
        }
    }
    text.push_str(&format!("{words}; it took {seconds:.3} s\n"));
    show::out(&text)
}
