//! Dead letters: events that did not get into a row.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Lane, RowKey, Sequence, StreamName, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::RowAddress;

/// What is parked: it has letters, and later events that touch it become letters too.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// One row.
    Row(RowAddress),
    /// The events of a stream, where it cannot be known which rows they touch: any row of the tenant may lack them.
    Stream {
        /// Whose stream.
        tenant: TenantId,
        /// Which stream.
        stream: StreamName,
    },
    /// A record that does not say what it is. Nothing follows it.
    Record {
        /// Where it is in the lane's partition.
        offset: i64,
    },
}

impl Subject {
    /// Whose rows are out of date.
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Row(at) => Some(&at.tenant),
            Self::Stream { tenant, .. } => Some(tenant),
            Self::Record { .. } => None,
        }
    }

    /// The one row that is out of date.
    pub fn row_key(&self) -> Option<&RowKey> {
        match self {
            Self::Row(at) => Some(&at.key),
            Self::Stream { .. } | Self::Record { .. } => None,
        }
    }
}

/// `row/<tenant>/<key>`, `stream/<tenant>/<stream>` or `record/<offset>`. A tenant's name holds no slash.
impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(at) => write!(out, "row/{}/{}", at.tenant, at.key.as_str()),
            Self::Stream { tenant, stream } => write!(out, "stream/{tenant}/{}", stream.as_str()),
            Self::Record { offset } => write!(out, "record/{offset}"),
        }
    }
}

/// The text is not that of anything that can be parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected row/<tenant>/<key>, stream/<tenant>/<stream> or record/<offset>")]
pub struct InvalidSubject;

impl FromStr for Subject {
    type Err = InvalidSubject;

    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let (kind, rest) = text.split_once('/').ok_or(InvalidSubject)?;
        if kind == "record" {
            return Ok(Self::Record { offset: rest.parse().map_err(|_| InvalidSubject)? });
        }
        let (tenant, name) = rest.split_once('/').ok_or(InvalidSubject)?;
        let tenant = TenantId::new(tenant).map_err(|_| InvalidSubject)?;
        match kind {
            "row" => Ok(Self::Row(RowAddress { tenant, key: RowKey::new(name) })),
            "stream" => {
                let stream = StreamName::parse(name).map_err(|_| InvalidSubject)?;
                Ok(Self::Stream { tenant, stream })
            }
            _ => Err(InvalidSubject),
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)+) => {
        /// What kind of failure made a letter of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant),+ }

        impl Reason {
            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The reason of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// The fold does not take the event in.
    Unfoldable = "unfoldable";
    /// The fold panicked.
    Panicked = "panicked";
    /// The store refuses the row.
    Refused = "refused";
    /// The row that the store holds does not read.
    UnreadableRow = "unreadable-row";
    /// The record's value does not read: which rows it touches is not known.
    UnreadableEvent = "unreadable-event";
    /// The record does not say what it is.
    Foreign = "foreign";
    /// The event follows one that is a letter already.
    Behind = "behind";
}

/// A record as it was found on the topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeadRecord {
    /// Where it was in the lane's partition.
    pub offset: i64,
    /// Its key.
    #[serde(with = "optional_base64")]
    pub key: Option<Vec<u8>>,
    /// Its value.
    #[serde(with = "optional_base64")]
    pub value: Option<Vec<u8>>,
    /// Its headers, in order.
    pub headers: Vec<(String, HeaderValue)>,
}

/// The value of a header, which may be any bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderValue(pub Vec<u8>);

impl Serialize for HeaderValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

mod optional_base64 {
    use super::HeaderValue;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes.clone().map(HeaderValue).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<HeaderValue>::deserialize(deserializer)?.map(|value| value.0))
    }
}

/// An event that did not get into one row, or of which it is not known into which it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The lane that it is of.
    pub lane: Lane,
    /// What is parked.
    pub subject: Subject,
    /// The event's; for a record that does not say, that of the last event before it.
    pub sequence: Sequence,
    /// What kind of failure it was.
    pub reason: Reason,
    /// The failure in words, for operators: no payload and no personal data.
    pub why: String,
    /// The record as it was.
    pub record: DeadRecord,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up for now.
    pub parked_at: Timestamp,
}

impl Letter {
    /// Its name among the letters of its view. Letters of a lane sort by their sequence; one that is written
    /// twice has the same name both times.
    pub fn id(&self) -> LetterId {
        let digest = Sha256::digest(self.subject.to_string());
        let mut bytes = [0; 16];
        let (sequence, subject) = bytes.split_at_mut(8);
        sequence.copy_from_slice(&self.sequence.number().to_be_bytes());
        subject.copy_from_slice(digest.get(..8).unwrap_or(&[0; 8]));
        LetterId { lane: self.lane, id: Uuid::from_bytes(bytes) }
    }
}

/// The name of a letter among those of its view: `3.00000000-0000-0412-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId {
    /// The lane.
    pub lane: Lane,
    /// Which letter of the lane.
    pub id: Uuid,
}

impl fmt::Display for LetterId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.lane, self.id)
    }
}

impl FromStr for LetterId {
    type Err = InvalidLetterId;

    fn from_str(text: &str) -> Result<Self, InvalidLetterId> {
        let (lane, id) = text.split_once('.').ok_or(InvalidLetterId)?;
        let lane = Lane::new(lane.parse().map_err(|_| InvalidLetterId)?);
        Ok(Self { lane, id: Uuid::try_parse(id).map_err(|_| InvalidLetterId)? })
    }
}

/// The text is not the name of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a letter: a lane, a dot and a UUID")]
pub struct InvalidLetterId;

/// What an operator asks to be done with something that is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Fold it again.
    Retry {
        /// Who asks.
        by: String,
    },
    /// Give its events up: the row goes on without them.
    Discard {
        /// Who asks.
        by: String,
        /// Why.
        reason: String,
    },
}

/// Which letters are meant; with each, all that share its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// These rows, whether they have letters or not.
    Rows {
        /// Where they are.
        lane: Lane,
        /// The rows.
        rows: Vec<RowAddress>,
    },
    /// The subject of this letter.
    Letter(LetterId),
    /// Everything that is parked, of one tenant or of all.
    All {
        /// The tenant.
        tenant: Option<TenantId>,
    },
}

#[cfg(test)]
mod tests;
