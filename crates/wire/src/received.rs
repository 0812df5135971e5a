//! A record read back from a topic, with everything that is needed to check it against history and to fold it.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use kernel::{
    Actor, ChainHash, Epoch, EventId, EventMetadata, LogId, LoggedEvent, NewEvent, SchemaFingerprint,
    Sequence, StreamName, StreamVersion, TenantId, Timestamp,
};
use uuid::Uuid;

use crate::headers;

/// What a record says. Whether it follows from the record before is for the consumer to check, with
/// [`LoggedEvent::expected_chain`]: that holds only where every byte arrived as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The history that the event belongs to.
    pub epoch: Epoch,
    /// The event, as the log has it.
    pub event: LoggedEvent,
}

/// Why a record is none of ours, or damaged. Says which header, never its value: that may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// A header that every record has is absent.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header appears twice, so that it cannot be known which one is meant.
    #[error("header {0} appears more than once")]
    Repeated(&'static str),
    /// A header does not have the form that it must have.
    #[error("header {0} is malformed")]
    Malformed(&'static str),
    /// The record's key is not `<tenant>/<stream>`.
    #[error("the record's key is not its tenant and stream")]
    WrongKey,
    /// The record says that it belongs to another log than the partition it was found in.
    #[error("a record of log {found} was found in {expected}")]
    WrongLog {
        /// The log of the partition.
        expected: LogId,
        /// What the record says, shortened.
        found: String,
    },
}

impl Received {
    /// Reads a record of the partition that is `log`. `payload` is the body behind the frame and `schema` the
    /// fingerprint of the schema that the frame names. Headers that are not ours are passed over.
    pub fn parse<'a>(
        log: &LogId,
        key: Option<&[u8]>,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        payload: Bytes,
        schema: SchemaFingerprint,
    ) -> Result<Self, BadRecord> {
        let found = Found::gather(headers)?;
        if found.text(headers::CE_SPECVERSION)? != headers::CE_VERSION {
            return Err(BadRecord::Malformed(headers::CE_SPECVERSION));
        }
        found.check_source(log)?;
        let tenant =
            TenantId::new(found.text(headers::TENANT)?).map_err(|_| BadRecord::Malformed(headers::TENANT))?;
        let stream = StreamName::parse(found.text(headers::STREAM)?)
            .map_err(|_| BadRecord::Malformed(headers::STREAM))?;
        if found.text(headers::CE_SUBJECT)? != stream.as_str() {
            return Err(BadRecord::Malformed(headers::CE_SUBJECT));
        }
        check_key(key, &tenant, &stream)?;
        let event = NewEvent {
            id: EventId(found.uuid(headers::CE_ID)?),
            event_type: found.event_type()?,
            stream,
            version: StreamVersion::new(found.position(headers::VERSION)?),
            schema,
            payload,
            metadata: found.metadata()?,
        };
        Ok(Self {
            epoch: Epoch(found.uuid(headers::EPOCH)?),
            event: LoggedEvent {
                log: log.clone(),
                sequence: Sequence::new(found.position(headers::SEQUENCE)?),
                recorded_at: found.parsed::<Timestamp>(headers::CE_TIME)?,
                chain: ChainHash::from_hex(found.text(headers::CHAIN)?)
                    .ok_or(BadRecord::Malformed(headers::CHAIN))?,
                tenant,
                event,
            },
        })
    }
}

/// Longest event type and trace context that are taken from a header, in bytes.
const LONGEST_TEXT: usize = 255;

fn check_key(key: Option<&[u8]>, tenant: &TenantId, stream: &StreamName) -> Result<(), BadRecord> {
    let key = key.ok_or(BadRecord::WrongKey)?;
    let (tenant, stream) = (tenant.as_str().as_bytes(), stream.as_str().as_bytes());
    let rest = key.strip_prefix(tenant).and_then(|rest| rest.strip_prefix(b"/"));
    if rest == Some(stream) { Ok(()) } else { Err(BadRecord::WrongKey) }
}

/// The values of our headers, each at its place in [`NAMES`].
struct Found<'a>([Option<&'a [u8]>; headers::MOST]);

