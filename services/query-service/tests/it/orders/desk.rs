//! What happens to tenants' orders, to the products in them and to who ordered them, told in events.

use std::collections::BTreeMap;

use accounts::views::UserNames;
use accounts::{Accounts, AccountsEvent, ProfileUpdated, User, UserEvent, UserRegistered};
use catalog::views::ProductNames;
use catalog::{Catalog, CatalogEvent, Product, ProductCreated, ProductDescribed, ProductEvent};
use kernel::{
    Actor, Context, Decider, EventId, EventMetadata, EventSet, Lane, Money, Recorded, Sequence, StreamName,
    StreamVersion, TenantId, Timestamp, View,
};
use orders::views::{CustomerHistory, OrderDetails, OrderList, Revenue};
use orders::{
    Order, OrderCancelled, OrderConfirmed, OrderEvent, OrderLine, OrderPlaced, OrderRejected, OrderShipped,
    Orders, OrdersEvent, Payment, PaymentAuthorised, PaymentCaptured, PaymentEvent, PaymentRefunded,
};
use read_store::{PostgresRows, RedisRows, ViewVersion, postgres_for_rows};
use sqlx::PgPool;
use test_servers::{TestDatabase, TestRedis};
use uuid::Uuid;

use crate::client::Client;
use crate::projection::Projection;
use crate::service::{self, Service};
use crate::shop::{LANE, OTHER_LANE, tenant};

pub(crate) const FIRST: Uuid = Uuid::from_u128(0xe1);
pub(crate) const SECOND: Uuid = Uuid::from_u128(0xe2);
pub(crate) const THIRD: Uuid = Uuid::from_u128(0xe3);
pub(crate) const ANN: Uuid = Uuid::from_u128(0xc1);
pub(crate) const BOB: Uuid = Uuid::from_u128(0xc2);
pub(crate) const CHAIR: Uuid = Uuid::from_u128(0xa1);
pub(crate) const TABLE: Uuid = Uuid::from_u128(0xa2);

const SHAPES: [(&str, &str); 2] = [
    ("order-list", include_str!("../../../../projector-postgres/src/tables/order-list.sql")),
    ("customer-history", include_str!("../../../../projector-postgres/src/tables/customer-history.sql")),
];

/// Logs of three contexts in two lanes, their rows in stores of the test's own, and a service over them.
pub(crate) struct Desk {
    pub(crate) database: TestDatabase,
    pub(crate) redis: TestRedis,
    pub(crate) service: Service,
    tenant: TenantId,
    now: Timestamp,
    lanes: BTreeMap<u16, LaneOfDesk>,
}

struct LaneOfDesk {
    orders: Vec<Recorded<OrdersEvent>>,
    catalog: Vec<Recorded<CatalogEvent>>,
    accounts: Vec<Recorded<AccountsEvent>>,
    users: Projection<UserNames, PostgresRows>,
    details: Projection<OrderDetails, PostgresRows>,
    details_in_redis: Projection<OrderDetails, RedisRows>,
    list: Projection<OrderList, PostgresRows>,
    history: Projection<CustomerHistory, PostgresRows>,
    revenue: Projection<Revenue, PostgresRows>,
    names: Projection<ProductNames, PostgresRows>,
    names_in_redis: Projection<ProductNames, RedisRows>,
}

fn postgres<C: Context, V: View>(pool: &PgPool) -> PostgresRows {
    let shape = SHAPES.iter().find(|(view, _)| *view == V::NAME).map_or("", |(_, shape)| shape);
    PostgresRows::new(pool.clone(), ViewVersion::of::<V>(C::NAME), shape)
}

fn redis_rows<C: Context, V: View>(redis: &TestRedis) -> RedisRows {
    RedisRows::new(&redis.url, &redis.prefix, ViewVersion::of::<V>(C::NAME)).unwrap()
}

impl LaneOfDesk {
    async fn begin(pool: &PgPool, redis: &TestRedis, number: u16) -> Self {
        let lane = Lane::new(number);
        Self {
            orders: Vec::new(),
            catalog: Vec::new(),
            accounts: Vec::new(),
            users: Projection::begin(postgres::<Accounts, UserNames>(pool), lane).await,
            details: Projection::begin(postgres::<Orders, OrderDetails>(pool), lane).await,
            details_in_redis: Projection::begin(redis_rows::<Orders, OrderDetails>(redis), lane).await,
            list: Projection::begin(postgres::<Orders, OrderList>(pool), lane).await,
            history: Projection::begin(postgres::<Orders, CustomerHistory>(pool), lane).await,
            revenue: Projection::begin(postgres::<Orders, Revenue>(pool), lane).await,
            names: Projection::begin(postgres::<Catalog, ProductNames>(pool), lane).await,
            names_in_redis: Projection::begin(redis_rows::<Catalog, ProductNames>(redis), lane).await,
        }
    }

