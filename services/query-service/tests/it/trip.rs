//! Two tenants' trips: commands sent to a real command-service, what they recorded folded into real stores, and a
//! query-service that answers of it.

use std::time::Duration;

use catalog::views::{ProductDetails, ProductNames, StockByProduct};
use catalog::{Catalog, CatalogEvent};
use command_service::{CommandService, OnceConfig};
use event_log::{EventLog, Options};
use http_api::{AuthConfig, Claims, auth::generate_secret, mint};
use kernel::{Context, EventSet, Lane, LogId, Recorded, Sequence, View};
use orders::views::OrderDetails;
use orders::{Orders, OrdersEvent};
use read_store::{PostgresRows, RedisRows, RowStore, ViewVersion, postgres_for_rows};
use serde_json::{Value, json};
use service_runtime::CancellationToken;
use service_runtime::config::{
    LanesConfig, ListenConfig, LogDatabaseConfig, LogServiceConfig, SecretString, TelemetryConfig,
    TrustConfig,
};
use test_servers::{TestDatabase, TestRedis};
use travel::views::{Bookings, Budgets, Expenses, Groups, Itinerary, Rooms};
use travel::{Travel, TravelEvent};
use uuid::Uuid;
use wire::Codec;

use crate::client::{Client, SOON};
use crate::projection::Projection;
use crate::service::{self, Service};
use crate::shop::tenant;

pub(crate) const GROUP: Uuid = Uuid::from_u128(0x61);
pub(crate) const ANN: Uuid = Uuid::from_u128(0xa1);
pub(crate) const BOB: Uuid = Uuid::from_u128(0xb1);
pub(crate) const DINNER: Uuid = Uuid::from_u128(0xe1);
pub(crate) const MUSEUM: Uuid = Uuid::from_u128(0x71);
pub(crate) const HOTEL: Uuid = Uuid::from_u128(0x41);
pub(crate) const STAY: Uuid = Uuid::from_u128(0xb0);

/// What a group has and where it stays.
pub(crate) struct Journey {
    pub(crate) group: Uuid,
    dinner: Uuid,
    taxi: Uuid,
    museum: Uuid,
    pub(crate) hotel: Uuid,
    pub(crate) stay: Uuid,
}

/// The one that most tests tell of.
pub(crate) const JOURNEY: Journey = Journey {
    group: GROUP,
    dinner: DINNER,
    taxi: Uuid::from_u128(0xe2),
    museum: MUSEUM,
    hotel: HOTEL,
    stay: STAY,
};

/// Another one of the same people.
pub(crate) const ANOTHER: Journey = Journey {
    group: Uuid::from_u128(0x62),
    dinner: Uuid::from_u128(0xe3),
    taxi: Uuid::from_u128(0xe4),
    museum: Uuid::from_u128(0x72),
    hotel: Uuid::from_u128(0x42),
    stay: Uuid::from_u128(0xb9),
};

/// The tables' shapes, as the projector gives them.
const SHAPES: [(&str, &str); 4] = [
    ("travel-groups", include_str!("../../../projector-postgres/src/tables/travel-groups.sql")),
    ("travel-expenses", include_str!("../../../projector-postgres/src/tables/travel-expenses.sql")),
    ("stock", include_str!("../../../projector-postgres/src/tables/stock.sql")),
    ("travel-itinerary", include_str!("../../../projector-postgres/src/tables/travel-itinerary.sql")),
];

/// A log, its rows, and the services on either side.
pub(crate) struct Trip {
    databases: [TestDatabase; 2],
    redis: TestRedis,
    log: EventLog,
    commands: String,
    secret: SecretString,
    stop: CancellationToken,
    pub(crate) service: Service,
    /// The tenants, of one lane: only their names keep them apart.
    pub(crate) acme: String,
    pub(crate) rival: String,
    lane: Lane,
    rows: Kept,
}

