//! How far the rows of a lane have come.

use std::fmt;

use kernel::{ChainHash, Epoch, Sequence};
use uuid::Uuid;

/// What the rows of one lane reflect, kept where the rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last event whose effect is in the rows; zero for none.
    pub sequence: Sequence,
    /// The offset in the lane's partition to read on from.
    pub offset: i64,
    /// The history that the events belong to; none before the first.
    pub epoch: Option<Epoch>,
    /// The hash chain up to and with `sequence`.
    pub chain: ChainHash,
}

impl Checkpoint {
    /// Nothing has been applied yet.
    pub const ZERO: Self =
        Self { sequence: Sequence::ZERO, offset: 0, epoch: None, chain: ChainHash::GENESIS };
}

/// A step of a lane: written only where the store's checkpoint still is `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// Where the writer believes the lane to be.
    pub from: Checkpoint,
    /// Where it is when the rows have been written.
    pub to: Checkpoint,
}

/// `<sequence> <offset> <epoch or -> <chain>`: compared as text, so that comparing is one string equality.
impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ", self.sequence, self.offset)?;
        match &self.epoch {
            Some(epoch) => write!(out, "{epoch} ")?,
            None => out.write_str("- ")?,
        }
        self.chain.fmt(out)
    }
}

impl Checkpoint {
    /// From its text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let sequence = Sequence::new(parts.next()?.parse().ok()?);
        let offset = parts.next()?.parse().ok()?;
        let epoch = match parts.next()? {
            "-" => None,
            epoch => Some(Epoch(Uuid::try_parse(epoch).ok()?)),
        };
        let chain = ChainHash::from_hex(parts.next()?)?;
        Some(Self { sequence, offset, epoch, chain })
    }
}

#[cfg(test)]
mod tests;
