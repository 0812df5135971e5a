//! A log that is being written, and what its records look like on the topic.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use catalog::{
    CatalogEvent, CategoryCreated, CategoryEvent, CategoryRenamed, PriceChanged, ProductCreated,
    ProductEvent, ProductRecategorised, StockEvent, StockReceived,
};
use kernel::{
    Actor, ChainHash, Epoch, EventDigest, EventId, EventMetadata, Keys, Lane, LogId, LoggedEvent, Money,
    NewEvent, Recorded, RowKey, Sequence, StreamName, StreamVersion, TenantId, Timestamp, View,
};
use uuid::Uuid;
use wire::Codec;

use super::Rows;
use super::registry::schema_id;

/// What goes to the topic.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) lane: Lane,
    pub(crate) key: String,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(&'static str, Bytes)>,
}

/// One log.
pub(crate) struct History {
    log: LogId,
    epoch: Epoch,
    chain: ChainHash,
    versions: HashMap<(TenantId, StreamName), u64>,
    codec: Codec<CatalogEvent>,
    pub(crate) events: Vec<Recorded<CatalogEvent>>,
    pub(crate) chains: Vec<ChainHash>,
    pub(crate) records: Vec<Record>,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

impl History {
    pub(crate) fn new(lane: u16) -> Self {
        Self {
            log: LogId::new("catalog", Lane::new(lane)),
            epoch: Epoch(Uuid::new_v4()),
            chain: ChainHash::GENESIS,
            versions: HashMap::new(),
            codec: Codec::new().unwrap(),
            events: Vec::new(),
            chains: Vec::new(),
            records: Vec::new(),
        }
    }

