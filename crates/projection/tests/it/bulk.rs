//! Builds in bulk: rows folded in memory over many batches are the fold, however little memory there is and whatever
//! comes in between.

use std::time::Duration;

use catalog::views::ProductDetails;
use kernel::{Lane, TenantId};
use projection::{Building, Limits, Room, Source};
use read_store::{BuildOptions, BuildState, Builds, LetterStore, Request, RowStore, Which};
use uuid::Uuid;

use crate::on_both_stores;
use crate::support::history::{price_changed, product_created, reference, tenant};
use crate::support::labels::{Labels, make_faulty, mend};
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Postgres, Running, Story, World, until, until_rows};

on_both_stores!(
    rows_that_do_not_fit_into_memory_are_the_fold_too,
    lanes_that_take_turns_are_all_built,
    what_cannot_be_folded_is_parked_and_everything_else_is_built,
    what_the_topic_lacks_is_taken_from_the_log,
);

const LANES: [Lane; 2] = [Lane::new(0), Lane::new(1)];
const LONG: Duration = Duration::from_secs(3600);

/// With so much memory, written so often.
fn source(world: &World, mebibytes: u32, every: Duration) -> Source {
    let building =
        Building { room: Room::of_mebibytes(mebibytes), written_every: every, ..world.source().building };
    let limits = Limits { batch_records: 50, ..Limits::default() };
    Source { building, limits, ..world.source() }
}

async fn until_read(store: &impl RowStore, build: u32) {
    until(&format!("build {build} is read"), async || {
        let builds = store.tracked(&LANES).await.unwrap_or_default();
        let found = builds.into_iter().find(|tracked| tracked.build == build);
        if let Some(tracked) = &found {
            assert_ne!(tracked.state, BuildState::Failed, "{:?}", tracked.trouble);
        }
        found.is_some_and(|tracked| tracked.state == BuildState::Serving)
    })
    .await;
    for lane in LANES {
        let build = store.of_build(build);
        until("the lane is read", async || build.begin(lane).await.unwrap().1).await;
    }
}

async fn rows_that_do_not_fit_into_memory_are_the_fold_too(bench: impl Bench) {
    let world = World::new(2).await;
    let mut history = History::new(0);
    Story::of(71, &["acme", "zebra"]).go_on(&mut history, 3_000);
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep_with::<ProductDetails>(source(&world, 0, LONG), store.clone(), LONG);
    until_at_head(&store, &history).await;
    let expected = reference::<ProductDetails>(&[&history]);
    until_rows(&bench, "product-details", 1, &expected).await;
    store.begin_build(&LANES, BuildOptions::default()).await.unwrap();
    until_read(&store, 2).await;
    assert_eq!(bench.all_rows("product-details", 2).await, expected);
    running.stop().await;
}

async fn lanes_that_take_turns_are_all_built(bench: impl Bench) {
    // Some have nothing to build, and must not keep their turn.
    let world = World::new(5).await;
    let mut histories = [History::new(0), History::new(1)];
    for (history, seed) in histories.iter_mut().zip([73, 74]) {
        Story::of(seed, &[["acme", "zebra"][seed as usize - 73]]).go_on(history, 600);
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep_with::<ProductDetails>(source(&world, 64, LONG), store.clone(), LONG);
    for history in &histories {
        until_at_head(&store, history).await;
    }
    let one = BuildOptions { parallel: std::num::NonZeroU16::new(1), ..BuildOptions::default() };
    store.begin_build(&LANES, one).await.unwrap();
    until_read(&store, 2).await;
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    until_rows(&bench, "product-details", 2, &expected).await;
    running.stop().await;
}

fn acme() -> TenantId {
    tenant("acme")
}

/// A history of labels with so many that cannot be folded, before they are mended: a build of them that is read.
async fn built_among_poison<B: Bench>(
    bench: &B,
    world: &World,
    faulty: &[u128],
) -> (B::Store, History, Running) {
    let mut history = History::new(0);
    for number in 0..2_000 {
        let event = match number {
            0..500 => product_created(1_000 + number, number % 7, "good"),
            // Created and touched again.
            _ if number % 400 == 0 => {
                product_created(faulty[usize::try_from(number / 400).unwrap() - 2], 1, "bad")
            }
            _ if number % 400 == 9 => price_changed(faulty[usize::try_from(number / 400).unwrap() - 2], 3),
            _ => price_changed(1_000 + number % 500, 2),
        };
        history.happen(&acme(), event);
    }
    world.log.holds(&history, history.head().number());
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<Labels<1>>());
    let running = world.keep_with::<Labels<1>>(source(world, 64, LONG), store.clone(), LONG);
    until_at_head(&store, &history).await;
    store.begin_build(&LANES, BuildOptions::default()).await.unwrap();
    until_read(&store, 2).await;
    (store.of_build(2), history, running)
}

async fn what_cannot_be_folded_is_parked_and_everything_else_is_built(bench: impl Bench) {
    let world = World::new(2).await;
    let faulty: Vec<u128> = (0..3).map(|_| Uuid::new_v4().as_u128()).collect();
    faulty.iter().for_each(|product| make_faulty(*product));
    let (store, history, running) = built_among_poison(&bench, &world, &faulty).await;
    let letters = store.letters(None, None, 100).await.unwrap();
    assert_eq!(letters.len(), 2 * faulty.len(), "each that failed, and what came behind it");
    faulty.iter().for_each(|product| mend(*product));
    let mut others = reference::<Labels<1>>(&[&history]);
    for product in &faulty {
        others.remove(&("acme".to_owned(), Uuid::from_u128(*product).to_string()));
    }
    until_rows(&bench, "labels", 2, &others).await;
    let retry = Request::Retry { by: "operator".to_owned() };
    store.request(&Which::All { tenant: None }, &retry).await.unwrap();
    until_rows(&bench, "labels", 2, &reference::<Labels<1>>(&[&history])).await;
    running.stop().await;
}

async fn what_the_topic_lacks_is_taken_from_the_log(bench: impl Bench) {
    let world = World::new(2).await;
    let mut history = History::new(0);
    Story::of(77, &["acme"]).go_on(&mut history, 1_500);
    world.log.holds(&history, history.head().number());
    let mut records = history.records.clone();
    records.drain(700..720);
    world.publish(&records).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep_with::<ProductDetails>(source(&world, 64, LONG), store.clone(), LONG);
    until_at_head(&store, &history).await;
    store.begin_build(&LANES, BuildOptions::default()).await.unwrap();
    until_read(&store, 2).await;
    assert_eq!(bench.all_rows("product-details", 2).await, reference::<ProductDetails>(&[&history]));
    running.stop().await;
}

#[tokio::test]
async fn what_postgres_refuses_is_found_among_many_and_parked() {
    let bench = <Postgres as Bench>::new().await;
    let world = World::new(2).await;
    let mut history = History::new(0);
    for number in 0..900 {
        let name = if number == 450 { "nul \0" } else { "plain" };
        history.happen(&acme(), product_created(1_000 + number, 1, name));
    }
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep_with::<ProductDetails>(source(&world, 64, LONG), store.clone(), LONG);
    until_at_head(&store, &history).await;
    store.begin_build(&LANES, BuildOptions::default()).await.unwrap();
    until_read(&store, 2).await;
    let parked = store.of_build(2).parked(LANES[0], 10).await.unwrap();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(bench.all_rows("product-details", 2).await.len(), 899);
    running.stop().await;
}
