//! What a partition really holds, compared with what the cursor remembers.

use std::ops::ControlFlow;

use event_log::Cursor;
use kernel::{ChainHash, Epoch, Sequence};
use messaging::{MessagingError, OffsetRange, PartitionReader};

use crate::records::Placed;

/// A partition to be looked at. Records that are not of a log are passed over.
pub(crate) trait Partition {
    fn range(&self) -> Result<OffsetRange, MessagingError>;
    /// The first record at `offset` or after it.
    fn first_from(&self, offset: i64) -> Result<Option<Placed>, MessagingError>;
    /// Every record from `offset` to the end.
    fn read(&self, offset: i64, each: impl FnMut(Placed) -> ControlFlow<()>) -> Result<(), MessagingError>;
}

/// Up to where a partition holds everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Every sequence up to this one is there.
    pub(crate) through: Sequence,
    /// The chain that the record with it carries.
    pub(crate) chain: Option<ChainHash>,
    /// Where that record is.
    pub(crate) offset: Option<i64>,
    /// The last place that the partition has used.
    pub(crate) last_offset: Option<i64>,
}

/// Why a survey came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    Kafka(MessagingError),
    /// A record of another history of the log.
    OtherEpoch {
        offset: i64,
        epoch: Epoch,
    },
}

impl From<MessagingError> for Unclear {
    fn from(error: MessagingError) -> Self {
        Self::Kafka(error)
    }
}

/// Finds up to where the partition holds everything.
///
/// Where the record that the cursor remembers is still in its place, everything up to it is there, and whatever
/// follows is read: records that continue count, records behind a hole do not. (A hole comes about when a
/// partition lost its end and a relay sent on before it noticed.) Where that record is gone, the search goes back to
/// a record from before the loss; in a topic that was made anew it starts over.
pub(crate) fn survey(
    partition: &impl Partition,
    cursor: &Cursor,
    same_topic: bool,
    epoch: Epoch,
) -> Result<Holding, Unclear> {
    let range = partition.range()?;
    let mut known = if same_topic && cursor.published_through > Sequence::ZERO {
        match confirmed(partition, range, cursor, epoch)? {
            Some(placed) => Some(placed),
            None => last_before_loss(partition, range, cursor.published_through, epoch)?,
        }
    } else {
        None
    };
    let mut last_offset = range.end - 1;
    let from = known.map_or(range.start, |placed| placed.offset + 1);
    let mut foreign = None;
    if from < range.end {
        partition.read(from, |placed| {
            last_offset = last_offset.max(placed.offset);
            if placed.epoch != epoch {
                foreign = Some(placed);
                return ControlFlow::Break(());
            }
            let through = known.map_or(Sequence::ZERO, |known| known.sequence);
            if placed.sequence == through.next() {
                known = Some(placed);
            }
            ControlFlow::Continue(())
        })?;
    }
    if let Some(placed) = foreign {
        return Err(Unclear::OtherEpoch { offset: placed.offset, epoch: placed.epoch });
    }
    Ok(Holding {
        through: known.map_or(Sequence::ZERO, |placed| placed.sequence),
        chain: known.map(|placed| placed.chain),
        offset: known.map(|placed| placed.offset),
        last_offset: (last_offset >= 0).then_some(last_offset),
    })
}

/// The record that the cursor remembers, if it is where it was.
fn confirmed(
    partition: &impl Partition,
    range: OffsetRange,
    cursor: &Cursor,
    epoch: Epoch,
) -> Result<Option<Placed>, Unclear> {
    let Some(offset) = cursor.offset.filter(|offset| (range.start..range.end).contains(offset)) else {
        return Ok(None);
    };
    let found = partition.first_from(offset)?.filter(|placed| placed.offset == offset);
    let found = of_epoch(found, epoch)?;
    Ok(found.filter(|placed| placed.sequence == cursor.published_through))
}

/// A record from before the loss, as late as a search by halves finds one.
///
/// What was sent after the loss, before anybody noticed it, is later than anything acknowledged before. So a record
/// whose sequence is not greater than the cursor's is from before the loss, and everything up to it is there.
fn last_before_loss(
    partition: &impl Partition,
    range: OffsetRange,
    acknowledged: Sequence,
    epoch: Epoch,
) -> Result<Option<Placed>, Unclear> {
    let (mut low, mut high) = (range.start, range.end);
    let mut found = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let placed = partition.first_from(middle)?.filter(|placed| placed.offset < high);
        match of_epoch(placed, epoch)? {
            Some(placed) if placed.sequence <= acknowledged => {
                low = placed.offset + 1;
                found = Some(placed);
            }
            Some(_) | None => high = middle,
        }
    }
    Ok(found)
}

fn of_epoch(placed: Option<Placed>, epoch: Epoch) -> Result<Option<Placed>, Unclear> {
    match placed {
        Some(placed) if placed.epoch != epoch => {
            Err(Unclear::OtherEpoch { offset: placed.offset, epoch: placed.epoch })
        }
        placed => Ok(placed),
    }
}

/// A partition on Kafka. Blocks.
pub(crate) struct OnKafka<'a> {
    pub(crate) reader: &'a PartitionReader,
    pub(crate) topic: &'a str,
    pub(crate) number: i32,
}

impl Partition for OnKafka<'_> {
    fn range(&self) -> Result<OffsetRange, MessagingError> {
        self.reader.range(self.topic, self.number)
    }

    fn first_from(&self, offset: i64) -> Result<Option<Placed>, MessagingError> {
        let mut found = None;
        self.read(offset, |placed| {
            found = Some(placed);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    fn read(
        &self,
        offset: i64,
        mut each: impl FnMut(Placed) -> ControlFlow<()>,
    ) -> Result<(), MessagingError> {
        self.reader.read(self.topic, self.number, offset, |record| match Placed::read(&record) {
            Some(placed) => each(placed),
            None => ControlFlow::Continue(()),
        })
    }
}

#[cfg(test)]
mod tests;