    pub(crate) fn lane(&self) -> Lane {
        self.log.lane
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn head(&self) -> Sequence {
        Sequence::new(self.events.len() as u64)
    }

    /// The chain up to the head.
    pub(crate) fn chain(&self) -> ChainHash {
        self.chain
    }

    /// The event is recorded; its record waits to be published.
    pub(crate) fn happen(&mut self, tenant: &TenantId, event: impl Into<CatalogEvent>) {
        let event = event.into();
        let (kind, id) = stream_of(&event);
        let stream = StreamName::of(kind, id);
        let version = self.versions.entry((tenant.clone(), stream.clone())).or_default();
        *version += 1;
        let encoded = self.codec.encode(&event).unwrap();
        let new = NewEvent {
            id: EventId(Uuid::new_v4()),
            event_type: encoded.event_type.into(),
            stream: stream.clone(),
            version: StreamVersion::new(*version),
            schema: encoded.schema,
            payload: encoded.payload,
            metadata: metadata(),
        };
        let sequence = self.head().next();
        let recorded_at = Timestamp::from_micros(1_790_000_000_000_000 + sequence.to_i64() * 1_001);
        self.chain = self.chain.extend(&EventDigest::of(tenant, &new), sequence, recorded_at);
        let logged = LoggedEvent {
            log: self.log.clone(),
            sequence,
            recorded_at,
            chain: self.chain,
            tenant: tenant.clone(),
            event: new,
        };
        self.chains.push(self.chain);
        self.records.push(record(&logged, &self.epoch));
        self.events.push(Recorded {
            id: logged.event.id,
            tenant: tenant.clone(),
            lane: self.log.lane,
            sequence,
            stream,
            version: logged.event.version,
            recorded_at,
            metadata: logged.event.metadata.clone(),
            event,
        });
    }

    /// A log with the same history up to a sequence, as a backup has it.
    pub(crate) fn up_to(&self, sequence: usize) -> Self {
        let mut versions = HashMap::new();
        for event in &self.events[..sequence] {
            *versions.entry((event.tenant.clone(), event.stream.clone())).or_default() += 1;
        }
        Self {
            log: self.log.clone(),
            epoch: self.epoch,
            chain: self.chains[sequence - 1],
            versions,
            codec: self.codec.clone(),
            chains: self.chains[..sequence].to_vec(),
            events: self.events[..sequence].to_vec(),
            records: self.records[..sequence].to_vec(),
        }
    }

    /// As a log is after it was restored from a backup.
    pub(crate) fn begin_new_epoch(&mut self) {
        self.epoch = Epoch(Uuid::new_v4());
    }
}

fn metadata() -> EventMetadata {
    EventMetadata {
        correlation_id: Uuid::new_v4(),
        causation_id: None,
        command_id: Uuid::new_v4(),
        actor: Actor::new("tester"),
        traceparent: Some(Arc::from("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
    }
}

fn record(logged: &LoggedEvent, epoch: &Epoch) -> Record {
    Record {
        lane: logged.log.lane,
        key: wire::record_key(&logged.tenant, &logged.event.stream),
        value: Some(wire::frame(schema_id(&logged.event.event_type), &logged.event.payload).to_vec()),
        headers: wire::headers::encode(logged, epoch),
    }
}

fn stream_of(event: &CatalogEvent) -> (&'static str, Uuid) {
    match event {
        CatalogEvent::Category(CategoryEvent::CategoryCreated(event)) => ("category", event.category_id),
        CatalogEvent::Category(CategoryEvent::CategoryRenamed(event)) => ("category", event.category_id),
        CatalogEvent::Product(ProductEvent::ProductCreated(event)) => ("product", event.product_id),
        CatalogEvent::Product(ProductEvent::ProductRecategorised(event)) => ("product", event.product_id),
        CatalogEvent::Product(ProductEvent::PriceChanged(event)) => ("product", event.product_id),
        CatalogEvent::Stock(StockEvent::StockReceived(event)) => ("stock", event.product_id),
        other => panic!("the tests do not tell of {other:?}"),
    }
}

pub(crate) fn category_created(id: u128, name: &str) -> CatalogEvent {
    let category_id = Uuid::from_u128(id);
    CategoryEvent::from(CategoryCreated { category_id, name: name.to_owned() }).into()
}

pub(crate) fn category_renamed(id: u128, name: &str) -> CatalogEvent {
    let category_id = Uuid::from_u128(id);
    CategoryEvent::from(CategoryRenamed { category_id, name: name.to_owned() }).into()
}

pub(crate) fn product_created(id: u128, category: u128, name: &str) -> CatalogEvent {
    ProductEvent::from(ProductCreated {
        product_id: Uuid::from_u128(id),
        sku: format!("sku-{id}"),
        name: name.to_owned(),
        description: "what it is".to_owned(),
        category_id: Uuid::from_u128(category),
        category_name: format!("category {category}"),
        price: euro(1),
        attributes: BTreeMap::new(),
    })
    .into()
}

pub(crate) fn price_changed(id: u128, amount: i64) -> CatalogEvent {
    let previous = euro(1);
    ProductEvent::from(PriceChanged {
        product_id: Uuid::from_u128(id),
        price: euro(amount),
        previous_price: previous,
    })
    .into()
}

fn recategorised(id: u128, from: u128, to: u128) -> CatalogEvent {
    ProductEvent::from(ProductRecategorised {
        product_id: Uuid::from_u128(id),
        category_id: Uuid::from_u128(to),
        category_name: format!("category {to}"),
        previous_category_id: Uuid::from_u128(from),
    })
    .into()
}

fn stock_received(id: u128, quantity: i64) -> CatalogEvent {
    let location = format!("hall {}", quantity % 3);
    StockEvent::from(StockReceived { product_id: Uuid::from_u128(id), location, quantity }).into()
}

fn euro(amount: i64) -> Money {
    Money { amount, currency: "EUR".parse().unwrap() }
}

/// Makes up what happens: legal, seeded, and with the same ids for every tenant.
pub(crate) struct Story {
    random: u64,
    tenants: Vec<(TenantId, Told)>,
}

#[derive(Default)]
struct Told {
    categories: Vec<u128>,
    products: Vec<(u128, u128)>,
}

impl Story {
    pub(crate) fn of(seed: u64, tenants: &[&str]) -> Self {
        let tenants = tenants.iter().map(|name| (tenant(name), Told::default())).collect();
        Self { random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, tenants }
    }

    pub(crate) fn go_on(&mut self, history: &mut History, events: usize) {
        for _ in 0..events {
            let at = self.below(self.tenants.len());
            let choice = self.below(100);
            let (pick, other) = (self.below(usize::MAX), self.below(usize::MAX));
            let (tenant, told) = &mut self.tenants[at];
            let event = told.next(choice, pick, other);
            history.happen(tenant, event);
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 11).unwrap() % bound
    }
}

impl Told {
    fn next(&mut self, choice: usize, pick: usize, other: usize) -> CatalogEvent {
        if self.categories.len() < 2 || (choice < 3 && self.categories.len() < 6) {
            let id = 1 + self.categories.len() as u128;
            self.categories.push(id);
            return category_created(id, &format!("category {id}"));
        }
        let category = self.categories[pick % self.categories.len()];
        if self.products.is_empty() || choice < 30 {
            let id = 100 + self.products.len() as u128;
            self.products.push((id, category));
            return product_created(id, category, &format!("product {id}"));
        }
        let product = other % self.products.len();
        let (id, current) = &mut self.products[product];
        match choice {
            30..45 => category_renamed(category, &format!("renamed {pick}")),
            45..60 if *current != category => {
                recategorised(*id, std::mem::replace(current, category), category)
            }
            45..75 => price_changed(*id, i64::try_from(pick % 1000).unwrap() + 1),
            _ => stock_received(*id, i64::try_from(pick % 50).unwrap() + 1),
        }
    }
}

/// The rows that the events fold to, one event at a time, with no batch and no store.
pub(crate) fn reference<V: View<Event = CatalogEvent>>(histories: &[&History]) -> Rows {
    type Stamped<Row> = (u64, Option<Row>);
    let mut rows: BTreeMap<(TenantId, RowKey), Stamped<V::Row>> = BTreeMap::new();
    for event in histories.iter().flat_map(|history| &history.events) {
        let keys = match V::keys(event) {
            Keys::None => Vec::new(),
            Keys::These(keys) => keys,
            Keys::Linked(link) => {
                let linked = |row: &V::Row| V::links(row).contains(&link);
                let is_linked = |row: &Option<V::Row>| row.as_ref().is_some_and(linked);
                let of =
                    rows.iter().filter(|((tenant, _), (_, row))| *tenant == event.tenant && is_linked(row));
                of.map(|((_, key), _)| key.clone()).collect()
            }
        };
        for key in keys {
            let row = rows.entry((event.tenant.clone(), key.clone())).or_insert((0, None));
            if row.0 < event.sequence.number() {
                *row = (event.sequence.number(), V::evolve(&key, row.1.take(), event).unwrap());
            }
        }
    }
    rows.into_iter()
        .filter_map(|((tenant, key), (stamp, row))| {
            let row = serde_json::to_value(row?).unwrap();
            Some(((tenant.as_str().to_owned(), key.as_str().to_owned()), (stamp, row)))
        })
        .collect()
}
