//! Rows held against an independent fold of their log.
//!
//! The lane may move meanwhile: a row that was loaded after a checkpoint was read, and whose stamp is not behind that
//! checkpoint, must be the fold up to its checkpoint; a row that is further is held against the fold up to its own
//! stamp. So no difference is found that is none, and none is missed because a row changes often.
//!
//! Memory is bounded by folding a slice of the keys at a time, with a pass over the log for each. Rows whose links
//! events follow need no more than that: which links a row has depends on the row alone.

mod ahead;
mod alongside;
mod reference;
mod slice;

use std::collections::HashMap;
use std::future::Future;

use kernel::{ChainHash, Lane, RowKey, Sequence, TenantId};
use read_store::{Checkpoint, RowAddress, RowStore, StoreError, StoredRow};

use self::ahead::Ahead;
pub(crate) use self::alongside::Alongside;
use self::reference::Reference;
use self::slice::Slice;
use crate::parked::Parked;
use crate::view::{AnyEvent, AnyView};

/// Keys that are folded at a time when all are compared.
const SLICE: usize = 50_000;
/// Rows that are loaded in one go.
const CHUNK: usize = 500;
/// Differences that are told one by one; beyond it they are counted.
const TOLD: usize = 10_000;

/// What happened in a lane, read page by page from wherever it is kept.
pub trait Pages: Send {
    /// Events after `after`, in order; none at the end.
    fn after(&mut self, after: Sequence) -> impl Future<Output = Result<Vec<Told>, String>> + Send;
}

/// An event, and the chain up to and with it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its place.
    pub sequence: Sequence,
    /// The chain.
    pub chain: ChainHash,
    /// The event; none where it does not read. The rows that lack it are known to: they are parked.
    pub event: Option<AnyEvent>,
}

/// Which rows are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every row.
    All,
    /// At most so many of the lane's rows, and at least half as many where there are: others with every seed.
    Sample {
        /// How many.
        rows: usize,
        /// Chooses which.
        seed: u64,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compared {
    /// Up to where the rows were found to reflect the log.
    pub through: Sequence,
    /// Rows that were held against the fold, the differing ones included.
    pub rows: u64,
    /// How many of them differ.
    pub differing: u64,
    /// The first of those.
    pub differences: Vec<Difference>,
    /// Rows that lack events, which is known and told to queries: they were passed over.
    pub parked: u64,
}

/// A row that is not the fold of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub key: RowKey,
    /// In what way. Names fields, never says what they hold.
    pub what: String,
}

/// Why rows could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(String),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lane has not begun there.
    #[error("nothing of the lane is there")]
    NotBegun,
    /// The rows say that they reflect more than there is.
    #[error("the rows reflect sequence {checkpoint}, and the log ends at {head}: it was cut off or replaced")]
    BeyondTheLog {
        /// The checkpoint.
        checkpoint: Sequence,
        /// Where the log ends.
        head: Sequence,
    },
    /// The rows are of another history.
    #[error("at sequence {0} the rows are of another history than the log: it was replaced or changed")]
    OtherHistory(Sequence),
}

/// Compares the rows of a lane with the fold of its log up to the lane's checkpoint.
pub async fn compare<S: RowStore>(
    view: &AnyView,
    store: &S,
    lane: Lane,
    log: &mut impl Pages,
    extent: Extent,
) -> Result<Compared, CompareError> {
    let (most, seed) = match extent {
        Extent::All => (SLICE, 0),
        Extent::Sample { rows, seed } => (rows.max(1), seed),
    };
    let parked: Parked = parked(store, lane).await?;
    let mut compared = Compared { parked: parked.len() as u64, ..Compared::default() };
    let mut slices = vec![Slice::all(seed)];
    while let Some(slice) = slices.pop() {
        let reference = Reference::new(view.clone(), slice, most);
        let one = One {
            store,
            lane,
            log: &mut *log,
            reference,
            from: Checkpoint::ZERO,
            parked: &parked,
            compared: &mut compared,
            found: Vec::new(),
        };
        let others = one.run().await?;
        if extent == Extent::All {
            slices.extend(others);
        }
    }
    Ok(compared)
}

async fn parked(store: &impl RowStore, lane: Lane) -> Result<Parked, StoreError> {
    Ok(store.parked(lane, usize::MAX).await?.into_iter().map(|(subject, _)| subject).collect())
}

/// One slice.
struct One<'a, S, L> {
    store: &'a S,
    lane: Lane,
    log: &'a mut L,
    reference: Reference,
    /// What the reference has folded already.
    from: Checkpoint,
    /// What was parked at the beginning.
    parked: &'a Parked,
    compared: &'a mut Compared,
    /// Rows that differ, and in what way.
    found: Vec<(RowAddress, String)>,
}

