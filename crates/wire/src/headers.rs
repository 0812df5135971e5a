//! A record's headers: CloudEvents' Kafka binding in binary mode, and what a consumer needs to be sure that its
//! history is whole.

use std::fmt::Write;

use bytes::{Bytes, BytesMut};
use kernel::{Epoch, LoggedEvent};

/// Version of CloudEvents, `1.0`.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// The event's id.
pub const CE_ID: &str = "ce_id";
/// The log: `/twofold/<context>/<lane>`.
pub const CE_SOURCE: &str = "ce_source";
/// The event's type: `ProductCreated`.
pub const CE_TYPE: &str = "ce_type";
/// When it was recorded: RFC 3339, exact to the microsecond.
pub const CE_TIME: &str = "ce_time";
/// The stream: `product-0197…`.
pub const CE_SUBJECT: &str = "ce_subject";
/// The media type of the value.
pub const CONTENT_TYPE: &str = "content-type";
/// The event's place in its log, decimal.
pub const SEQUENCE: &str = "sequence";
/// The identity of the log's history.
pub const EPOCH: &str = "epoch";
/// The hash chain up to and with this event, hexadecimal.
pub const CHAIN: &str = "chain";
/// Whose event it is.
pub const TENANT: &str = "tenant";
/// The stream, once more under our own name.
pub const STREAM: &str = "stream";
/// The event's place in its stream, decimal.
pub const VERSION: &str = "version";
/// What began with one request from outside.
pub const CORRELATION_ID: &str = "correlationid";
/// What caused the command; absent where nothing did.
pub const CAUSATION_ID: &str = "causationid";
/// The command that recorded the event.
pub const COMMAND_ID: &str = "commandid";
/// Who sent the command.
pub const ACTOR: &str = "actor";
/// The W3C trace context of the command; absent where it had none.
pub const TRACEPARENT: &str = "traceparent";

pub(crate) const CE_VERSION: &str = "1.0";
/// The media type of a value.
pub const AVRO: &str = "application/avro";

/// How many headers a record has at most.
pub(crate) const MOST: usize = 18;

/// The headers of an event's record. All values share one allocation.
pub fn encode(logged: &LoggedEvent, epoch: &Epoch) -> Vec<(&'static str, Bytes)> {
    let event = &logged.event;
    let metadata = &event.metadata;
    let mut values = Values { text: BytesMut::with_capacity(640), ends: Vec::with_capacity(MOST) };
    values.text(CE_SPECVERSION, CE_VERSION);
    values.uuid(CE_ID, &event.id.0);
    values.shown(CE_SOURCE, format_args!("/twofold/{}/{}", logged.log.context, logged.log.lane));
    values.text(CE_TYPE, &event.event_type);
    values.shown(CE_TIME, format_args!("{}", logged.recorded_at));
    values.text(CE_SUBJECT, event.stream.as_str());
    values.text(CONTENT_TYPE, AVRO);
    values.number(SEQUENCE, logged.sequence.number());
    values.uuid(EPOCH, &epoch.0);
    values.hex(CHAIN, logged.chain.as_bytes());
    values.text(TENANT, logged.tenant.as_str());
    values.text(STREAM, event.stream.as_str());
    values.number(VERSION, event.version.number());
    values.uuid(CORRELATION_ID, &metadata.correlation_id);
    if let Some(causation) = &metadata.causation_id {
        values.uuid(CAUSATION_ID, causation);
    }
    values.uuid(COMMAND_ID, &metadata.command_id);
    values.text(ACTOR, metadata.actor.as_str());
    if let Some(traceparent) = &metadata.traceparent {
        values.text(TRACEPARENT, traceparent);
    }
    values.finish()
}

struct Values {
    text: BytesMut,
    ends: Vec<(&'static str, usize)>,
}

impl Values {
    fn text(&mut self, name: &'static str, value: &str) {
        self.text.extend_from_slice(value.as_bytes());
        self.ends.push((name, self.text.len()));
    }

    fn uuid(&mut self, name: &'static str, id: &uuid::Uuid) {
        self.text(name, id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }

    fn hex(&mut self, name: &'static str, bytes: &[u8; 32]) {
        let mut digits = [0; 64];
        // The buffer has the right length by its type.
        let _ = hex::encode_to_slice(bytes, &mut digits);
        self.text.extend_from_slice(&digits);
        self.ends.push((name, self.text.len()));
    }

    fn number(&mut self, name: &'static str, number: u64) {
        self.shown(name, format_args!("{number}"));
    }

    fn shown(&mut self, name: &'static str, value: std::fmt::Arguments<'_>) {
        // Writing to memory that grows does not fail.
        let _ = self.text.write_fmt(value);
        self.ends.push((name, self.text.len()));
    }

    fn finish(self) -> Vec<(&'static str, Bytes)> {
        let text = self.text.freeze();
        let mut begin = 0;
        let value = |(name, end)| {
            let value = text.slice(begin..end);
            begin = end;
            (name, value)
        };
        self.ends.into_iter().map(value).collect()
    }
}
