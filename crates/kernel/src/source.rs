//! Where the events are found that a row is made of.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use uuid::Uuid;

use crate::{Decider, InvalidIdentifier, StreamFamily, StreamName};

/// What a name that stands for all streams of a kind has between the kind and the id that their events name.
const NAMING: &str = "-*@";

/// Where events are found: in a stream, in all that belong to something, or wherever something is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// In this stream.
    Stream(StreamName),
    /// In all of these.
    Family(StreamFamily),
    /// In all streams of a kind: those events that name an id, like the posts of a user. Written
    /// `post-*@<id>`. Every event of the kind is looked at for it, so that this takes the longer the more there are of
    /// the tenant; what does not name the id does not leave the log.
    Naming {
        /// The decider's kind.
        kind: Arc<str>,
        /// What they name.
        id: Uuid,
    },
}

impl Source {
    /// The stream of `D` with this id.
    pub fn of<D: Decider>(id: Uuid) -> Self {
        Self::Stream(StreamName::of(D::STREAM, id))
    }

    /// The stream of `D` with this id that belongs to `owner`.
    pub fn within<D: Decider>(owner: Uuid, id: Uuid) -> Self {
        Self::Stream(StreamName::within(D::STREAM, owner, id))
    }

    /// All streams of `D` that belong to `owner`.
    pub fn all<D: Decider>(owner: Uuid) -> Self {
        Self::Family(StreamFamily::of(D::STREAM, owner))
    }

    /// The events of all streams of `D` that name this id.
    pub fn naming<D: Decider>(id: Uuid) -> Self {
        Self::Naming { kind: D::STREAM.into(), id }
    }

    /// Whether events of this stream are found there.
    pub fn may_hold(&self, stream: &StreamName) -> bool {
        match self {
            Self::Stream(own) => own == stream,
            Self::Family(family) => family.holds(stream),
            Self::Naming { kind, .. } => **kind == *stream.kind(),
        }
    }
}

impl FromStr for Source {
    type Err = InvalidIdentifier;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if let Some(family) = StreamFamily::parse(name) {
            return Ok(Self::Family(family));
        }
        if let Some((kind, id)) = name.split_once(NAMING)
            && let (true, Ok(id)) = (is_a_kind(kind), id.parse())
        {
            return Ok(Self::Naming { kind: kind.into(), id });
        }
        StreamName::parse(name).map(Self::Stream)
    }
}

fn is_a_kind(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => stream.fmt(out),
            Self::Family(family) => family.fmt(out),
            Self::Naming { kind, id } => write!(out, "{kind}{NAMING}{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(7);

    #[test]
    fn a_source_reads_as_it_is_written() {
        let naming = Source::Naming { kind: "post".into(), id: ID };
        let family = Source::Family(StreamFamily::of("expense", ID));
        for source in [naming, family, Source::Stream(StreamName::of("post", ID))] {
            assert_eq!(source.to_string().parse(), Ok(source));
        }
    }

    #[test]
    fn a_star_stands_for_nothing_else() {
        for text in ["post-*", "post-*@", "post-*@seven", "-*@00000000-0000-0000-0000-000000000007"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_kind_holds_its_own_streams_only() {
        let posts = Source::Naming { kind: "post".into(), id: ID };
        assert!(posts.may_hold(&StreamName::of("post", Uuid::from_u128(1))));
        assert!(!posts.may_hold(&StreamName::of("posting", Uuid::from_u128(1))));
    }
}
