//! Projectors that are killed as the system kills, at random points of a build: what they built is right in the end.

use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;
use std::time::Duration;

use catalog::views::ProductDetails;
use kernel::{Lane, Sequence};
use messaging::{Connection, Topics};
use projection::{AnyView, Building, Keeper, Limits, LogSource, OnChangedView, Room, Source};
use read_store::{BuildOptions, BuildState, Builds, PostgresRows, RedisRows, RowStore, postgres_for_rows};
use serde::{Deserialize, Serialize};
use service_runtime::Health;
use tokio_util::sync::CancellationToken;
use wire::RegistryClient;

use crate::on_both_stores;
use crate::support::history::reference;
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Place, Story, World, until};

on_both_stores!(a_build_whose_projector_is_killed_twenty_times_goes_on_and_is_right,);

const LANES: [Lane; 2] = [Lane::new(0), Lane::new(1)];
const KILLS: u64 = 20;
const EVENTS: u64 = 3_000;
/// What tells a process of this test that it is a projector.
const TOLD: &str = "TWOFOLD_TEST_PROJECTOR";
const LONG: Duration = Duration::from_secs(3600);

/// What a projector of its own process is told.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    brokers: String,
    registry: String,
    prefix: String,
    group: String,
    place: Place,
}

async fn a_build_whose_projector_is_killed_twenty_times_goes_on_and_is_right(bench: impl Bench) {
    let world = World::new(2).await;
    let mut histories = [History::new(0), History::new(1)];
    for (history, tenants) in histories.iter_mut().zip([["acme", "zebra"], ["other", "fourth"]]) {
        Story::of(79, &tenants).go_on(history, usize::try_from(EVENTS).unwrap());
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    for history in &histories {
        until_at_head(&store, history).await;
    }
    running.stop().await;
    let slowly = BuildOptions { throttle: std::num::NonZeroU32::new(2_000), ..BuildOptions::default() };
    let build = store.of_build(store.begin_build(&LANES, slowly).await.unwrap());
    for life in 0..KILLS {
        let mut projector = start(&world, &bench, life);
        // Somewhere in its share of the build, in one lane or the other.
        let random = RandomState::new().hash_one(life);
        let goal = (EVENTS - 200) * life / KILLS + random % ((EVENTS - 200) / KILLS);
        until_at(&build, LANES[usize::try_from(life % 2).unwrap()], Sequence::new(goal)).await;
        assert!(projector.try_wait().unwrap().is_none(), "it ended by itself");
        projector.kill().await.unwrap();
    }
    let _last = start(&world, &bench, KILLS);
    until("the build is read", async || {
        let tracked = store.tracked(&LANES).await.unwrap();
        tracked.iter().any(|tracked| tracked.build == 2 && tracked.state == BuildState::Serving)
    })
    .await;
    for history in &histories {
        until_at_head(&build, history).await;
    }
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    assert_eq!(bench.all_rows("product-details", 2).await, expected);
}

/// A projector in a process of its own, which ends with the test.
fn start(world: &World, bench: &impl Bench, life: u64) -> tokio::process::Child {
    let source = world.source();
    let told = Told {
        brokers: source.connection.brokers.clone(),
        registry: world.registry.url.clone(),
        // A group of its own: the dead are not waited for.
        group: format!("{}-{life}", source.groups),
        prefix: source.prefix,
        place: bench.place(),
    };
    tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killing::a_process_that_was_told_to_keeps_builds", "--nocapture"])
        .env(TOLD, serde_json::to_string(&told).unwrap())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The other side of [`start`]; where nothing is told, there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_told_to_keeps_builds() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let Told { brokers, registry, prefix, group, place } = serde_json::from_str(&told).unwrap();
    let connection = Connection::new(&brokers);
    let log = http_api::OperatorTokens::new(
        &http_api::OperatorConfig { ops_token: Some("token".into()), ops_token_file: None },
        &http_api::AuthConfig::default(),
    );
    let source = Source {
        topics: Topics::new(&connection, Duration::from_secs(30)).unwrap(),
        connection,
        registry: RegistryClient::new(&registry).unwrap(),
        // Nothing is missing, so nobody need be there.
        log: LogSource::new("http://127.0.0.1:9", log.unwrap()).unwrap(),
        prefix,
        groups: group,
        limits: Limits::default(),
        building: Building {
            room: Room::of_mebibytes(64),
            written_every: Duration::from_millis(20),
            on_changed_view: OnChangedView::default(),
        },
        park_after: 3,
        replication: 1,
    };
    let view = version_of::<ProductDetails>();
    match place {
        Place::Postgres(url) => {
            keep(source, PostgresRows::new(postgres_for_rows(&url, 8).unwrap(), view, "")).await;
        }
        Place::Redis { url, prefix } => keep(source, RedisRows::new(&url, &prefix, view).unwrap()).await,
    }
}

async fn keep(source: Source, store: impl RowStore) {
    let view = AnyView::of::<ProductDetails>().unwrap();
    let keeper = Keeper::new(view, source, store, &Health::new(), LONG);
    keeper.run(CancellationToken::new()).await;
}
