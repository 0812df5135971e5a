//! Rows folded again from the log, one scan for any number of them.
//!
//! A row's links depend on the row alone, so a scan that keeps just the wanted rows finds every event that touched
//! them: those that name their keys, and those that name a link which they had at that point of the log.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{ChainHash, Epoch, Keys, Link, LogId, RowKey, Sequence, TenantId};
use read_store::{Reason, RowAddress};

use crate::fold::evolved;
use crate::log_source::{LOG_PAGE_MOST, LogRecord, LogSource, LogSourceError};
use crate::parked::Failure;
use crate::view::{AnyEvent, AnyRow, AnyView};

/// Rows that one refold holds in memory. A tenant that has more is for a rebuild of the view.
const ROWS_MOST: usize = 200_000;

/// Which rows are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// These.
    pub(crate) rows: HashSet<RowAddress>,
    /// And every row of these.
    pub(crate) tenants: HashSet<TenantId>,
}

/// A row as the log has it.
#[derive(Clone, Default)]
pub(crate) struct Refolded {
    pub(crate) row: Option<AnyRow>,
    pub(crate) stamp: Sequence,
    pub(crate) links: Vec<Link>,
    /// The first event that it could not take; what follows is not in it.
    pub(crate) failure: Option<Failure>,
}

/// Rows being folded from a log's beginning.
pub(crate) struct Refold {
    view: AnyView,
    pub(crate) wanted: Wanted,
    /// Whose rows are wanted.
    tenants: HashSet<TenantId>,
    pub(crate) rows: HashMap<RowAddress, Refolded>,
    /// Tenants whose rows cannot be known, each with the first reason.
    pub(crate) failed: HashMap<TenantId, Failure>,
    /// Everything up to here is folded.
    pub(crate) through: Sequence,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) chain: ChainHash,
}

/// Why the log was not folded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefoldError {
    #[error(transparent)]
    Log(#[from] LogSourceError),
    #[error("the log ends at {0}, before the rows do")]
    Short(Sequence),
}

impl Refold {
    pub(crate) fn of(view: AnyView, wanted: Wanted) -> Self {
        Self {
            view,
            tenants: wanted.rows.iter().map(|at| at.tenant.clone()).collect(),
            wanted,
            rows: HashMap::new(),
            failed: HashMap::new(),
            through: Sequence::ZERO,
            epoch: None,
            chain: ChainHash::GENESIS,
        }
    }

    /// Folds on to this sequence and no further.
    pub(crate) async fn fold_to(
        &mut self,
        end: Sequence,
        source: &LogSource,
        log: &LogId,
    ) -> Result<(), RefoldError> {
        while self.through < end {
            let most = usize::try_from(end.since(self.through)).unwrap_or(usize::MAX).min(LOG_PAGE_MOST);
            let page = source.records(log, self.through, most, &self.view).await?;
            if page.is_empty() {
                return Err(RefoldError::Short(self.through));
            }
            for record in page {
                if record.received.event.sequence <= end {
                    self.take(record);
                }
            }
            // A large log must not keep others from running.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn take(&mut self, record: LogRecord) {
        let logged = &record.received.event;
        self.through = logged.sequence;
        self.chain = logged.chain;
        self.epoch = Some(record.received.epoch);
        let whole = self.wanted.tenants.contains(&logged.tenant);
        if !whole && !self.tenants.contains(&logged.tenant) {
            return;
        }
        match record.event {
            Ok(event) => self.fold(&event, whole),
            // Of single rows it is not known whether it touches them; its stream is what is parked for it.
            Err(_) if !whole => {}
            Err(error) => {
                let failure = Failure::new(Reason::UnreadableEvent, error.to_string());
                self.failed.entry(logged.tenant.clone()).or_insert(failure);
            }
        }
    }

    fn fold(&mut self, event: &AnyEvent, whole: bool) {
        let keys = match catch_unwind(AssertUnwindSafe(|| self.view.keys(event))) {
            Ok(Keys::None) => return,
            Ok(Keys::These(keys)) => keys,
            Ok(Keys::Linked(link)) => self.linked(event.tenant(), &link),
            Err(_) => {
                self.failed.entry(event.tenant().clone()).or_insert_with(Failure::panicked);
                return;
            }
        };
        for key in keys {
            let at = RowAddress { tenant: event.tenant().clone(), key };
            if !whole && !self.wanted.rows.contains(&at) {
                continue;
            }
            let slot = self.rows.entry(at.clone()).or_default();
            if slot.failure.is_some() || slot.stamp >= event.sequence() {
                continue;
            }
            match evolved(&self.view, &at.key, slot.row.take(), event) {
                Ok((row, links)) => *slot = Refolded { row, links, stamp: event.sequence(), failure: None },
                Err(failure) => slot.failure = Some(failure),
            }
            if whole && self.rows.len() > ROWS_MOST {
                let why = format!("the tenant has more than {ROWS_MOST} rows: rebuild the view");
                self.failed
                    .entry(event.tenant().clone())
                    .or_insert(Failure::new(Reason::UnreadableEvent, why));
                self.wanted.tenants.remove(event.tenant());
                self.rows.retain(|at, _| at.tenant != *event.tenant());
                return;
            }
        }
    }

    fn linked(&self, tenant: &TenantId, link: &Link) -> Vec<RowKey> {
        self.rows
            .iter()
            .filter(|(at, slot)| at.tenant == *tenant && slot.row.is_some() && slot.links.contains(link))
            .map(|(at, _)| at.key.clone())
            .collect()
    }
}