    /// So many events of each log reach the views.
    async fn follow(&mut self, orders: usize, catalog: usize) {
        let orders = &self.orders[..orders.min(self.orders.len())];
        self.details.follow(orders).await;
        self.details_in_redis.follow(orders).await;
        self.list.follow(orders).await;
        self.history.follow(orders).await;
        self.revenue.follow(orders).await;
        let catalog = &self.catalog[..catalog.min(self.catalog.len())];
        self.names.follow(catalog).await;
        self.names_in_redis.follow(catalog).await;
    }
}

/// The next event of a log.
fn recorded<E: EventSet>(
    log: &[Recorded<E>],
    tenant: &TenantId,
    lane: u16,
    now: Timestamp,
    stream: StreamName,
    event: E,
) -> Recorded<E> {
    let earlier = log.iter().filter(|e| e.stream == stream && e.tenant == *tenant).count() as u64;
    let sequence = log.len() as u64 + 1;
    Recorded {
        id: EventId(Uuid::from_u128(u128::from(sequence))),
        tenant: tenant.clone(),
        lane: Lane::new(lane),
        sequence: Sequence::new(sequence),
        stream,
        version: StreamVersion::new(earlier + 1),
        recorded_at: now,
        metadata: EventMetadata::from_outside(Uuid::from_u128(u128::from(sequence)), Actor::new("tester")),
        event,
    }
}

impl Desk {
    /// Nothing has happened yet; what follows happens to the tenant `acme` on the first day.
    pub(crate) async fn open() -> Self {
        let (database, redis) = (TestDatabase::create().await, test_servers::redis());
        let pool = postgres_for_rows(database.url(), 4).unwrap();
        let mut lanes = BTreeMap::new();
        for number in [LANE, OTHER_LANE] {
            lanes.insert(number, LaneOfDesk::begin(&pool, &redis, number).await);
        }
        let service = service::start(service::config_of(database.url(), &redis)).await;
        Self { database, redis, service, tenant: tenant("acme"), now: time(1), lanes }
    }

    /// Somebody of this tenant who may read orders.
    pub(crate) fn client(&self, name: &str) -> Client {
        self.service.client_with(name, "orders:read")
    }

    /// What follows happens to this tenant.
    pub(crate) fn of(&mut self, name: &str) -> &mut Self {
        self.tenant = tenant(name);
        self
    }

    /// What follows happens on this day of November 2026, at noon.
    pub(crate) fn on(&mut self, day: i64) -> &mut Self {
        self.now = time(day);
        self
    }

