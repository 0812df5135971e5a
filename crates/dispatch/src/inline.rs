//! Inline views: rows that are folded before the append and written inside it.
//!
//! A command's events are folded into the rows that they touch while the log is free for everybody; the append then
//! writes events and rows together, where the rows are still the ones that were folded into. Where they are not,
//! nothing was recorded, and the command is decided and folded again. Within a process commands take turns on rows,
//! so that they do not undo each other's work.
//!
//! A view that does not reflect its whole log — a new version, or one whose log a service of another release appended
//! to — is caught up from the log: at start, before any command is taken, and whenever an append says so.

mod fold;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use event_log::{
    Append, Beside, CaughtUpRow, EventLog, InlineRow, InlineView, KeptRow, OpenedView, PasswordHash,
};
use kernel::{ChainHash, LogId, LoggedEvent, RowKey, Sequence, TenantId, Timestamp};
use tokio::sync::Mutex;
use tracing::info;

use crate::CommandError;
use crate::queues::{Queues, Turn};
pub(crate) use fold::{FoldedRow, Folding, Inline, InlineError, InlineFold};

/// Events that are folded at a time while a view catches up: what is in memory, and what one transaction writes.
const PAGE: usize = 500;
/// Where the sequences of events begin that have none yet: behind all that there are.
const NOT_RECORDED: u64 = 1 << 62;
/// The years 5000 to 9000, in microseconds: a time that is no event's.
const MARKS: std::ops::Range<i64> = 95_617_584_000_000_000..221_845_392_000_000_000;

/// The inline views of every context.
pub(crate) struct InlineViews {
    log: EventLog,
    contexts: HashMap<&'static str, ContextViews>,
    turns: Queues<RowOfView>,
    /// One catches up at a time; the others find it done.
    catching_up: Mutex<()>,
}

struct ContextViews {
    folds: Vec<Arc<dyn InlineFold>>,
    opened: OnceLock<Arc<[InlineView]>>,
}

/// A row among those of all views.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RowOfView {
    view: InlineView,
    tenant: TenantId,
    key: RowKey,
}

/// What is written beside events, and the turns on its rows until it is.
pub(crate) struct Prepared {
    pub(crate) beside: Beside,
    pub(crate) turns: Vec<Turn<RowOfView>>,
}

impl InlineViews {
    pub(crate) fn new(
        log: EventLog,
        folds: &HashMap<&'static str, Vec<Arc<dyn InlineFold>>>,
        queue_per_row_max: usize,
    ) -> Self {
        let with_views = folds.iter().filter(|(_, folds)| !folds.is_empty());
        let contexts = with_views.map(|(context, folds)| {
            (*context, ContextViews { folds: folds.clone(), opened: OnceLock::new() })
        });
        let contexts = contexts.collect();
        Self { log, contexts, turns: Queues::new(queue_per_row_max), catching_up: Mutex::new(()) }
    }

    /// Makes what the rows live in and brings every view up to its logs. `shape` is the SQL that shapes a view's rows.
    /// A view whose fold changed while its version did not is built anew if `rebuild`, and refused if not.
    pub(crate) async fn open(
        &self,
        rebuild: bool,
        shape: fn(&str) -> &'static str,
    ) -> Result<(), CommandError> {
        let logs = self.log.logs().await?;
        for (context, views) in &self.contexts {
            let mut opened = Vec::with_capacity(views.folds.len());
            for fold in &views.folds {
                let (view, code) = (fold.name(), fold.code());
                match self.log.open_inline_view(context, view, &code, rebuild, shape(view)).await? {
                    OpenedView::Known(rows) => opened.push(rows),
                    OpenedView::New(rows) => {
                        let fold = code.fold.map(|fold| fold.to_string());
                        info!(view, version = code.version, fold, "rows of this fold are begun");
                        opened.push(rows);
                    }
                    OpenedView::Changed => return Err(InlineError::Changed(view).into()),
                }
            }
            let opened = views.opened.get_or_init(|| opened.into());
            for log in logs.iter().filter(|log| *log.context == **context) {
                self.catch_up_views(views, opened, log).await?;
            }
        }
        Ok(())
    }

    /// Brings the views of a log's context up to the log.
    pub(crate) async fn catch_up(&self, log: &LogId) -> Result<(), CommandError> {
        let Some(views) = self.contexts.get(&*log.context) else { return Ok(()) };
        self.catch_up_views(views, opened(views)?, log).await
    }

    async fn catch_up_views(
        &self,
        views: &ContextViews,
        opened: &[InlineView],
        log: &LogId,
    ) -> Result<(), CommandError> {
        let _alone = self.catching_up.lock().await;
        for (fold, view) in views.folds.iter().zip(opened) {
            let mut folded = 0;
            loop {
                let from = self.log.inline_through(*view, log).await?;
                let events = self.log.read_log(log, from, PAGE).await?;
                let Some(last) = events.last() else { break };
                let folding = self.read_with_schemas(&**fold, &events).await?;
                let kept = self.log.inline_rows(*view, folding.rows()).await?;
                let rows: Vec<_> = folding.fold(kept)?.into_iter().map(caught_up).collect();
                // Where somebody else was quicker, it goes on from where they left it.
                self.log.advance_inline_view(*view, log, (from, last.sequence), &rows).await?;
                folded += events.len();
            }
            if folded > 0 {
                info!(view = fold.name(), version = fold.code().version, %log, events = folded, "an inline view caught up");
            }
        }
        Ok(())
    }

