//! Events as JSON, for people to read.

use std::collections::HashMap;

use event_log::EventLog;
use kernel::{Context, ContextVisitor, EventEncoder, EventSet, LoggedEvent, SchemaFingerprint};
use serde::Serialize;
use serde_json::{Value, json};
use wire::{Codec, DecodeError};

/// Reads the events of every context that this build knows.
pub(crate) struct Decoders {
    log: EventLog,
    contexts: HashMap<&'static str, Box<dyn Decode>>,
}

trait Decode: Send + Sync {
    fn decode(&self, event_type: &str, schema: SchemaFingerprint, payload: &[u8])
    -> Result<Value, Undecoded>;
    fn learn(&self, schema: &str) -> Result<(), String>;
}

enum Undecoded {
    UnknownSchema,
    Other(String),
}

impl Decoders {
    pub(crate) fn new(log: EventLog) -> Self {
        let mut gather = Gather(HashMap::new());
        shipped_contexts::visit(&mut gather);
        Self { log, contexts: gather.0 }
    }

    /// Everything that the log says of an event. One that this build cannot read says why, beside its bytes.
    pub(crate) async fn json(&self, logged: &LoggedEvent) -> Value {
        let event = &logged.event;
        let metadata = &event.metadata;
        let mut json = json!({
            "log": logged.log.to_string(),
            "sequence": logged.sequence.number(),
            "recorded_at": logged.recorded_at.to_string(),
            "tenant": logged.tenant.as_str(),
            "stream": event.stream.as_str(),
            "version": event.version.number(),
            "type": event.event_type.as_ref(),
            "id": event.id.to_string(),
            "actor": metadata.actor.as_str(),
            "command_id": metadata.command_id,
            "correlation_id": metadata.correlation_id,
            "causation_id": metadata.causation_id,
        });
        match self.data(logged).await {
            Ok(data) => json["data"] = data,
            Err(reason) => {
                json["unreadable"] = reason.into();
                json["payload"] = hex(&event.payload).into();
            }
        }
        json
    }

    async fn data(&self, logged: &LoggedEvent) -> Result<Value, String> {
        let context = self.contexts.get(&*logged.log.context);
        let context = context.ok_or_else(|| format!("no context {} in this build", logged.log.context))?;
        let event = &logged.event;
        let decode = || context.decode(&event.event_type, event.schema, &event.payload);
        match decode() {
            Err(Undecoded::UnknownSchema) => {}
            known => return known.map_err(Undecoded::reason),
        }
        // Written by another release: its schema is kept beside the events.
        let schema = self.log.schema(event.schema).await.map_err(|error| error.to_string())?;
        context.learn(&schema.ok_or("its schema is not in the log")?)?;
        decode().map_err(Undecoded::reason)
    }
}

impl Undecoded {
    fn reason(self) -> String {
        match self {
            Self::UnknownSchema => "its schema is not known".to_owned(),
            Self::Other(reason) => reason,
        }
    }
}

struct Gather(HashMap<&'static str, Box<dyn Decode>>);

impl ContextVisitor for Gather {
    fn context<C: Context>(&mut self) {
        match Codec::<C::Event>::new() {
            Ok(codec) => drop(self.0.insert(C::NAME, Box::new(codec))),
            Err(error) => tracing::error!(context = C::NAME, %error, "the context's schemas do not parse"),
        }
    }
}

impl<E: EventSet> Decode for Codec<E> {
    fn decode(
        &self,
        event_type: &str,
        schema: SchemaFingerprint,
        payload: &[u8],
    ) -> Result<Value, Undecoded> {
        let event = Codec::decode(self, event_type, schema, payload).map_err(|error| match error {
            DecodeError::UnknownSchema(_) => Undecoded::UnknownSchema,
            other => Undecoded::Other(other.to_string()),
        })?;
        event.encode(ToJson).map_err(|error| Undecoded::Other(error.to_string()))
    }

    fn learn(&self, schema: &str) -> Result<(), String> {
        self.add_writer_schema(schema).map(drop).map_err(|error| error.to_string())
    }
}

struct ToJson;

impl EventEncoder for ToJson {
    type Output = Value;
    type Error = serde_json::Error;

    fn encode<T: Serialize>(self, _: &'static str, body: &T) -> Result<Value, serde_json::Error> {
        serde_json::to_value(body)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
