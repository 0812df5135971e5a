//! Which id the registry gave to the schema that an event was written with.

use std::collections::HashMap;
use std::sync::Arc;

use event_log::EventLog;
use kernel::{LoggedEvent, SchemaFingerprint};
use wire::RegistryClient;

use crate::error::Stop;

/// The schema ids of one topic. As many as there are versions of event types: it stays small.
pub(crate) struct Schemas {
    log: EventLog,
    registry: RegistryClient,
    topic: Arc<str>,
    ids: HashMap<SchemaFingerprint, u32>,
}

impl Schemas {
    pub(crate) fn new(log: EventLog, registry: RegistryClient, topic: Arc<str>) -> Self {
        Self { log, registry, topic, ids: HashMap::new() }
    }

    /// The id, where it is known already.
    pub(crate) fn known(&self, schema: SchemaFingerprint) -> Option<u32> {
        self.ids.get(&schema).copied()
    }

    /// Learns the id of the schema that `event` was written with, and has it registered if need be. The schema
    /// comes from the log: the relay knows no event type.
    pub(crate) async fn learn(&mut self, event: &LoggedEvent) -> Result<u32, Stop> {
        let schema = event.event.schema;
        let missing = || Stop::NoSchema { schema, sequence: event.sequence };
        let json = self.log.schema(schema).await?.ok_or_else(missing)?;
        let name = wire::record_name(&json).map_err(|error| Stop::Schema(error.to_string()))?;
        let id = self.registry.register(&wire::subject(&self.topic, &name), &json).await?;
        self.ids.insert(schema, id);
        Ok(id)
    }
}