const NAMES: [&str; headers::MOST] = [
    headers::CE_SPECVERSION,
    headers::CE_ID,
    headers::CE_SOURCE,
    headers::CE_TYPE,
    headers::CE_TIME,
    headers::CE_SUBJECT,
    headers::CONTENT_TYPE,
    headers::SEQUENCE,
    headers::EPOCH,
    headers::CHAIN,
    headers::TENANT,
    headers::STREAM,
    headers::VERSION,
    headers::CORRELATION_ID,
    headers::CAUSATION_ID,
    headers::COMMAND_ID,
    headers::ACTOR,
    headers::TRACEPARENT,
];

impl<'a> Found<'a> {
    fn gather(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, BadRecord> {
        let mut values = [None; headers::MOST];
        // Our own records have their headers in the order of NAMES, so that the search starts where it ends.
        let mut expected = 0;
        for (name, value) in headers {
            let place = (expected..NAMES.len()).chain(0..expected).find(|&place| NAMES[place] == name);
            let Some(place) = place else { continue };
            if values[place].replace(value).is_some() {
                return Err(BadRecord::Repeated(NAMES[place]));
            }
            expected = place + 1;
        }
        Ok(Self(values))
    }

    fn optional(&self, name: &'static str) -> Result<Option<&'a str>, BadRecord> {
        let place = NAMES.iter().position(|known| *known == name);
        let Some(value) = place.and_then(|place| self.0[place]) else { return Ok(None) };
        std::str::from_utf8(value).map(Some).map_err(|_| BadRecord::Malformed(name))
    }

    fn text(&self, name: &'static str) -> Result<&'a str, BadRecord> {
        self.optional(name)?.ok_or(BadRecord::Missing(name))
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, BadRecord> {
        self.text(name)?.parse().map_err(|_| BadRecord::Malformed(name))
    }

    fn uuid(&self, name: &'static str) -> Result<Uuid, BadRecord> {
        Uuid::try_parse(self.text(name)?).map_err(|_| BadRecord::Malformed(name))
    }

    /// A position: decimal digits, from 1 to what Postgres can keep.
    fn position(&self, name: &'static str) -> Result<u64, BadRecord> {
        let number: u64 = self.parsed(name)?;
        if number == 0 || i64::try_from(number).is_err() {
            return Err(BadRecord::Malformed(name));
        }
        Ok(number)
    }

    fn event_type(&self) -> Result<Arc<str>, BadRecord> {
        let name = self.text(headers::CE_TYPE)?;
        let well_formed =
            (1..=LONGEST_TEXT).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        if well_formed { Ok(name.into()) } else { Err(BadRecord::Malformed(headers::CE_TYPE)) }
    }

    fn metadata(&self) -> Result<EventMetadata, BadRecord> {
        let subject = self.text(headers::ACTOR)?;
        let actor = Actor::new(subject);
        // A subject that had to be cleaned is not what the log has, and could not follow in the chain.
        if actor.as_str() != subject {
            return Err(BadRecord::Malformed(headers::ACTOR));
        }
        let causation_id = match self.optional(headers::CAUSATION_ID)? {
            Some(_) => Some(self.uuid(headers::CAUSATION_ID)?),
            None => None,
        };
        let traceparent = self.optional(headers::TRACEPARENT)?;
        if traceparent.is_some_and(|text| text.len() > LONGEST_TEXT) {
            return Err(BadRecord::Malformed(headers::TRACEPARENT));
        }
        Ok(EventMetadata {
            correlation_id: self.uuid(headers::CORRELATION_ID)?,
            causation_id,
            command_id: self.uuid(headers::COMMAND_ID)?,
            actor,
            traceparent: traceparent.map(Arc::from),
        })
    }

    fn check_source(&self, log: &LogId) -> Result<(), BadRecord> {
        let source = self.text(headers::CE_SOURCE)?;
        let found = source.strip_prefix("/twofold/").ok_or(BadRecord::Malformed(headers::CE_SOURCE))?;
        let same = found
            .rsplit_once('/')
            .is_some_and(|(context, lane)| context == &*log.context && lane.parse() == Ok(log.lane.number()));
        if same {
            return Ok(());
        }
        Err(BadRecord::WrongLog { expected: log.clone(), found: found.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests;
