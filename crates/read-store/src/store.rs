//! The seam between a projector and where its rows live.

use std::future::Future;

use kernel::{Lane, Link, Sequence, TenantId, View};

use crate::{
    Advance, Builds, Checkpoint, Letter, LetterId, Request, RowAddress, RowChange, StoredRow, Subject, Which,
};

/// A view at one of its builds: what rows, checkpoints and consumer groups are kept apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewVersion {
    /// The context whose events it folds.
    pub context: &'static str,
    /// The view's name, kebab-case.
    pub view: &'static str,
    /// The number of the build. The first of a view has the number of its code's version; every later one, of that
    /// or of a later version of the code, has the next.
    pub version: u32,
}

impl ViewVersion {
    /// The first build of a view's current version, where it is the first of all.
    pub const fn of<V: View>(context: &'static str) -> Self {
        Self { context, view: V::NAME, version: V::VERSION }
    }
}

/// Rows of one link.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// Whose rows.
    pub tenant: TenantId,
    /// What they have in common.
    pub link: Link,
}

/// Where a page of addresses begins: the store's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStart(pub(crate) String);

/// What becomes of rows: those that change, with their new stamp, and the letters of those that could not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Folded {
    /// Each address at most once.
    pub changes: Vec<RowChange>,
    /// In the order of their events.
    pub letters: Vec<Letter>,
}

impl From<Vec<RowChange>> for Folded {
    fn from(changes: Vec<RowChange>) -> Self {
        Self { changes, letters: Vec::new() }
    }
}

/// Rows of a large write, each address at most once, made while they are written: they need not be in memory twice.
#[derive(Debug)]
pub struct Many<N, K> {
    /// Those that the store does not have.
    pub new: N,
    /// Those that it may have.
    pub known: K,
}

/// Rows one by one; the first that cannot be made ends the write, and nothing of it is done.
pub trait Changes: Iterator<Item = Result<RowChange, StoreError>> + Send {}

impl<I: Iterator<Item = Result<RowChange, StoreError>> + Send> Changes for I {}

/// Folds one event into a page of rows.
pub trait FoldPage: FnMut(Vec<StoredRow>) -> Result<Folded, StoreError> + Send {}

impl<F: FnMut(Vec<StoredRow>) -> Result<Folded, StoreError> + Send> FoldPage for F {}

