//! A topic full of a shop's history: products that are created, stocked, priced and described, in no order to speak of.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use catalog::{
    CatalogEvent, PriceChanged, ProductCreated, ProductDescribed, ProductEvent, StockEvent, StockReceived,
    StockReserved,
};
use kernel::{
    Actor, ChainHash, Epoch, EventDigest, EventId, EventMetadata, Lane, LogId, LoggedEvent, Money, NewEvent,
    Sequence, StreamName, StreamVersion, TenantId, Timestamp,
};
use messaging::{Connection, OutgoingRecord, Producer, ProducerOptions, TopicSpec, Topics};
use uuid::Uuid;
use wire::{Codec, RegistryClient};

use crate::backlog::CONTEXT;

/// Lanes of the topic, whether they are in use or not.
pub(crate) const LANES: u16 = 12;
/// Events of each product.
pub(crate) const EVENTS_EACH: u64 = 10;

/// How large a shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shop {
    /// Events altogether.
    pub(crate) events: u64,
    /// Lanes that have any, with a tenant each.
    pub(crate) lanes: u16,
}

impl Shop {
    /// Events of one lane.
    pub(crate) fn of_each(self) -> u64 {
        self.events / u64::from(self.lanes) / EVENTS_EACH * EVENTS_EACH
    }

    pub(crate) fn tenant(lane: u16) -> anyhow::Result<TenantId> {
        Ok(TenantId::new(format!("shop-{lane}"))?)
    }

    /// Makes the topic and publishes everything. Answers the mean size of a record.
    pub(crate) async fn publish(
        self,
        connection: &Connection,
        topics: &Topics,
        registry: &str,
    ) -> anyhow::Result<u64> {
        let topic = wire::topic("twofold", CONTEXT);
        let made = TopicSpec {
            name: topic.clone(),
            partitions: i32::from(LANES),
            replication: 1,
            config: vec![("retention.ms".to_owned(), "-1".to_owned())],
        };
        topics.ensure(&made).await?;
        let codec = Codec::<CatalogEvent>::new()?;
        let registry = RegistryClient::new(registry)?;
        let mut schemas = HashMap::new();
        for known in codec.schemas() {
            let subject = wire::subject(&topic, &wire::record_name(known.json)?);
            schemas.insert(known.event_type, registry.register(&subject, known.json).await?);
        }
        let producer = Producer::start(connection, &ProducerOptions::default())?;
        let mut bytes = 0;
        for lane in 0..self.lanes {
            let mut writer = producer.writer(topic.as_str(), i32::from(lane));
            let mut history = History::of(lane, &codec, self.of_each())?;
            while let Some(logged) = history.next()? {
                let id = schemas.get(&*logged.event.event_type).context("an event without a schema")?;
                let key = wire::record_key(&logged.tenant, &logged.event.stream);
                let value = wire::frame(*id, &logged.event.payload);
                let headers = wire::headers::encode(&logged, &history.epoch);
                let sizes = headers.iter().map(|(name, value)| name.len() + value.len());
                bytes += (key.len() + value.len() + sizes.sum::<usize>()) as u64;
                let record = OutgoingRecord {
                    key: Some(key.as_bytes()),
                    value: Some(&value),
                    headers: &headers,
                    timestamp_ms: Some(logged.recorded_at.micros() / 1000),
                };
                writer.send_when_room(&record).await?;
            }
            while writer.delivered().through < writer.sent() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        producer.close().await;
        Ok(bytes / (self.of_each() * u64::from(self.lanes)).max(1))
    }
}

/// One lane's.
struct History<'a> {
    codec: &'a Codec<CatalogEvent>,
    log: LogId,
    tenant: TenantId,
    epoch: Epoch,
    chain: ChainHash,
    products: u64,
    sequence: Sequence,
    end: u64,
    actor: Actor,
}

impl<'a> History<'a> {
    fn of(lane: u16, codec: &'a Codec<CatalogEvent>, events: u64) -> anyhow::Result<Self> {
        Ok(Self {
            codec,
            log: LogId::new(CONTEXT, Lane::new(lane)),
            tenant: Shop::tenant(lane)?,
            epoch: Epoch(Uuid::new_v4()),
            chain: ChainHash::GENESIS,
            products: events / EVENTS_EACH,
            sequence: Sequence::ZERO,
            end: events,
            actor: Actor::new("0197e4c1-1111-7000-8000-000000000001"),
        })
    }

