//! The read model: the log folded to rows.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{EventSet, Recorded, Source};

/// One kind of row, scoped to a tenant: each row is the fold of the events that name its key.
pub trait View: Send + Sync + 'static {
    /// Kebab-case, unique over all contexts: `product-details`.
    const NAME: &'static str;
    /// Raised whenever `Row`, `keys` or `evolve` changes its meaning: a new version is then built beside the old.
    const VERSION: u32;
    /// Where the rows live.
    const STORES: &'static [ReadStore];
    /// The events of the context.
    type Event: EventSet;
    /// What a row says.
    type Row: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The rows that this event touches.
    fn keys(event: &Recorded<Self::Event>) -> Keys;

    /// By which links a row can be found, for events that name no key but say "every row that has to do with X".
    fn links(row: &Self::Row) -> Vec<Link> {
        let _ = row;
        Vec::new()
    }

    /// Where the events are found that a row is folded from, so that it can be folded anew as it was at an earlier
    /// time; none where that cannot be asked. `row` is the row as it is now, for keys that do not say it all.
    fn sources(key: &RowKey, row: Option<&Self::Row>) -> Vec<Source> {
        let _ = (key, row);
        Vec::new()
    }

    /// Where further events of the row are found, as one of its events tells: the category of a product, which may
    /// be renamed.
    fn leads_to(event: &Self::Event) -> Vec<Source> {
        let _ = event;
        Vec::new()
    }

    /// The row after one more event; `None` for no row. Called for each key that [`View::keys`] named.
    fn evolve(
        key: &RowKey,
        row: Option<Self::Row>,
        event: &Recorded<Self::Event>,
    ) -> Result<Option<Self::Row>, Unfoldable>;
}

/// A kind of store that rows can live in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReadStore {
    /// Tables: lists, search, anything that is asked by more than its key.
    Postgres,
    /// The log's own database: rows are folded before the append and written in its transaction, so that they are
    /// never behind. A fold into such rows may keep the time of recording, but not calculate with it nor with the
    /// sequence: neither is known before; and its events name their rows by key, never by a link.
    Inline,
    /// Key to row: the fastest answer to "the one with this id".
    Redis,
}

macro_rules! text_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// From its text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: fmt::Display> From<T> for $name {
            fn from(value: T) -> Self {
                Self(value.to_string().into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

text_key! {
    /// The key of a row within its view and tenant.
    RowKey
}

text_key! {
    /// Something that rows of a view have in common, by which an event finds them: `category:0197…`.
    Link
}

/// The rows that an event touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// None.
    None,
    /// These.
    These(Vec<RowKey>),
    /// Every row of the tenant that has this link at this point of the log.
    Linked(Link),
}

impl Keys {
    /// One row.
    pub fn one(key: impl Into<RowKey>) -> Self {
        Self::These(vec![key.into()])
    }
}

/// An event that a view's fold cannot take in: its row would be wrong from here on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unfoldable {
    /// Why, for an operator; no personal data.
    pub reason: String,
}

impl Unfoldable {
    /// For this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