/// Where the rows of one view version live, with their checkpoints. Clones share everything.
///
/// Invariant: the rows of a lane are the fold of exactly the events up to its checkpoint — except that
/// [`RowStore::write_linked`] may leave some rows one event ahead after a crash, which their stamps tell, and that
/// rows with letters lack the events of these.
pub trait RowStore: LetterStore + Builds + Clone + Send + Sync + 'static {
    /// The kind of store, `postgres`: part of consumer groups and metrics.
    const NAME: &'static str;

    /// How often an idle lane should look whether its checkpoint is still there: a store that can be emptied
    /// from outside is looked at often, since queries get no answer until that is noticed.
    const LOOK_EVERY: std::time::Duration;

    /// How long a lane that has just written a few events lets others gather before it writes again. A lone event
    /// never waits for it; a stream of them shares writes, which leaves the machine to other lanes and views.
    const GATHER: std::time::Duration;

    /// Whether [`RowStore::write_many`] is one step to whoever reads.
    const WRITES_MANY_AT_ONCE: bool;

    /// Whose rows they are.
    fn view(&self) -> ViewVersion;

    /// Makes what rows and checkpoints live in, where it is not there yet; safe when several do it at once.
    fn prepare(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The lane's checkpoint, begun at zero where there is none, and whether queries are answered from here.
    fn begin(&self, lane: Lane) -> impl Future<Output = Result<(Checkpoint, bool), StoreError>> + Send;

    /// The lane's checkpoint; none where the store lost it.
    fn checkpoint(&self, lane: Lane) -> impl Future<Output = Result<Option<Checkpoint>, StoreError>> + Send;

    /// Those of the rows that exist, in any order.
    fn load(
        &self,
        lane: Lane,
        wanted: &[RowAddress],
    ) -> impl Future<Output = Result<Vec<StoredRow>, StoreError>> + Send;

    /// For each lookup, at most `most` of the rows that have the link. One that brings `most` may have more.
    fn linked(
        &self,
        lane: Lane,
        wanted: &[Lookup],
        most: usize,
    ) -> impl Future<Output = Result<Vec<Vec<StoredRow>>, StoreError>> + Send;

    /// A page of where the lane has rows, and from where the next page goes on; nowhere behind the last. A row that
    /// is there all the while is on a page, perhaps on two.
    fn addresses(
        &self,
        lane: Lane,
        from: Option<PageStart>,
    ) -> impl Future<Output = Result<(Vec<RowAddress>, Option<PageStart>), StoreError>> + Send;

    /// Writes rows, each address at most once, and letters and moves the checkpoint, or does nothing of it.
    fn write(
        &self,
        lane: Lane,
        advance: &Advance,
        changes: &[RowChange],
        letters: &[Letter],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// As [`RowStore::write`], for any number of rows. Where they cannot share
    /// a transaction, a crash leaves rows ahead of the checkpoint, none of which is gone that the checkpoint has;
    /// their stamps make the repeat harmless: a lane that queries read is not to be written so. Two writers never mix.
    fn write_many(
        &self,
        lane: Lane,
        advance: &Advance,
        rows: Many<impl Changes, impl Changes>,
        letters: &[Letter],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Folds an event into every row that has a link, a page at a time so that memory stays bounded however many
    /// there are, and moves the checkpoint with the last of them. Nothing is written once the lane has moved.
    /// Where pages cannot share a transaction, a crash between them leaves rows ahead of the checkpoint; their
    /// stamps make the repeat harmless.
    fn write_linked(
        &self,
        lane: Lane,
        advance: &Advance,
        lookup: &Lookup,
        fold: impl FoldPage,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that these tenants live in the lane, for queries that know the tenant only.
    fn settle(&self, lane: Lane, tenants: &[TenantId])
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The lane, at this checkpoint, has reached what its topic held when it was begun. Says whether queries are
    /// answered from this version now; where not, to be said again as the lane moves on.
    fn caught_up(
        &self,
        lane: Lane,
        checkpoint: &Checkpoint,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Letters, kept where the rows are. What asks for a checkpoint does nothing once the lane has moved from it.
pub trait LetterStore {
    /// What is parked in a lane, with the sequence of the first letter of each; at most `most`.
    fn parked(
        &self,
        lane: Lane,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(Subject, Sequence)>, StoreError>> + Send;

    /// How many letters there are in all lanes.
    fn count_letters(&self) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// A page of all lanes' letters, by their names.
    fn letters(
        &self,
        tenant: Option<&TenantId>,
        after: Option<LetterId>,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Letter>, StoreError>> + Send;

    /// Letters of a lane that were not told to others yet, at most `most`.
    fn untold(&self, lane: Lane, most: usize)
    -> impl Future<Output = Result<Vec<Letter>, StoreError>> + Send;

    /// These were told.
    fn told(&self, lane: Lane, letters: &[LetterId]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One letter.
    fn letter(&self, id: LetterId) -> impl Future<Output = Result<Option<Letter>, StoreError>> + Send;

    /// Asks for something to be done by the projector that has the lane; says of how many subjects. What was asked
    /// for them before is forgotten.
    fn request(
        &self,
        which: &Which,
        request: &Request,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// What is asked of a lane, at most `most`.
    fn requests(
        &self,
        lane: Lane,
        most: usize,
    ) -> impl Future<Output = Result<Vec<(Subject, Request)>, StoreError>> + Send;

    /// Writes rows that were folded again, and takes out the letters of these subjects and what was asked for them.
    fn mend(
        &self,
        lane: Lane,
        at: &Checkpoint,
        changes: &[RowChange],
        subjects: &[Subject],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives a subject's letters up, and remembers who asked for that and why.
    fn discard(
        &self,
        lane: Lane,
        at: &Checkpoint,
        subject: &Subject,
        by: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What was asked for a subject could not be done: its first letter says why, and it is asked for no more.
    fn refuse(
        &self,
        lane: Lane,
        subject: &Subject,
        why: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why rows were not read or written. Texts are for operators and hold no secrets and no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, is starting, full or busy. What was asked for may have been done.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The lane is not where the writer believed it to be; nothing was written.
    #[error("the lane's checkpoint was moved by somebody else")]
    Moved,
    /// The store has lost what it was prepared with.
    #[error("the store was emptied: {0}")]
    Emptied(String),
    /// The store is set up so that rows could be lost.
    #[error("{0}")]
    Misconfigured(String),
    /// The store refuses this content, and will again.
    #[error("the store refused: {0}")]
    Refused(String),
    /// What the store holds is not what was written there.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// A fold could not take an event in.
    #[error("the event cannot be folded: {0}")]
    Unfoldable(String),
}

impl StoreError {
    /// Whether the same call can succeed later with nothing changed but the store's health.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Misconfigured(_) => true,
            Self::Moved | Self::Emptied(_) | Self::Refused(_) | Self::Corrupt(_) | Self::Unfoldable(_) => {
                false
            }
        }
    }
}
