//! Whether a schema may follow others.
//!
//! `apache-avro` has a checker too, but it answers "partly" where some values could not be read, takes one half of
//! a repeated type for another type, and follows neither names nor logical types as events must. This one says yes
//! or no, where, and why.

use std::fmt;
use std::str::FromStr;

use crate::schema::{self, SchemaError};

mod check;

pub use check::Incompatible;

/// Which differences count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// The specification's, as registries check them.
    Avro,
    /// And what the codec and every consumer of events rely on: names stay whole, a type keeps its logical type,
    /// and nothing is promoted.
    Events,
}

/// Why a schema may not follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of the texts is no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// New readers could not read what was written.
    #[error("cannot read what version {version} wrote: {why}")]
    Backward {
        /// Which of the earlier ones, from 1.
        version: usize,
        /// Where and why.
        why: Incompatible,
    },
    /// Readers of an earlier version could not read what would be written.
    #[error("version {version} cannot read what this would write: {why}")]
    Forward {
        /// Which of the earlier ones, from 1.
        version: usize,
        /// Where and why.
        why: Incompatible,
    },
}

/// Whether `new` may follow `earlier`, oldest first, at this level.
pub fn may_follow<T: AsRef<str>>(
    new: &str,
    earlier: &[T],
    level: Level,
    rules: Rules,
) -> Result<(), Refusal> {
    let new = schema::parse(new)?;
    let skipped = if level.transitive() { 0 } else { earlier.len().saturating_sub(1) };
    for (index, text) in earlier.iter().enumerate().skip(skipped) {
        let version = index + 1;
        let old = schema::parse(text.as_ref())?;
        if level.backward() {
            check::can_read(&new, &old, rules).map_err(|why| Refusal::Backward { version, why })?;
        }
        if level.forward() {
            check::can_read(&old, &new, rules).map_err(|why| Refusal::Forward { version, why })?;
        }
    }
    Ok(())
}

/// What a new version of a schema must be compatible with, in the registry's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Nothing.
    None,
    /// New readers read what the latest version wrote.
    #[default]
    Backward,
    /// New readers read what every version wrote.
    BackwardTransitive,
    /// Readers of the latest version read what the new one writes.
    Forward,
    /// Readers of every version read what the new one writes.
    ForwardTransitive,
    /// Both ways with the latest version.
    Full,
    /// Both ways with every version: what events of this platform keep.
    FullTransitive,
}

/// The text names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of NONE, BACKWARD, FORWARD, FULL and their _TRANSITIVE forms")]
pub struct UnknownLevel;

impl Level {
    /// Every level.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// Its name in the registry's interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// Whether new readers must read old writers.
    pub const fn backward(self) -> bool {
        matches!(self, Self::Backward | Self::BackwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether old readers must read new writers.
    pub const fn forward(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardTransitive | Self::Full | Self::FullTransitive)
    }

    /// Whether every earlier version counts, or only the latest.
    pub const fn transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or(UnknownLevel)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