struct Kept {
    groups: Projection<Groups, PostgresRows>,
    groups_in_redis: Projection<Groups, RedisRows>,
    expenses: Projection<Expenses, PostgresRows>,
    itinerary: Projection<Itinerary, PostgresRows>,
    budgets: Projection<Budgets, PostgresRows>,
    bookings: Projection<Bookings, PostgresRows>,
    bookings_in_redis: Projection<Bookings, RedisRows>,
    rooms: Projection<Rooms, PostgresRows>,
    products: Projection<ProductDetails, PostgresRows>,
    products_in_redis: Projection<ProductDetails, RedisRows>,
    stock: Projection<StockByProduct, PostgresRows>,
    names: Projection<ProductNames, PostgresRows>,
    names_in_redis: Projection<ProductNames, RedisRows>,
    orders: Projection<OrderDetails, PostgresRows>,
    orders_in_redis: Projection<OrderDetails, RedisRows>,
}

impl Trip {
    /// Nothing has happened yet.
    pub(crate) async fn begin() -> Self {
        let databases = [TestDatabase::create().await, TestDatabase::create().await];
        let (redis, secret, stop) = (test_servers::redis(), generate_secret(), CancellationToken::new());
        let config = command_service::Config {
            listen: ListenConfig::at(([127, 0, 0, 1], 0).into()),
            log: LogDatabaseConfig { url: databases[0].url().into(), pool_max: 4 },
            lanes: LanesConfig::default(),
            auth: AuthConfig::with_secret(secret.clone()),
            rates: http_api::RateConfig::default(),
            audit: command_service::AuditConfig::default(),
            once: OnceConfig::default(),
            sign_in: command_service::SignInConfig::default(),
            views: service_runtime::config::ChangedViewsConfig::default(),
            warm_mib: 8,
            trust: TrustConfig::default(),
            telemetry: TelemetryConfig::default(),
        };
        let commands = CommandService::build(config).await.unwrap();
        let url = format!("http://{}", commands.address());
        tokio::spawn(commands.run(stop.clone()));
        let mut config = service::config_of(databases[1].url(), &redis);
        config.auth = AuthConfig::with_secret(secret.clone());
        config.log_service = LogServiceConfig { url: url.clone() };
        let service = service::start(config).await;
        let lane = Lane::for_new_tenant(&tenant("acme"), LanesConfig::default().lanes);
        let mut names = (0..).map(|number| format!("globex-{number}"));
        let rival =
            names.find(|name| Lane::for_new_tenant(&tenant(name), LanesConfig::default().lanes) == lane);
        let log = EventLog::new(databases[0].pool().await, Options::default());
        let rows = Kept::begin(databases[1].url(), &redis, lane).await;
        let (acme, rival) = ("acme".to_owned(), rival.unwrap());
        let trip =
            Self { databases, redis, log, commands: url, secret, stop, service, acme, rival, lane, rows };
        trip.until_ready().await;
        trip
    }

    async fn until_ready(&self) {
        let ready = async {
            while reqwest::get(format!("{}/readyz", self.commands))
                .await
                .is_ok_and(|answer| answer.status() != 200)
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, ready).await.unwrap();
    }

    /// Somebody of this tenant, with these rights.
    pub(crate) fn client(&self, tenant: &str, user: &str, scope: &str) -> Client {
        Client::new(self.service.address, Some(self.token(tenant, user, scope)))
    }

    /// Ann, who may read.
    pub(crate) fn ann_of(&self, tenant: &str) -> Client {
        self.client(tenant, &ANN.to_string(), "travel:read catalog:read")
    }

    fn token(&self, name: &str, user: &str, scope: &str) -> String {
        mint(&self.secret, &Claims::new(&tenant(name), user, scope, Duration::from_secs(600))).unwrap()
    }

