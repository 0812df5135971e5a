//! Inline views, held against the log that is in the same database.
//!
//! Their rows move with the log. A row that moved while it was looked at is counted and not judged; when the system
//! stands still, every row is.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use anyhow::bail;
use event_log::{EventLog, InlineCode, InlineView};
use kernel::{Keys, LogId, RowKey, Sequence, TenantId};
use projection::{AnyRow, AnyView, Pages, fingerprint};

use crate::from_log::FromLog;
use crate::output::line;

/// Rows that are folded at a time: what is in memory; each slice is a pass over the log.
const SLICE: u64 = 50_000;
/// Rows that are loaded in one go.
const PAGE: u32 = 1_000;
/// Differences that are told one by one.
const TOLD: u64 = 10;

/// Whether every row of a view is what the logs of its context fold to.
pub(super) async fn verify(
    folds: &AnyView,
    log: &EventLog,
    logs: &[LogId],
    context: &'static str,
) -> anyhow::Result<bool> {
    let what = format!("{} v{} in the log's database", folds.name(), folds.version());
    let mut sum = Sum::default();
    let code = InlineCode { version: folds.version(), fold: fingerprint(folds) };
    for id in logs.iter().filter(|id| *id.context == *context) {
        let Some((view, through)) = log.inline_head(folds.name(), &code, id).await? else {
            line(format_args!("{what}, {id}: not begun yet"))?;
            continue;
        };
        let rows = count(log, view, id).await?;
        let slices = rows / SLICE + 1;
        for slice in 0..slices {
            Slice::new(folds, slice, slices).check(log, view, (id, through), &what, &mut sum).await?;
        }
    }
    let Sum { compared, differing, moved } = sum;
    let while_moving = if moved > 0 { format!(", {moved} moved meanwhile") } else { String::new() };
    match differing {
        0 => line(format_args!("{what}: {compared} rows compared{while_moving}"))?,
        differing => {
            line(format_args!("{what}: {compared} rows compared, {differing} differ{while_moving}"))?
        }
    }
    Ok(differing == 0)
}

#[derive(Default)]
struct Sum {
    compared: u64,
    differing: u64,
    moved: u64,
}

async fn count(log: &EventLog, view: InlineView, id: &LogId) -> anyhow::Result<u64> {
    let (mut rows, mut last) = (0, None);
    loop {
        let page = log.inline_page(view, id.lane, last.as_ref(), PAGE).await?;
        let Some(end) = page.last() else { return Ok(rows) };
        rows += page.len() as u64;
        last = Some((end.tenant.clone(), end.key.clone()));
    }
}

/// Those rows whose keys fall into it, folded from the log.
struct Slice<'a> {
    folds: &'a AnyView,
    number: u64,
    of: u64,
    rows: HashMap<(TenantId, RowKey), Stamped>,
}

type Stamped = (Sequence, Option<AnyRow>);

impl<'a> Slice<'a> {
    fn new(folds: &'a AnyView, number: u64, of: u64) -> Self {
        Self { folds, number, of, rows: HashMap::new() }
    }

    fn has(&self, row: &(TenantId, RowKey)) -> bool {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        hasher.finish() % self.of == self.number
    }

    async fn check(
        mut self,
        log: &EventLog,
        view: InlineView,
        (id, through): (&LogId, Sequence),
        what: &str,
        sum: &mut Sum,
    ) -> anyhow::Result<()> {
        self.fold(log, id, through).await?;
        let mut last = None;
        loop {
            let page = log.inline_page(view, id.lane, last.as_ref(), PAGE).await?;
            let Some(end) = page.last() else { break };
            last = Some((end.tenant.clone(), end.key.clone()));
            for row in page {
                let address = (row.tenant, row.key);
                if !self.has(&address) {
                    continue;
                }
                let expected = self.rows.remove(&address);
                if row.kept.stamp > through {
                    sum.moved += 1;
                    continue;
                }
                sum.compared += 1;
                let same = expected.is_some_and(|(stamp, expected)| {
                    stamp == row.kept.stamp && self.is_same(expected.as_ref(), row.kept.row.as_deref())
                });
                self.tell(same, &address, id, what, sum)?;
            }
        }
        // What the log folds to and nobody keeps; unless it was taken away meanwhile.
        let missing: Vec<_> = self.rows.extract_if(|_, (_, row)| row.is_some()).map(|(at, _)| at).collect();
        for address in missing {
            let kept = log.inline_rows(view, std::slice::from_ref(&address)).await?;
            if kept.first().is_some_and(|(_, kept)| kept.stamp > through) {
                sum.moved += 1;
            } else {
                sum.compared += 1;
                self.tell(false, &address, id, what, sum)?;
            }
        }
        Ok(())
    }

    fn is_same(&self, expected: Option<&AnyRow>, kept: Option<&str>) -> bool {
        match (expected, kept) {
            (None, None) => true,
            (Some(expected), Some(kept)) => {
                self.folds.row(kept).is_ok_and(|kept| self.folds.are_equal(expected, &kept))
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn tell(
        &self,
        same: bool,
        (tenant, key): &(TenantId, RowKey),
        id: &LogId,
        what: &str,
        sum: &mut Sum,
    ) -> anyhow::Result<()> {
        if !same {
            sum.differing += 1;
            if sum.differing <= TOLD {
                let key = key.as_str();
                line(format_args!("{what}, {id}: row {key} of {tenant} is not what the log folds to"))?;
            }
        }
        Ok(())
    }

    async fn fold(&mut self, log: &EventLog, id: &LogId, through: Sequence) -> anyhow::Result<()> {
        let mut told = FromLog::new(log, id, self.folds);
        let mut after = Sequence::ZERO;
        while after < through {
            let page = told.after(after).await.map_err(anyhow::Error::msg)?;
            let Some(last) = page.last() else { bail!("{id} ends at {after}, before what its rows reflect") };
            after = last.sequence;
            for told in page.into_iter().filter(|told| told.sequence <= through) {
                let Some(event) = told.event else { bail!("{id}: event {} does not read", told.sequence) };
                let keys = match self.folds.keys(&event) {
                    Keys::None => continue,
                    Keys::These(keys) => keys,
                    Keys::Linked(_) => {
                        bail!("{} is inline, and an event asks for rows by a link", self.folds.name())
                    }
                };
                for key in keys {
                    let address = (event.tenant().clone(), key);
                    if !self.has(&address) {
                        continue;
                    }
                    let row = self.rows.remove(&address).and_then(|(_, row)| row);
                    let row = self.folds.evolve(&address.1, row, &event)?;
                    self.rows.insert(address, (event.sequence(), row));
                }
            }
        }
        Ok(())
    }
}
