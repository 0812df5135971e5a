//! What happens in tenants' shops, told in events.

use std::collections::BTreeMap;

use catalog::views::{Categories, ProductDetails, ProductSearch, StockByProduct};
use catalog::{
    Catalog, CatalogEvent, Category, CategoryCreated, CategoryEvent, CategoryRenamed, PriceChanged, Product,
    ProductCreated, ProductDiscontinued, ProductEvent, Stock, StockEvent, StockPart, StockReceived,
    StockReleased, StockReserved,
};
use kernel::{
    Actor, Context, Decider, EventId, EventMetadata, Lane, Money, Recorded, Sequence, StreamName,
    StreamVersion, TenantId, Timestamp, View,
};
use read_store::{PostgresRows, RedisRows, Subject, ViewVersion, postgres_for_rows};
use sqlx::PgPool;
use test_servers::{TestDatabase, TestRedis};
use uuid::Uuid;

use crate::projection::Projection;

/// The lane that the tenants of most tests share, so that only their names keep them apart.
pub(crate) const LANE: u16 = 3;
/// The lane of the tenant `faraway`.
pub(crate) const OTHER_LANE: u16 = 5;

pub(crate) const FURNITURE: Uuid = Uuid::from_u128(0xc1);
pub(crate) const GARDEN: Uuid = Uuid::from_u128(0xc2);
pub(crate) const CHAIR: Uuid = Uuid::from_u128(0xa1);
pub(crate) const TABLE: Uuid = Uuid::from_u128(0xa2);
pub(crate) const ORDER: Uuid = Uuid::from_u128(0xe1);

/// The tables' shapes, as the projector gives them.
const SHAPES: [(&str, &str); 4] = [
    ("product-details", include_str!("../../../projector-postgres/src/tables/product-details.sql")),
    ("product-search", include_str!("../../../projector-postgres/src/tables/product-search.sql")),
    ("categories", include_str!("../../../projector-postgres/src/tables/categories.sql")),
    ("stock", include_str!("../../../projector-postgres/src/tables/stock.sql")),
];

/// Logs of two lanes, and their rows in a Postgres database and under a Redis prefix of the test's own.
pub(crate) struct Shop {
    pub(crate) database: TestDatabase,
    pub(crate) redis: TestRedis,
    tenant: TenantId,
    lanes: BTreeMap<u16, LaneOfShop>,
}

struct LaneOfShop {
    log: Vec<Recorded<CatalogEvent>>,
    details: Projection<ProductDetails, PostgresRows>,
    details_in_redis: Projection<ProductDetails, RedisRows>,
    search: Projection<ProductSearch, PostgresRows>,
    categories: Projection<Categories, PostgresRows>,
    stock: Projection<StockByProduct, PostgresRows>,
}

fn postgres<V: View>(pool: &PgPool) -> PostgresRows {
    let (_, shape) = SHAPES.iter().find(|(view, _)| *view == V::NAME).unwrap();
    PostgresRows::new(pool.clone(), ViewVersion::of::<V>(Catalog::NAME), shape)
}

impl LaneOfShop {
    async fn begin(pool: &PgPool, redis: &TestRedis, number: u16) -> Self {
        let lane = Lane::new(number);
        let in_redis = ViewVersion::of::<ProductDetails>(Catalog::NAME);
        let in_redis = RedisRows::new(&redis.url, &redis.prefix, in_redis).unwrap();
        Self {
            log: Vec::new(),
            details: Projection::begin(postgres::<ProductDetails>(pool), lane).await,
            details_in_redis: Projection::begin(in_redis, lane).await,
            search: Projection::begin(postgres::<ProductSearch>(pool), lane).await,
            categories: Projection::begin(postgres::<Categories>(pool), lane).await,
            stock: Projection::begin(postgres::<StockByProduct>(pool), lane).await,
        }
    }
}

impl Shop {
    /// Nothing has happened yet; what follows happens to the tenant `acme`.
    pub(crate) async fn open() -> Self {
        let (database, redis) = (TestDatabase::create().await, test_servers::redis());
        let pool = postgres_for_rows(database.url(), 4).unwrap();
        let mut lanes = BTreeMap::new();
        for number in [LANE, OTHER_LANE] {
            lanes.insert(number, LaneOfShop::begin(&pool, &redis, number).await);
        }
        Self { database, redis, tenant: tenant("acme"), lanes }
    }

    /// What follows happens to this tenant.
    pub(crate) fn of(&mut self, name: &str) -> &mut Self {
        self.tenant = tenant(name);
        self
    }