    /// A command that is carried out; its place in the log.
    pub(crate) async fn does(&self, tenant: &str, command: &str, body: Value) -> String {
        let token = self.token(tenant, "an agent", "travel:write catalog:write orders:write orders:fulfil");
        let request =
            reqwest::Client::new().post(format!("{}/v1/{command}", self.commands)).bearer_auth(token);
        let answer = request.json(&body).send().await.unwrap();
        let place = answer.headers().get("twofold-sequence").map(|place| place.to_str().unwrap().to_owned());
        place.unwrap_or_else(|| panic!("{command} was answered {}", answer.status()))
    }

    /// A group of Ann and Bob, in July.
    pub(crate) async fn sets_out(&self, tenant: &str, name: &str) -> String {
        self.group_sets_out(tenant, GROUP, name).await
    }

    async fn group_sets_out(&self, tenant: &str, group: Uuid, name: &str) -> String {
        let window = json!({"from": "2126-07-01", "to": "2126-07-10"});
        let body = json!({"group_id": group, "name": name, "currency": "EUR", "trip_window": window});
        self.does(tenant, "travel/create-group", body).await;
        self.does(tenant, "travel/add-group-member", json!({"group_id": group, "user_id": ANN})).await;
        self.does(tenant, "travel/add-group-member", json!({"group_id": group, "user_id": BOB})).await
    }

    /// Everything that two people do on a trip, once; what is written down bears the label.
    pub(crate) async fn travels(&self, tenant: &str, label: &str, amount: i64) {
        self.goes_on(&JOURNEY, tenant, label, amount).await;
    }

    /// The same on any journey.
    pub(crate) async fn goes_on(&self, journey: &Journey, tenant: &str, label: &str, amount: i64) {
        let Journey { group, dinner, taxi, museum, hotel, stay } = *journey;
        self.group_sets_out(tenant, group, label).await;
        let money = |amount| json!({"amount": amount, "currency": "EUR"});
        let fund = json!({"group_id": group, "user_id": BOB, "amount": money(amount)});
        self.does(tenant, "travel/fund-wallet", fund).await;
        let expense = |id: Uuid, by: Uuid| {
            json!({
                "group_id": group, "expense_id": id, "paid_by": by, "amount": money(amount),
                "category": label, "description": label
            })
        };
        self.does(tenant, "travel/submit-expense", expense(dinner, ANN)).await;
        let approve = json!({"group_id": group, "expense_id": dinner, "by": BOB});
        self.does(tenant, "travel/approve-expense", approve).await;
        self.does(tenant, "travel/submit-expense", expense(taxi, BOB)).await;
        let budget = json!({"group_id": group, "category": label, "limit": money(3 * amount)});
        self.does(tenant, "travel/set-budget", budget).await;
        let item = json!({
            "group_id": group, "item_id": museum, "title": label, "place": label, "starts_at": "2126-07-02T10:00:00Z"
        });
        self.does(tenant, "travel/plan-itinerary-item", item).await;
        let rooms = json!({"hotel_id": hotel, "room_type": "double", "count": amount, "price": money(9000)});
        self.does(tenant, "travel/open-hotel", rooms).await;
        let stay = json!({
            "group_id": group, "booking_id": stay, "hotel_id": hotel, "room_type": "double", "category": label,
            "nights": {"from": "2126-07-01", "to": "2126-07-03"}, "price": money(amount), "paid_by": ANN
        });
        self.does(tenant, "travel/book-hotel-room", stay).await;
    }

    /// Everything that has happened so far reaches both stores.
    pub(crate) async fn reaches_the_views(&mut self) {
        let travelled: Vec<Recorded<TravelEvent>> = self.log_of(Travel::NAME).await;
        self.rows.groups.follow(&travelled).await;
        self.rows.groups_in_redis.follow(&travelled).await;
        self.rows.expenses.follow(&travelled).await;
        self.rows.itinerary.follow(&travelled).await;
        self.rows.budgets.follow(&travelled).await;
        self.rows.bookings.follow(&travelled).await;
        self.rows.bookings_in_redis.follow(&travelled).await;
        self.rows.rooms.follow(&travelled).await;
        let sold: Vec<Recorded<CatalogEvent>> = self.log_of(Catalog::NAME).await;
        self.rows.products.follow(&sold).await;
        self.rows.products_in_redis.follow(&sold).await;
        self.rows.stock.follow(&sold).await;
        self.rows.names.follow(&sold).await;
        self.rows.names_in_redis.follow(&sold).await;
        let ordered: Vec<Recorded<OrdersEvent>> = self.log_of(Orders::NAME).await;
        self.rows.orders.follow(&ordered).await;
        self.rows.orders_in_redis.follow(&ordered).await;
    }