    async fn read_with_schemas(
        &self,
        fold: &dyn InlineFold,
        events: &[LoggedEvent],
    ) -> Result<Box<dyn Folding>, CommandError> {
        // Each round makes one more schema known, and a page has no more schemas than events.
        for _ in 0..=events.len() {
            match fold.read(events) {
                Err(InlineError::UnknownSchema(fingerprint)) => {
                    let json = self.log.schema(fingerprint).await?;
                    let json = json.ok_or(InlineError::UnknownSchema(fingerprint))?;
                    fold.add_writer_schema(&json).map_err(|error| CommandError::Failed(error.into()))?;
                }
                read => return Ok(read?),
            }
        }
        Ok(fold.read(events)?)
    }

    /// What to write with the events of an append, and the turns on the rows, to be kept until it is written.
    pub(crate) async fn prepare(
        &self,
        context: &str,
        tenant: &TenantId,
        append: &Append,
        password: Option<PasswordHash>,
    ) -> Result<Prepared, CommandError> {
        let mut beside = Beside { password, ..Beside::nothing() };
        let Some(views) = self.contexts.get(context) else {
            return Ok(Prepared { beside, turns: Vec::new() });
        };
        let ids = opened(views)?;
        beside.views = Arc::clone(ids);
        if append.events.is_empty() {
            return Ok(Prepared { beside, turns: Vec::new() });
        }
        let mark = Timestamp::from_micros(fastrand::i64(MARKS));
        let lane = self.log.lane_of(tenant).await?;
        let events = not_recorded(&LogId::new(context, lane), tenant, append, mark);
        let read = views.folds.iter().map(|fold| fold.read(&events)).collect::<Result<Vec<_>, _>>()?;
        let turns = self.turns_on(ids, &read).await?;
        let text: Arc<str> = mark.to_string().into();
        for (folding, view) in read.iter().zip(ids.iter()) {
            if folding.rows().is_empty() {
                continue;
            }
            let kept: Vec<(usize, KeptRow)> = self.log.inline_rows(*view, folding.rows()).await?;
            let folded = folding.fold(kept)?;
            beside.rows.extend(folded.into_iter().map(|row| inline_row(*view, &text, row)));
        }
        Ok(Prepared { beside, turns })
    }

    /// In one order everywhere, so that no two wait for each other in a circle.
    async fn turns_on(
        &self,
        ids: &[InlineView],
        read: &[Box<dyn Folding>],
    ) -> Result<Vec<Turn<RowOfView>>, CommandError> {
        let rows = read.iter().zip(ids).flat_map(|(folding, view)| {
            let rows = folding.rows().iter();
            rows.map(|(tenant, key)| RowOfView { view: *view, tenant: tenant.clone(), key: key.clone() })
        });
        let rows: BTreeSet<RowOfView> = rows.collect();
        let mut turns = Vec::with_capacity(rows.len());
        for row in rows {
            turns.push(self.turns.turn(row).await.map_err(|_| CommandError::Busy)?);
        }
        Ok(turns)
    }
}

impl From<InlineError> for CommandError {
    fn from(error: InlineError) -> Self {
        Self::Failed(error.into())
    }
}

fn opened(views: &ContextViews) -> Result<&Arc<[InlineView]>, CommandError> {
    views.opened.get().ok_or_else(|| CommandError::Unavailable("the inline views are not open yet".into()))
}

/// The events as if they stood in the log, at a place and a time that no event has.
fn not_recorded(log: &LogId, tenant: &TenantId, append: &Append, mark: Timestamp) -> Vec<LoggedEvent> {
    let events = append.events.iter().zip(NOT_RECORDED + 1..);
    let logged = events.map(|(event, sequence)| LoggedEvent {
        log: log.clone(),
        tenant: tenant.clone(),
        sequence: Sequence::new(sequence),
        recorded_at: mark,
        chain: ChainHash::GENESIS,
        event: event.clone(),
    });
    logged.collect()
}

fn inline_row(view: InlineView, mark: &Arc<str>, row: FoldedRow) -> InlineRow {
    let event = row.stamp.number().saturating_sub(NOT_RECORDED);
    InlineRow {
        view,
        key: row.key,
        before: row.before,
        event: u32::try_from(event).unwrap_or(u32::MAX),
        mark: Arc::clone(mark),
        row: row.row,
    }
}

fn caught_up(row: FoldedRow) -> CaughtUpRow {
    CaughtUpRow { tenant: row.tenant, key: row.key, kept: KeptRow { stamp: row.stamp, row: row.row } }
}