    /// Everything that has happened so far reaches the views.
    pub(crate) async fn reaches_the_views(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.follow(usize::MAX, usize::MAX).await;
            lane.users.follow(&lane.accounts).await;
        }
    }

    /// Of the tenant's lane, so many events of orders and so many of the catalog reach the views.
    pub(crate) async fn reaches(&mut self, orders: usize, catalog: usize) {
        let lane = lane_of(&self.tenant);
        self.lanes.get_mut(&lane).unwrap().follow(orders, catalog).await;
    }

    /// The last event of the tenant's orders did not get into this, in any view of orders.
    pub(crate) async fn is_parked(&mut self, subject: &read_store::Subject) {
        let lane = self.lanes.get_mut(&lane_of(&self.tenant)).unwrap();
        lane.details.parks(subject.clone()).await;
        lane.details_in_redis.parks(subject.clone()).await;
        lane.list.parks(subject.clone()).await;
        lane.history.parks(subject.clone()).await;
        lane.revenue.parks(subject.clone()).await;
    }

    /// The last event of the tenant's catalog did not get into the names of this product.
    pub(crate) async fn names_are_parked(&mut self, subject: &read_store::Subject) {
        let lane = self.lanes.get_mut(&lane_of(&self.tenant)).unwrap();
        lane.names.parks(subject.clone()).await;
        lane.names_in_redis.parks(subject.clone()).await;
    }

    /// The token of the last event of the tenant's orders.
    pub(crate) fn token(&self) -> String {
        let lane = lane_of(&self.tenant);
        format!("orders/{lane}={}", self.lanes[&lane].orders.len())
    }

    /// The token of the last event of the tenant's catalog.
    pub(crate) fn catalog_token(&self) -> String {
        let lane = lane_of(&self.tenant);
        format!("catalog/{lane}={}", self.lanes[&lane].catalog.len())
    }

    /// The token of the last event of the tenant's accounts.
    pub(crate) fn accounts_token(&self) -> String {
        let lane = lane_of(&self.tenant);
        format!("accounts/{lane}={}", self.lanes[&lane].accounts.len())
    }

    fn user(&mut self, id: Uuid, event: impl Into<UserEvent>) -> &mut Self {
        let number = lane_of(&self.tenant);
        let log = &mut self.lanes.get_mut(&number).unwrap().accounts;
        let stream = StreamName::of(User::STREAM, id);
        let event = AccountsEvent::from(event.into());
        log.push(recorded(log, &self.tenant, number, self.now, stream, event));
        self
    }

    pub(crate) fn registers(&mut self, user_id: Uuid, name: &str) -> &mut Self {
        let email = format!("{user_id}@example.com");
        self.user(user_id, UserRegistered { user_id, email, name: name.into() })
    }

    pub(crate) fn renames_user(&mut self, user_id: Uuid, name: &str) -> &mut Self {
        self.user(user_id, ProfileUpdated { user_id, name: Some(name.into()), bio: None })
    }

    fn product(&mut self, id: Uuid, event: impl Into<ProductEvent>) -> &mut Self {
        let number = lane_of(&self.tenant);
        let log = &mut self.lanes.get_mut(&number).unwrap().catalog;
        let stream = StreamName::of(Product::STREAM, id);
        let event = CatalogEvent::from(event.into());
        log.push(recorded(log, &self.tenant, number, self.now, stream, event));
        self
    }

    fn happens(&mut self, kind: &'static str, id: Uuid, event: OrdersEvent) -> &mut Self {
        let number = lane_of(&self.tenant);
        let log = &mut self.lanes.get_mut(&number).unwrap().orders;
        log.push(recorded(log, &self.tenant, number, self.now, StreamName::of(kind, id), event));
        self
    }

    fn order(&mut self, id: Uuid, event: impl Into<OrderEvent>) -> &mut Self {
        self.happens(Order::STREAM, id, event.into().into())
    }

    fn payment(&mut self, id: Uuid, event: impl Into<PaymentEvent>) -> &mut Self {
        self.happens(Payment::STREAM, id, event.into().into())
    }

    pub(crate) fn creates_product(&mut self, product_id: Uuid, name: &str) -> &mut Self {
        self.product(
            product_id,
            ProductCreated {
                product_id,
                sku: name.to_uppercase(),
                name: name.into(),
                description: String::new(),
                category_id: Uuid::from_u128(1),
                category_name: "Furniture".into(),
                price: euro(1999),
                attributes: BTreeMap::new(),
            },
        )
    }

    pub(crate) fn renames_product(&mut self, product_id: Uuid, name: &str) -> &mut Self {
        let name = Some(name.into());
        self.product(product_id, ProductDescribed { product_id, name, description: None, attributes: None })
    }

    /// Two chairs and a table, each at this price.
    pub(crate) fn places(&mut self, order_id: Uuid, customer_id: Uuid, price: Money) -> &mut Self {
        let line = |product_id, quantity| OrderLine { product_id, quantity, unit_price: price };
        let items = vec![line(CHAIR, 2), line(TABLE, 1)];
        let total = Money::new(price.amount * 3, price.currency);
        let payment_method = "card-ok".into();
        self.order(order_id, OrderPlaced { order_id, customer_id, items, total, payment_method })
    }

    pub(crate) fn pays(&mut self, order_id: Uuid, customer_id: Uuid, amount: Money) -> &mut Self {
        let payment_id = payment_of(order_id);
        self.payment(payment_id, PaymentAuthorised { payment_id, order_id, customer_id, amount })
            .payment(payment_id, PaymentCaptured { payment_id, order_id, customer_id, amount })
    }

    pub(crate) fn refunds(&mut self, order_id: Uuid, customer_id: Uuid, amount: Money) -> &mut Self {
        let (payment_id, reason) = (payment_of(order_id), "scratched".into());
        self.payment(payment_id, PaymentRefunded { payment_id, order_id, customer_id, amount, reason })
    }

    pub(crate) fn confirms(&mut self, order_id: Uuid, customer_id: Uuid) -> &mut Self {
        self.order(order_id, OrderConfirmed { order_id, customer_id })
    }

    pub(crate) fn rejects(&mut self, order_id: Uuid, customer_id: Uuid) -> &mut Self {
        let reason = "insufficient-stock".into();
        self.order(order_id, OrderRejected { order_id, customer_id, reason })
    }

    pub(crate) fn cancels(&mut self, order_id: Uuid, customer_id: Uuid, reason: &str) -> &mut Self {
        let (reason, was_confirmed) = (reason.into(), false);
        self.order(order_id, OrderCancelled { order_id, customer_id, reason, was_confirmed })
    }

    pub(crate) fn ships(&mut self, order_id: Uuid, customer_id: Uuid) -> &mut Self {
        let (carrier, tracking_code) = (Some("Post".into()), None);
        self.order(order_id, OrderShipped { order_id, customer_id, carrier, tracking_code })
    }
}

pub(crate) fn payment_of(order: Uuid) -> Uuid {
    Uuid::from_u128(order.as_u128() | 0xf00)
}

pub(crate) fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

pub(crate) fn dollar(amount: i64) -> Money {
    Money::new(amount, "USD".parse().unwrap())
}

fn time(day: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-01T12:00:00Z".parse().unwrap();
    Timestamp::from_micros(noon.micros() + (day - 1) * 86_400_000_000)
}

fn lane_of(tenant: &TenantId) -> u16 {
    if tenant.as_str() == "faraway" { OTHER_LANE } else { LANE }
}

pub(crate) fn order(id: Uuid) -> String {
    format!("/v1/orders/{id}")
}

pub(crate) fn history(customer: Uuid) -> String {
    format!("/v1/orders/customers/{customer}/history")
}
