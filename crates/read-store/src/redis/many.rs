//! Rows in bulk: one script for each few hundred, so that no query waits long for any of them.
//!
//! Whoever writes claims the lane first, and every script looks whether the claim still stands: of two that write at
//! once, the later one goes on and the other stops. What the earlier one had written is ahead of the checkpoint; the
//! later one writes the same rows, or comes to them when it comes to their events. Rows are taken away with the last
//! script only, together with the step of the checkpoint: a repeat after a crash must find what it had.

use futures::StreamExt as _;
use futures::stream;
use kernel::Lane;
use uuid::Uuid;

use super::scripts::{CLAIM, WRITE_PART};
use super::{Operations, RedisRows};
use crate::{Advance, Changes, Letter, Many, RowChange, StoreError};

/// Operations of one script: a millisecond or two of Redis.
const OPERATIONS: usize = 600;
/// Scripts that are on their way at once.
const AT_ONCE: usize = 4;

impl RedisRows {
    pub(super) async fn write_all(
        &self,
        lane: Lane,
        advance: &Advance,
        rows: Many<impl Changes, impl Changes>,
        letters: &[Letter],
    ) -> Result<(), StoreError> {
        let claim = Uuid::new_v4().to_string();
        let keys = self.keys(lane);
        let (checkpoint, writer) = (keys.checkpoint(self.0.view.version), keys.writer(self.0.view.version));
        let mut script = CLAIM.prepare_invoke();
        script.key(checkpoint).key(writer).arg(advance.from.to_string()).arg(&claim);
        self.moved(self.0.connection.script(&script).await?)?;

        let mut last = Operations::default();
        let mut parts = Parts { of: self, lane, rows: rows.new.chain(rows.known), last: &mut last };
        let stay = Advance { from: advance.from, to: advance.from };
        // Made one after the other, and a few of them under way at a time.
        let parts = std::iter::from_fn(|| parts.next().transpose());
        let mut written = stream::iter(parts)
            .map(|part| async { self.write_part(lane, &stay, &claim, &part?).await })
            .buffered(AT_ONCE);
        while let Some(outcome) = written.next().await {
            outcome?;
        }
        drop(written);
        self.keep(lane, letters, &mut last).await?;
        self.write_part(lane, advance, &claim, &last).await
    }

    async fn write_part(
        &self,
        lane: Lane,
        advance: &Advance,
        claim: &str,
        operations: &Operations,
    ) -> Result<(), StoreError> {
        let keys = self.keys(lane);
        let mut script = WRITE_PART.prepare_invoke();
        script.key(keys.checkpoint(self.0.view.version)).key(keys.writer(self.0.view.version));
        script.arg(advance.from.to_string()).arg(advance.to.to_string()).arg(claim).arg("");
        for (key, operation, value) in &operations.0 {
            script.key(key).arg(operation).arg(value);
        }
        self.moved(self.0.connection.script(&script).await?)
    }

    fn moved(&self, moved: i64) -> Result<(), StoreError> {
        if moved == 1 { Ok(()) } else { Err(StoreError::Moved) }
    }
}

/// Makes operations of rows, some at a time; what takes rows away is kept for the last.
struct Parts<'a, I> {
    of: &'a RedisRows,
    lane: Lane,
    rows: I,
    last: &'a mut Operations,
}

impl<I: Changes> Parts<'_, I> {
    fn next(&mut self) -> Result<Option<Operations>, StoreError> {
        let mut part = Operations::default();
        while part.0.len() < OPERATIONS {
            let Some(row) = self.rows.next().transpose()? else { break };
            let is_gone = row.body.is_none();
            let operations = self.of.operations(self.lane, std::slice::from_ref::<RowChange>(&row));
            if is_gone { &mut *self.last } else { &mut part }.0.extend(operations.0);
        }
        Ok(if part.0.is_empty() { None } else { Some(part) })
    }
}
