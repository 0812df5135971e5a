//! Records as a service lists them over HTTP: what is on the topic, in JSON, with the schemas it was written with.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kernel::{EventSet, LogId, Recorded, SchemaFingerprint};
use serde::Deserialize;

use crate::{BadRecord, Codec, DecodeError, Received};

/// Records in the order of their sequences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ListedRecords {
    /// The records.
    pub items: Vec<ListedRecord>,
    /// The Avro schemas that they were written with, by fingerprint.
    pub schemas: BTreeMap<String, String>,
}

/// A record as it is on the topic, but for the frame with the registry's schema id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListedRecord {
    /// Its key.
    pub key: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// The fingerprint of the schema that it was written with, hexadecimal.
    pub schema: String,
    /// The Avro body, base64.
    pub payload: String,
}

impl ListedRecord {
    /// What it says; `log` is the one that it must be of.
    pub fn received(&self, log: &LogId) -> Result<Received, BadRecord> {
        let payload = STANDARD.decode(&self.payload).map_err(|_| BadRecord::Malformed("payload"))?;
        let schema = u64::from_str_radix(&self.schema, 16).map_err(|_| BadRecord::Malformed("schema"))?;
        let schema = SchemaFingerprint(schema.cast_signed());
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Received::parse(log, Some(self.key.as_bytes()), headers, Bytes::from(payload), schema)
    }
}

impl ListedRecords {
    /// The event of a record of this list; a schema that the codec does not know is made known to it.
    pub fn decode<E: EventSet>(
        &self,
        received: Received,
        codec: &Codec<E>,
    ) -> Result<Recorded<E>, DecodeError> {
        let logged = received.event;
        let decode = || codec.decode(&logged.event.event_type, logged.event.schema, &logged.event.payload);
        let event = match decode() {
            Err(DecodeError::UnknownSchema(schema)) => {
                let text = self.schemas.get(&format!("{:016x}", schema.0));
                match text.map(|text| codec.add_writer_schema(text)) {
                    Some(Ok(_)) => decode(),
                    // Whatever is wrong with its schema, it stays unknown.
                    Some(Err(_)) | None => Err(DecodeError::UnknownSchema(schema)),
                }
            }
            decoded => decoded,
        }?;
        Ok(Recorded {
            id: logged.event.id,
            tenant: logged.tenant,
            lane: logged.log.lane,
            sequence: logged.sequence,
            stream: logged.event.stream,
            version: logged.event.version,
            recorded_at: logged.recorded_at,
            metadata: logged.event.metadata,
            event,
        })
    }
}
