//! A view built anew from its topic on Apache Kafka, beside a bare consumer that decodes and counts the same topic.
//!
//! The build is a real one: beside a build that is read, by a projector of its own process, into tables or keys of its
//! own, each record checked for sequence, epoch and chain. It is timed from the request to the moment where the store
//! has every lane at its head, and to the moment where queries read it, which includes what is made and checked before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use catalog::CatalogEvent;
use catalog::views::ProductDetails;
use clap::{Args, ValueEnum};
use http_api::{AuthConfig, OperatorConfig, OperatorTokens};
use kernel::Lane;
use local_servers::Servers;
use messaging::{Connection, Topics};
use projection::{AnyView, BuildsConfig, Keeper, LogSource, Source};
use read_store::{
    BuildOptions, BuildState, PostgresRows, RedisRows, RowStore, Tracked, ViewVersion, postgres_for_rows,
};
use serde_json::{Value, json};
use service_runtime::config::{KafkaConfig, ParkingConfig, RegistryConfig, TrustConfig};
use service_runtime::{Health, Shutdown};
use wire::Codec;

use crate::backlog::CONTEXT;
use crate::shop::{LANES, Shop};
use crate::system::{Process, create_database, everything, on_servers};
use crate::{bare_consumer, report};

/// What to build.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Events, ten for each product; several give several runs, each on servers of its own.
    #[arg(long, default_value = "1000000", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1200..))]
    events: Vec<u64>,
    /// Lanes in use, of twelve; several give a run each for every number of events.
    #[arg(long, default_value = "1", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=12))]
    lanes: Vec<u16>,
    /// Where to.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "postgres,redis")]
    stores: Vec<Store>,
    /// How often each is built; the fastest counts, as for the yardstick.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// Where rows live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    Postgres,
    Redis,
}

/// The projector that is measured.
#[derive(Debug, Args)]
pub(crate) struct Keep {
    #[arg(long, value_enum)]
    store: Store,
    #[arg(long)]
    url: String,
    #[command(flatten)]
    kafka: KafkaConfig,
    #[command(flatten)]
    registry: RegistryConfig,
    #[command(flatten)]
    trust: TrustConfig,
    #[command(flatten)]
    builds: BuildsConfig,
}

/// A build that is not complete by then never will be.
const DEADLINE: Duration = Duration::from_secs(600);
/// How often the store is asked how far a build is.
const LOOK: Duration = Duration::from_millis(20);
const PREFIX: &str = "twofold";

/// Keeps product details until it is stopped.
pub(crate) async fn keep(keep: &Keep) -> anyhow::Result<()> {
    let tokens = OperatorTokens::new(
        &OperatorConfig { ops_token: Some("none".into()), ops_token_file: None },
        &AuthConfig::default(),
    )?;
    // Nothing is missing, so nobody need be there.
    let log = LogSource::new("http://127.0.0.1:9", tokens)?;
    let source =
        Source::new(&keep.kafka, &keep.registry, &keep.trust, log, &ParkingConfig::default(), &keep.builds)?;
    let (health, token) = (Health::new(), Shutdown::on_signal().token());
    let (retention, view) = (keep.builds.retention(), ViewVersion::of::<ProductDetails>(CONTEXT));
    let any_view = AnyView::of::<ProductDetails>()?;
    match keep.store {
        Store::Postgres => {
            let rows = PostgresRows::new(postgres_for_rows(&keep.url, 16)?, view, "");
            Keeper::new(any_view, source, rows, &health, retention).run(token).await;
        }
        Store::Redis => {
            let rows = RedisRows::new(&keep.url, PREFIX, view)?;
            Keeper::new(any_view, source, rows, &health, retention).run(token).await;
        }
    }
    Ok(())
}

/// Runs it.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    let mut conditions = Value::Null;
    let shops = options.events.iter().flat_map(|events| {
        let shop = |lanes: &u16| Shop { events: *events, lanes: *lanes };
        options.lanes.iter().map(shop).collect::<Vec<_>>()
    });
    for shop in shops {
        let run = on_servers(everything(), async |servers| {
            let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
            conditions = report::conditions(postgres).await?;
            measure(&options, shop, servers).await
        });
        runs.push(run.await?);
    }
    report::keep(
        "rebuild",
        &json!({
            "measure": "product details built anew from a topic of Apache Kafka, beside a consumer that decodes and counts it",
            "conditions": conditions,
            "runs": runs,
        }),
    )
}