    async fn log_of<E: EventSet>(&self, context: &str) -> Vec<Recorded<E>> {
        let codec = Codec::<E>::new().unwrap();
        let log = LogId::new(context, self.lane);
        let events = self.log.read_log(&log, Sequence::ZERO, 10_000).await.unwrap();
        let recorded = events.into_iter().map(|logged| Recorded {
            event: codec
                .decode(&logged.event.event_type, logged.event.schema, &logged.event.payload)
                .unwrap(),
            id: logged.event.id,
            tenant: logged.tenant,
            lane: logged.log.lane,
            sequence: logged.sequence,
            stream: logged.event.stream,
            version: logged.event.version,
            recorded_at: logged.recorded_at,
            metadata: logged.event.metadata,
        });
        recorded.collect()
    }

    /// The place of the last thing that happened to travellers.
    pub(crate) async fn token_of_travel(&self) -> String {
        let log = LogId::new(Travel::NAME, self.lane);
        log.at(self.log.head(&log).await.unwrap().sequence).to_string()
    }

    /// The command-service goes away.
    pub(crate) fn loses_the_log(&self) {
        self.stop.cancel();
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = (&self.databases, &self.redis);
    }
}

impl Kept {
    async fn begin(url: &str, redis: &TestRedis, lane: Lane) -> Self {
        Self {
            groups: begin::<Groups, Travel>(url, lane).await,
            groups_in_redis: begin_in_redis::<Groups, Travel>(redis, lane).await,
            expenses: begin::<Expenses, Travel>(url, lane).await,
            itinerary: begin::<Itinerary, Travel>(url, lane).await,
            budgets: begin::<Budgets, Travel>(url, lane).await,
            bookings: begin::<Bookings, Travel>(url, lane).await,
            bookings_in_redis: begin_in_redis::<Bookings, Travel>(redis, lane).await,
            rooms: begin::<Rooms, Travel>(url, lane).await,
            products: begin::<ProductDetails, Catalog>(url, lane).await,
            products_in_redis: begin_in_redis::<ProductDetails, Catalog>(redis, lane).await,
            stock: begin::<StockByProduct, Catalog>(url, lane).await,
            names: begin::<ProductNames, Catalog>(url, lane).await,
            names_in_redis: begin_in_redis::<ProductNames, Catalog>(redis, lane).await,
            orders: begin::<OrderDetails, Orders>(url, lane).await,
            orders_in_redis: begin_in_redis::<OrderDetails, Orders>(redis, lane).await,
        }
    }
}

async fn begin<V: View, C: Context>(url: &str, lane: Lane) -> Projection<V, PostgresRows> {
    let shape = SHAPES.iter().find(|(view, _)| *view == V::NAME).map_or("", |(_, shape)| *shape);
    let pool = postgres_for_rows(url, 2).unwrap();
    begin_in(PostgresRows::new(pool, ViewVersion::of::<V>(C::NAME), shape), lane).await
}

async fn begin_in_redis<V: View, C: Context>(redis: &TestRedis, lane: Lane) -> Projection<V, RedisRows> {
    begin_in(RedisRows::new(&redis.url, &redis.prefix, ViewVersion::of::<V>(C::NAME)).unwrap(), lane).await
}

async fn begin_in<V: View, S: RowStore>(store: S, lane: Lane) -> Projection<V, S> {
    Projection::begin(store, lane).await
}

pub(crate) fn group() -> String {
    format!("/v1/travel/groups/{GROUP}")
}
