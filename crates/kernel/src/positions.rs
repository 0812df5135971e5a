//! Positions: numbers that must not be confused with one another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! position {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);

            /// The position with this number; positions that name something start at 1.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn number(self) -> u64 {
                self.0
            }

            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }

            /// The one `steps` further.
            #[must_use]
            pub const fn plus(self, steps: u64) -> Self {
                Self(self.0 + steps)
            }

            /// How many lie after `earlier` up to and with this; 0 when `earlier` is not earlier.
            pub const fn since(self, earlier: Self) -> u64 {
                self.0.saturating_sub(earlier.0)
            }

            /// As Postgres keeps it.
            pub const fn to_i64(self) -> i64 {
                self.0.cast_signed()
            }

            /// From a column that a constraint keeps from being negative; a negative number reads as 0.
            pub const fn from_i64(number: i64) -> Self {
                Self(if number < 0 { 0 } else { number.cast_unsigned() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

position! {
    /// The place of an event in its log: dense from 1, in commit order.
    Sequence
}

position! {
    /// The place of an event in its stream: dense from 1. 0 is a stream that has not begun.
    StreamVersion
}

/// The identity of a log's history. A log restored from a backup begins a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub Uuid);

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