    fn next(&mut self) -> anyhow::Result<Option<LoggedEvent>> {
        let number = self.sequence.number();
        if number == self.end {
            return Ok(None);
        }
        let (round, place) = (number / self.products, number % self.products);
        // Everything about a product is far apart from the rest about it, in another order each time.
        let stride = [1, 7_919, 104_729, 1_299_709][usize::try_from(round % 4)?];
        let number = (place * stride + round) % self.products;
        let (kind, event) = event(round, number)?;
        let encoded = self.codec.encode(&event)?;
        let metadata = EventMetadata {
            correlation_id: Uuid::now_v7(),
            causation_id: None,
            command_id: Uuid::now_v7(),
            actor: self.actor.clone(),
            traceparent: Some(Arc::from("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
        };
        let event = NewEvent {
            id: EventId(Uuid::now_v7()),
            event_type: encoded.event_type.into(),
            stream: StreamName::of(kind, product(number)),
            version: StreamVersion::new(round + 1),
            schema: encoded.schema,
            payload: encoded.payload,
            metadata,
        };
        self.sequence = self.sequence.next();
        let recorded_at = Timestamp::from_micros(1_790_000_000_000_000 + self.sequence.to_i64() * 1_001);
        self.chain = self.chain.extend(&EventDigest::of(&self.tenant, &event), self.sequence, recorded_at);
        Ok(Some(LoggedEvent {
            log: self.log.clone(),
            sequence: self.sequence,
            recorded_at,
            chain: self.chain,
            tenant: self.tenant.clone(),
            event,
        }))
    }
}

/// As version 7 makes them: in the order of their making, and otherwise random.
fn product(number: u64) -> Uuid {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    let made = 0x0197_e4c1_0000 + number / 10;
    Uuid::from_u128(
        u128::from(made) << 80 | 0x7000 << 64 | 0x8000 << 48 | u128::from(random & 0x3fff_ffff_ffff_ffff),
    )
}

fn event(round: u64, number: u64) -> anyhow::Result<(&'static str, CatalogEvent)> {
    let product_id = product(number);
    let euro = |amount: u64| anyhow::Ok(Money::new(i64::try_from(amount)?, "EUR".parse()?));
    let quantity = i64::try_from(1 + number % 50)?;
    let of_product = |event: ProductEvent| ("product", CatalogEvent::from(event));
    let of_stock = |event: StockEvent| ("stock", CatalogEvent::from(event));
    Ok(match round {
        0 => of_product(ProductEvent::from(ProductCreated {
            product_id,
            sku: format!("SKU-{number:09}"),
            name: format!("A thing of the kind {}, number {number}", number % 97),
            description: "What a description says of a thing in a sentence or two, as shops have them."
                .to_owned(),
            category_id: Uuid::from_u128(1 + u128::from(number % 50)),
            category_name: format!("Category {}", number % 50),
            price: euro(100 + number % 10_000)?,
            attributes: BTreeMap::from([("colour".to_owned(), "green".to_owned())]),
        })),
        1 | 4 | 7 => of_stock(StockEvent::from(StockReceived {
            product_id,
            location: format!("hall-{}", round % 3),
            quantity: 100 + quantity,
        })),
        2 | 5 | 8 => of_product(ProductEvent::from(PriceChanged {
            product_id,
            price: euro(100 + number % 10_000 + round)?,
            previous_price: euro(100 + number % 10_000)?,
        })),
        6 => of_product(ProductEvent::from(ProductDescribed {
            product_id,
            name: None,
            description: Some("Another description, a little shorter.".to_owned()),
            attributes: None,
        })),
        _ => of_stock(StockEvent::from(StockReserved {
            reservation_id: Uuid::from_u128(u128::from(number * 16 + round)),
            product_id,
            parts: vec![catalog::StockPart { location: "hall-1".to_owned(), quantity: 1 }],
        })),
    })
}