    /// Everything that has happened so far reaches both stores.
    pub(crate) async fn reaches_the_views(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.details.follow(&lane.log).await;
            lane.details_in_redis.follow(&lane.log).await;
            lane.search.follow(&lane.log).await;
            lane.categories.follow(&lane.log).await;
            lane.stock.follow(&lane.log).await;
        }
    }

    /// Everything reaches Postgres, and Redis hears of nothing.
    pub(crate) async fn reaches_postgres(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.details.follow(&lane.log).await;
            lane.search.follow(&lane.log).await;
            lane.categories.follow(&lane.log).await;
            lane.stock.follow(&lane.log).await;
        }
    }

    /// The last event of the tenant's lane did not get into this, in any view.
    pub(crate) async fn is_parked(&mut self, subject: &Subject) {
        let lane = self.lanes.get_mut(&lane_of(&self.tenant)).unwrap();
        lane.details.parks(subject.clone()).await;
        lane.details_in_redis.parks(subject.clone()).await;
        lane.search.parks(subject.clone()).await;
        lane.categories.parks(subject.clone()).await;
        lane.stock.parks(subject.clone()).await;
    }

    /// The token of the last event of the tenant's lane.
    pub(crate) fn token(&self) -> String {
        let lane = lane_of(&self.tenant);
        format!("catalog/{lane}={}", self.lanes[&lane].log.len())
    }

    fn happens(&mut self, kind: &'static str, id: Uuid, event: impl Into<CatalogEvent>) -> &mut Self {
        let number = lane_of(&self.tenant);
        let log = &mut self.lanes.get_mut(&number).unwrap().log;
        let stream = StreamName::of(kind, id);
        let earlier = log.iter().filter(|e| e.stream == stream && e.tenant == self.tenant).count() as u64;
        let sequence = log.len() as u64 + 1;
        log.push(Recorded {
            id: EventId(Uuid::from_u128(u128::from(sequence))),
            tenant: self.tenant.clone(),
            lane: Lane::new(number),
            sequence: Sequence::new(sequence),
            stream,
            version: StreamVersion::new(earlier + 1),
            recorded_at: Timestamp::from_micros(1_790_000_000_000_000 + i64::try_from(sequence).unwrap()),
            metadata: EventMetadata::from_outside(Uuid::from_u128(1), Actor::new("tester")),
            event: event.into(),
        });
        self
    }

    fn category(&mut self, id: Uuid, event: impl Into<CategoryEvent>) -> &mut Self {
        self.happens(Category::STREAM, id, event.into())
    }

    fn product(&mut self, id: Uuid, event: impl Into<ProductEvent>) -> &mut Self {
        self.happens(Product::STREAM, id, event.into())
    }

    fn stock(&mut self, id: Uuid, event: impl Into<StockEvent>) -> &mut Self {
        self.happens(Stock::STREAM, id, event.into())
    }

    pub(crate) fn creates_category(&mut self, category_id: Uuid, name: &str) -> &mut Self {
        self.category(category_id, CategoryCreated { category_id, name: name.into() })
    }

    pub(crate) fn renames_category(&mut self, category_id: Uuid, name: &str) -> &mut Self {
        self.category(category_id, CategoryRenamed { category_id, name: name.into() })
    }

    pub(crate) fn creates_product(&mut self, id: Uuid, name: &str, amount: i64) -> &mut Self {
        self.creates_described(id, name, "", FURNITURE, amount)
    }

    pub(crate) fn creates_described(
        &mut self,
        product_id: Uuid,
        name: &str,
        description: &str,
        category_id: Uuid,
        amount: i64,
    ) -> &mut Self {
        let category_name = if category_id == GARDEN { "Garden" } else { "Furniture" };
        if !self.has_category(category_id) {
            self.creates_category(category_id, category_name);
        }
        self.product(
            product_id,
            ProductCreated {
                product_id,
                sku: format!("{}/{}", name.to_uppercase(), product_id.as_u128()),
                name: name.into(),
                description: description.into(),
                category_id,
                category_name: category_name.into(),
                price: euro(amount),
                attributes: BTreeMap::from([("colour".into(), "brown".into())]),
            },
        )
    }

    fn has_category(&self, id: Uuid) -> bool {
        let stream = StreamName::of(Category::STREAM, id);
        let log = &self.lanes[&lane_of(&self.tenant)].log;
        log.iter().any(|event| event.tenant == self.tenant && event.stream == stream)
    }

    pub(crate) fn changes_price(&mut self, product_id: Uuid, amount: i64) -> &mut Self {
        self.product(product_id, PriceChanged { product_id, price: euro(amount), previous_price: euro(1) })
    }

    pub(crate) fn discontinues(&mut self, product_id: Uuid) -> &mut Self {
        let reason = "moths".into();
        self.product(product_id, ProductDiscontinued { product_id, category_id: FURNITURE, reason })
    }

    pub(crate) fn receives(&mut self, product_id: Uuid, location: &str, quantity: i64) -> &mut Self {
        self.stock(product_id, StockReceived { product_id, location: location.into(), quantity })
    }

    pub(crate) fn reserves(
        &mut self,
        product_id: Uuid,
        reservation_id: Uuid,
        parts: &[(&str, i64)],
    ) -> &mut Self {
        self.stock(product_id, StockReserved { product_id, reservation_id, parts: stock_parts(parts) })
    }

    pub(crate) fn releases(
        &mut self,
        product_id: Uuid,
        reservation_id: Uuid,
        parts: &[(&str, i64)],
    ) -> &mut Self {
        self.stock(product_id, StockReleased { product_id, reservation_id, parts: stock_parts(parts) })
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn lane_of(tenant: &TenantId) -> u16 {
    if tenant.as_str() == "faraway" { OTHER_LANE } else { LANE }
}

fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn stock_parts(parts: &[(&str, i64)]) -> Vec<StockPart> {
    parts
        .iter()
        .map(|(location, quantity)| StockPart { location: (*location).into(), quantity: *quantity })
        .collect()
}
