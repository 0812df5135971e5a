//! A log full of events that nobody has published.

use anyhow::Context;
use bytes::Bytes;
use catalog::{CatalogEvent, ProductCreated};
use event_log::{Append, Beside, EventLog, Guard};
use kernel::{
    Actor, EventId, EventMetadata, LogId, Money, NewEvent, Sequence, StreamName, StreamVersion, TenantId,
};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::{Codec, Encoded};

/// The context of the events.
pub(crate) const CONTEXT: &str = "catalog";

/// Events of one append, and appends at once: enough to fill a log soon.
const EVENTS_EACH: u64 = 100;
const AT_ONCE: usize = 64;

/// How many different records the bare producer goes round.
const RECORDS: usize = 10_000;

/// A record as it goes to Kafka.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) key: String,
    pub(crate) value: Bytes,
    pub(crate) headers: Vec<(&'static str, Bytes)>,
    pub(crate) timestamp_ms: i64,
}

impl Ready {
    /// Bytes of key, value and headers.
    pub(crate) fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        self.key.len() + self.value.len() + headers.sum::<usize>()
    }
}

/// Makes appends like those of `create-product`.
#[derive(Clone)]
pub(crate) struct Appends(Codec<CatalogEvent>);

impl Appends {
    /// Whose schemas the log keeps.
    pub(crate) async fn known_to(log: &EventLog) -> anyhow::Result<Self> {
        let codec = Codec::<CatalogEvent>::new()?;
        let schemas: Vec<_> =
            codec.schemas().map(|known| (known.fingerprint, known.event_type, known.json)).collect();
        log.register_schemas(&schemas).await?;
        Ok(Self(codec))
    }

    /// One of one event, which begins a stream.
    pub(crate) fn one(&self, number: u64) -> anyhow::Result<Append> {
        append(&self.0, number, 1)
    }
}

/// Appends this many events of one tenant, as `create-product` would record them.
pub(crate) async fn fill(log: &EventLog, tenant: &TenantId, events: u64) -> anyhow::Result<()> {
    let appends = Appends::known_to(log).await?;
    let mut running = JoinSet::new();
    let mut made = 0;
    while made < events {
        let count = EVENTS_EACH.min(events - made);
        let append = append(&appends.0, made, count)?;
        made += count;
        let (log, tenant) = (log.clone(), tenant.clone());
        running.spawn(async move { log.append(CONTEXT, &tenant, append).await });
        if running.len() >= AT_ONCE {
            running.join_next().await.context("an append")???;
        }
    }
    while let Some(appended) = running.join_next().await {
        appended??;
    }
    Ok(())
}

fn append(codec: &Codec<CatalogEvent>, first: u64, count: u64) -> anyhow::Result<Append> {
    let stream = StreamName::of("product", Uuid::now_v7());
    let mut events = Vec::with_capacity(usize::try_from(count)?);
    for version in 1..=count {
        let Encoded { event_type, schema, payload } = codec.encode(&product(first + version)?)?;
        events.push(NewEvent {
            id: EventId(Uuid::now_v7()),
            event_type: event_type.into(),
            stream: stream.clone(),
            version: StreamVersion::new(version),
            schema,
            payload,
            metadata: EventMetadata {
                correlation_id: Uuid::now_v7(),
                causation_id: None,
                command_id: Uuid::now_v7(),
                actor: Actor::new("bench"),
                traceparent: None,
            },
        });
    }
    let guards = vec![Guard { stream: stream.clone(), version: StreamVersion::ZERO }];
    Ok(Append { stream, guards, events, claims: Vec::new(), once: None, beside: Beside::nothing() })
}

fn product(number: u64) -> anyhow::Result<CatalogEvent> {
    let event = ProductCreated {
        product_id: Uuid::now_v7(),
        sku: format!("SKU-{number:09}"),
        name: format!("Bench product {number}"),
        description: String::new(),
        category_id: Uuid::from_u128(7),
        category_name: "Bench".to_owned(),
        price: Money::new(1999, "EUR".parse()?),
        attributes: std::collections::BTreeMap::default(),
    };
    Ok(CatalogEvent::from(catalog::ProductEvent::from(event)))
}

/// The first records of the log, as the relay sends them.
pub(crate) async fn records(log: &EventLog, log_id: &LogId) -> anyhow::Result<Vec<Ready>> {
    let epoch = log.head(log_id).await?.epoch;
    let mut records = Vec::new();
    while records.len() < RECORDS {
        let page = log.read_log(log_id, Sequence::new(u64::try_from(records.len())?), RECORDS).await?;
        if page.is_empty() {
            break;
        }
        records.extend(page.iter().map(|logged| Ready {
            key: wire::record_key(&logged.tenant, &logged.event.stream),
            value: wire::frame(1, &logged.event.payload),
            headers: wire::headers::encode(logged, &epoch),
            timestamp_ms: logged.recorded_at.micros() / 1000,
        }));
    }
    Ok(records)
}