async fn measure(options: &Options, shop: Shop, servers: &Servers) -> anyhow::Result<Value> {
    let postgres = servers.postgres.as_deref().context("Postgres was not started")?;
    let redis = servers.redis.as_deref().context("Redis was not started")?;
    let brokers = servers.kafka.as_deref().context("Kafka was not started")?;
    let views = create_database(postgres, "twofold_views").await?;
    let registry_database = create_database(postgres, "twofold_registry").await?;
    let registry = Process::service(
        "schema-registry",
        &[("TWOFOLD_REGISTRY_DATABASE_URL", registry_database.as_str()), ("TWOFOLD_LOG", "warn")],
    )
    .await?;
    let registry_url = format!("http://{}", registry.address);
    let connection = Connection::new(brokers);
    let topics = Topics::new(&connection, Duration::from_secs(10))?;
    let (events, lanes) = (shop.of_each() * u64::from(shop.lanes), shop.lanes);
    eprintln!("publishing {events} events in {lanes} lanes");
    let bytes = shop.publish(&connection, &topics, &registry_url).await?;
    let bare = bare(options, brokers, events, &registry_url).await?;
    eprintln!("bare consumer {:.0}/s", bare.rate(events));
    let mut stores = serde_json::Map::new();
    for store in &options.stores {
        let url = if *store == Store::Postgres { &views } else { redis };
        let projector = Process::keep(&store.name(), url, brokers, &registry_url)?;
        let view = ViewVersion::of::<ProductDetails>(CONTEXT);
        let built = match store {
            Store::Postgres => {
                let rows = PostgresRows::new(postgres_for_rows(url, 2)?, view, "");
                built(options, shop, &rows).await?
            }
            Store::Redis => built(options, shop, &RedisRows::new(url, PREFIX, view)?).await?,
        };
        let (complete, read) = built;
        let rate = complete.rate(events);
        eprintln!("{} {rate:.0}/s", store.name());
        stores.insert(
            store.name(),
            json!({
                "per_second": rate.round(),
                "ratio": rate / bare.rate(events),
                "complete_after_seconds": complete.0.as_secs_f64(),
                "read_after_seconds": read.0.as_secs_f64(),
                "peak_resident_mib": projector.peak_resident().map(|(_, mebibytes)| mebibytes),
            }),
        );
        projector.stop().await?;
    }
    registry.stop().await?;
    Ok(json!({
        "events": events,
        "products": events / crate::shop::EVENTS_EACH,
        "lanes": lanes,
        "record_bytes": bytes,
        "bare_consumer": {"per_second": bare.rate(events).round(), "seconds": bare.0.as_secs_f64()},
        "stores": stores,
    }))
}

/// How long all events took.
#[derive(Debug, Clone, Copy)]
struct Took(Duration);

impl Took {
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    fn rate(self, events: u64) -> f64 {
        events as f64 / self.0.as_secs_f64()
    }
}

/// The fastest of the rounds, from the consumer's start.
async fn bare(options: &Options, brokers: &str, events: u64, registry: &str) -> anyhow::Result<Took> {
    let registry = wire::RegistryClient::new(registry)?;
    let topic = wire::topic(PREFIX, CONTEXT);
    let mut schemas = HashMap::new();
    for known in Codec::<CatalogEvent>::new()?.schemas() {
        let subject = wire::subject(&topic, &wire::record_name(known.json)?);
        schemas.insert(registry.register(&subject, known.json).await?, known.fingerprint);
    }
    let mut fastest = Duration::MAX;
    for _ in 0..options.rounds {
        let (brokers, topic, schemas) = (brokers.to_owned(), topic.clone(), schemas.clone());
        let counting = move || bare_consumer::count(&brokers, &topic, LANES, events, &schemas);
        let (from_start, _) = tokio::task::spawn_blocking(counting).await??;
        fastest = fastest.min(from_start);
    }
    Ok(Took(fastest))
}

/// Until the store had everything, and until queries read it: of the fastest build.
async fn built(options: &Options, shop: Shop, rows: &impl RowStore) -> anyhow::Result<(Took, Took)> {
    let lanes: Vec<Lane> = (0..LANES).map(Lane::new).collect();
    // The one that is read already, and has nothing to do.
    until_complete(rows, &lanes, 1, shop).await?;
    until_read(rows, &lanes, 1).await?;
    let mut fastest = (Took(Duration::MAX), Took(Duration::MAX));
    for _ in 0..options.rounds {
        let start = Instant::now();
        let build = rows.begin_build(&lanes, BuildOptions::default()).await?;
        until_complete(rows, &lanes, build, shop).await?;
        let complete = start.elapsed();
        until_read(rows, &lanes, build).await?;
        let read = start.elapsed();
        eprintln!("build {build} complete after {complete:?}, read after {read:?}");
        if complete < fastest.0.0 {
            fastest = (Took(complete), Took(read));
        }
    }
    Ok(fastest)
}

async fn tracked(rows: &impl RowStore, lanes: &[Lane], build: u32) -> Option<Tracked> {
    // Before its first start a store has nothing to ask.
    let all = rows.tracked(lanes).await.unwrap_or_default();
    all.into_iter().find(|tracked| tracked.build == build)
}

async fn until_complete(rows: &impl RowStore, lanes: &[Lane], build: u32, shop: Shop) -> anyhow::Result<()> {
    until(async || {
        let Some(tracked) = tracked(rows, lanes, build).await else { return Ok(false) };
        let complete = |lane: &&read_store::TrackedLane| lane.checkpoint.sequence.number() == shop.of_each();
        Ok(tracked.lanes.iter().filter(complete).count() == usize::from(shop.lanes))
    })
    .await
}

async fn until_read(rows: &impl RowStore, lanes: &[Lane], build: u32) -> anyhow::Result<()> {
    until(async || {
        let Some(tracked) = tracked(rows, lanes, build).await else { return Ok(false) };
        ensure!(tracked.state != BuildState::Failed, "the build is given up: {:?}", tracked.trouble);
        let build = rows.of_build(build);
        for lane in lanes {
            if tracked.state != BuildState::Serving || !build.begin(*lane).await?.1 {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
}

async fn until(is_so: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if is_so().await? {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("not within {DEADLINE:?}");
}

impl Store {
    fn name(self) -> String {
        match self {
            Self::Postgres => "postgres".to_owned(),
            Self::Redis => "redis".to_owned(),
        }
    }
}
