//! Checking that a log is what was recorded.

use kernel::{ChainHash, LogId, Sequence, Timestamp};
use sqlx::query_scalar;

use crate::{Broken, BrokenHow, EventLog, Head, LogError, VerifyError};

/// Events that are checked at a time.
const PAGE: usize = 2000;

/// A log that was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many events were checked.
    pub count: u64,
    /// The head that they lead to.
    pub head: Head,
}

impl EventLog {
    /// Checks a log from its first event to the head that it has now: that no event is missing, changed, moved or
    /// added, that time never runs backwards, and that each stream's versions follow one another. Reads in pages
    /// and keeps no long snapshot. `progress` hears the last sequence of each page.
    pub async fn verify(
        &self,
        log: &LogId,
        mut progress: impl FnMut(Sequence),
    ) -> Result<Verified, VerifyError> {
        let head = self.head(log).await?;
        let mut last = (Sequence::ZERO, ChainHash::GENESIS, Timestamp::from_micros(i64::MIN));
        while last.0 < head.sequence {
            let page = self.read_log(log, last.0, PAGE).await?;
            let first = last.0;
            for event in page.iter().take_while(|event| event.sequence <= head.sequence) {
                let broken = |what| Err(Broken { sequence: event.sequence, what });
                if event.sequence != last.0.next() {
                    return Err(Broken { sequence: last.0.next(), what: BrokenHow::Missing }.into());
                }
                if event.recorded_at < last.2 {
                    broken(BrokenHow::Time)?;
                }
                if event.expected_chain(&last.1) != event.chain {
                    broken(BrokenHow::Chain)?;
                }
                last = (event.sequence, event.chain, event.recorded_at);
            }
            if last.0 == first {
                return Err(Broken { sequence: first.next(), what: BrokenHow::Missing }.into());
            }
            if let Some(sequence) = self.hole_in_a_stream(log, first, last.0).await? {
                return Err(Broken { sequence, what: BrokenHow::Stream }.into());
            }
            progress(last.0);
        }
        if last.1 != head.chain || (last.0 > Sequence::ZERO && last.2 != head.recorded_at) {
            return Err(Broken { sequence: last.0, what: BrokenHow::Head }.into());
        }
        let beyond = self.read_log(log, head.sequence, 1).await?;
        let unannounced = beyond.first().filter(|event| event.expected_chain(&head.chain) != event.chain);
        if let Some(event) = unannounced {
            return Err(Broken { sequence: event.sequence, what: BrokenHow::Head }.into());
        }
        Ok(Verified { count: head.sequence.number(), head })
    }

    /// The first event after `after`, up to and with `through`, whose stream lacks the version before it at an
    /// earlier place of the log. Locks nothing.
    async fn hole_in_a_stream(
        &self,
        log: &LogId,
        after: Sequence,
        through: Sequence,
    ) -> Result<Option<Sequence>, LogError> {
        let hole: Option<i64> = query_scalar(include_str!("../queries/hole_in_a_stream.sql"))
            .bind(&*log.context)
            .bind(i32::from(log.lane.number()))
            .bind(after.to_i64())
            .bind(through.to_i64())
            .fetch_one(&self.pool)
            .await?;
        Ok(hole.map(Sequence::from_i64))
    }
}