impl<S: RowStore, L: Pages> One<'_, S, L> {
    /// Answers the slices that were left out because this one would have been too large.
    async fn run(mut self) -> Result<Vec<Slice>, CompareError> {
        let checkpoint = self.store.checkpoint(self.lane).await?.ok_or(CompareError::NotBegun)?;
        if checkpoint.sequence < self.from.sequence {
            // The store was emptied since.
            return Err(CompareError::NotBegun);
        }
        self.fold_to(&checkpoint).await?;
        let mut ahead = Ahead::default();
        let expected = self.reference.addresses();
        for chunk in expected.chunks(CHUNK) {
            self.hold(chunk, &checkpoint, &mut ahead).await?;
        }
        self.hold_others(&checkpoint, &mut ahead).await?;
        self.compared.through = checkpoint.sequence;
        self.follow(&checkpoint, ahead).await?;
        self.tell().await?;
        Ok(self.reference.left_out)
    }

    /// Tells of the rows that differ, unless they were parked meanwhile.
    async fn tell(&mut self) -> Result<(), CompareError> {
        if self.found.is_empty() {
            return Ok(());
        }
        let parked = parked(self.store, self.lane).await?;
        for (at, what) in std::mem::take(&mut self.found) {
            if !parked.lacks_events(&at) {
                self.compared.tell(&at, what);
            }
        }
        Ok(())
    }

    async fn fold_to(&mut self, checkpoint: &Checkpoint) -> Result<(), CompareError> {
        let Checkpoint { sequence: mut last, mut chain, .. } = self.from;
        while last < checkpoint.sequence {
            let page = self.log.after(last).await.map_err(CompareError::Log)?;
            if page.is_empty() {
                return Err(CompareError::BeyondTheLog { checkpoint: checkpoint.sequence, head: last });
            }
            for told in page.iter().take_while(|told| told.sequence <= checkpoint.sequence) {
                if let Some(event) = &told.event {
                    self.reference.apply(event);
                }
                (last, chain) = (told.sequence, told.chain);
            }
        }
        if chain == checkpoint.chain { Ok(()) } else { Err(CompareError::OtherHistory(last)) }
    }

    /// Holds the rows at these addresses, which the fold has, against it.
    async fn hold(
        &mut self,
        wanted: &[RowAddress],
        checkpoint: &Checkpoint,
        ahead: &mut Ahead,
    ) -> Result<(), CompareError> {
        let found = self.store.load(self.lane, wanted).await?;
        let mut found: HashMap<_, _> = found.into_iter().map(|row| (row.at.clone(), row)).collect();
        self.compared.rows += wanted.len() as u64;
        for at in wanted {
            self.hold_one(at, found.remove(at), checkpoint, ahead);
        }
        Ok(())
    }

    fn hold_one(
        &mut self,
        at: &RowAddress,
        stored: Option<StoredRow>,
        checkpoint: &Checkpoint,
        ahead: &mut Ahead,
    ) {
        if self.parked.lacks_events(at) {
            return;
        }
        let is_ahead = stored.as_ref().is_none_or(|stored| stored.stamp > checkpoint.sequence);
        let Some(what) = self.reference.difference(at, stored.as_ref()) else { return };
        if is_ahead {
            ahead.insert(at.clone(), stored, what);
        } else {
            self.found.push((at.clone(), what));
        }
    }

    /// Rows of the slice that the fold does not have.
    async fn hold_others(&mut self, checkpoint: &Checkpoint, ahead: &mut Ahead) -> Result<(), CompareError> {
        let mut from = None;
        loop {
            let (mut page, next) = self.store.addresses(self.lane, from).await?;
            page.retain(|at| self.reference.slice.has(at) && !self.reference.has(at));
            for chunk in page.chunks(CHUNK) {
                for stored in self.store.load(self.lane, chunk).await? {
                    self.compared.rows += 1;
                    let at = stored.at.clone();
                    self.hold_one(&at, Some(stored), checkpoint, ahead);
                }
            }
            match next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Folds on to where the rows that were ahead are, and holds each against the fold at its own place.
    async fn follow(&mut self, from: &Checkpoint, mut ahead: Ahead) -> Result<(), CompareError> {
        let now = self.store.checkpoint(self.lane).await?.ok_or(CompareError::NotBegun)?;
        let through = ahead.through().max(now.sequence);
        self.reference.keep_slice();
        let mut last = from.sequence;
        while last < through && !ahead.is_empty() {
            let page = self.log.after(last).await.map_err(CompareError::Log)?;
            if page.is_empty() {
                break;
            }
            for told in page.iter().take_while(|told| told.sequence <= through) {
                let touched =
                    told.event.as_ref().map(|event| self.reference.apply(event)).unwrap_or_default();
                for at in touched {
                    ahead.settle(&at, &self.reference, told.sequence);
                }
                last = told.sequence;
            }
        }
        self.found.extend(ahead.into_differences());
        Ok(())
    }
}

impl Compared {
    fn tell(&mut self, at: &RowAddress, what: String) {
        self.differing += 1;
        if self.differences.len() < TOLD {
            self.differences.push(Difference { tenant: at.tenant.clone(), key: at.key.clone(), what });
        }
    }

    /// Takes in what came of another lane.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.differing += other.differing;
        self.parked += other.parked;
        self.differences.extend(other.differences);
        self.differences.truncate(TOLD);
    }
}
