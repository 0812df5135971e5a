//! Lanes: the unit of order and of scale.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Sequence, TenantId};

/// Where a tenant lives, the same in every context: partition number of the topic, log of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(u16);

impl Lane {
    /// The lane with this number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number, from 0.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Where a tenant with no event yet would go among `lanes` lanes.
    ///
    /// Only the command side decides with this, once, and remembers: a tenant stays when `lanes` grows.
    pub fn for_new_tenant(tenant: &TenantId, lanes: u16) -> Self {
        let digest = Sha256::digest(tenant.as_str().as_bytes());
        let number =
            u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) % u32::from(lanes.max(1));
        Self(u16::try_from(number).unwrap_or(0))
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// One log: a context's events in one lane, with its own dense sequence.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogId {
    /// The context, `catalog`.
    pub context: Arc<str>,
    /// The lane.
    pub lane: Lane,
}

impl LogId {
    /// The log of this context and lane.
    pub fn new(context: impl Into<Arc<str>>, lane: Lane) -> Self {
        Self { context: context.into(), lane }
    }

    /// The token that says "everything of this log up to and with `sequence`".
    pub fn at(&self, sequence: Sequence) -> LaneToken {
        LaneToken { log: self.clone(), sequence }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.context, self.lane)
    }
}

impl FromStr for LogId {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (context, lane) = text.split_once('/').ok_or(InvalidToken)?;
        let named = (1..=64).contains(&context.len())
            && context.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !named {
            return Err(InvalidToken);
        }
        Ok(Self::new(context, Lane(lane.parse().map_err(|_| InvalidToken)?)))
    }
}

/// The text is not of the form `catalog/3` or `catalog/3=1042`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the form context/lane=sequence, like catalog/3=1042")]
pub struct InvalidToken;

/// A point in a log as clients see it: `catalog/3=1042`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneToken {
    /// Which log.
    pub log: LogId,
    /// Up to and with this sequence.
    pub sequence: Sequence,
}

impl fmt::Display for LaneToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.log, self.sequence)
    }
}

impl FromStr for LaneToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (log, sequence) = text.split_once('=').ok_or(InvalidToken)?;
        let sequence: u64 = sequence.parse().map_err(|_| InvalidToken)?;
        if i64::try_from(sequence).is_err() {
            return Err(InvalidToken);
        }
        Ok(Self { log: log.parse()?, sequence: Sequence::new(sequence) })
    }
}

#[cfg(test)]
mod tests;
