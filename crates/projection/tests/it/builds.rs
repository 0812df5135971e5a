//! Builds side by side: made beside the one that is read, checked, switched to, gone back from.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use catalog::views::ProductDetails;
use kernel::{Lane, RowKey, Sequence, View};
use projection::{Limits, Source};
use read_store::{
    Advance, BuildOptions, BuildState, Builds, RowAddress, RowChange, RowStore, StoreError, Tracked,
};

use crate::on_both_stores;
use crate::support::history::{price_changed, product_created, reference, tenant};
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Story, World, until, until_rows};

on_both_stores!(
    a_build_is_read_when_it_is_complete_and_the_one_before_can_be_gone_back_to,
    a_build_that_is_killed_again_and_again_goes_on_and_is_right,
    a_build_that_is_not_the_fold_is_given_up_and_never_read,
    a_row_that_is_changed_while_it_is_built_is_found,
    queries_at_500_a_second_go_on_during_three_builds_and_never_go_back_in_time,
    a_build_that_was_replaced_is_erased_in_time,
);

const LANES: [Lane; 2] = [Lane::new(0), Lane::new(1)];
const LONG: Duration = Duration::from_secs(3600);

fn throttled(per_second: u32) -> BuildOptions {
    BuildOptions { throttle: NonZeroU32::new(per_second), ..BuildOptions::default() }
}

async fn tracked(store: &impl RowStore, build: u32) -> Option<Tracked> {
    // Before its first start a store has nothing to ask.
    let tracked = store.tracked(&LANES).await.unwrap_or_default();
    tracked.into_iter().find(|tracked| tracked.build == build)
}

async fn until_state(store: &impl RowStore, build: u32, state: BuildState) {
    until(&format!("build {build} is {state:?}"), async || {
        tracked(store, build).await.is_some_and(|tracked| tracked.state == state)
    })
    .await;
}

async fn histories(world: &World, seed: u64, events: usize) -> ([History; 2], [Story; 2]) {
    let mut histories = [History::new(0), History::new(1)];
    let mut stories = [Story::of(seed, &["acme", "zebra"]), Story::of(seed + 1, &["other"])];
    for (history, story) in histories.iter_mut().zip(&mut stories) {
        story.go_on(history, events);
        world.publish_from(history, 0).await;
    }
    (histories, stories)
}

async fn until_both_at_head(store: &impl RowStore, histories: &[History; 2]) {
    for history in histories {
        until_at_head(store, history).await;
    }
}

async fn a_build_is_read_when_it_is_complete_and_the_one_before_can_be_gone_back_to(bench: impl Bench) {
    let world = World::new(2).await;
    let (mut histories, mut stories) = histories(&world, 51, 400).await;
    let first = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(first.clone(), LONG);
    until_state(&first, 1, BuildState::Serving).await;
    until_both_at_head(&first, &histories).await;
    running.until_ready().await;

    assert_eq!(first.begin_build(&LANES, BuildOptions::default()).await.unwrap(), 2);
    assert_eq!(
        first.begin_build(&LANES, BuildOptions::default()).await.unwrap(),
        2,
        "one is built at a time"
    );
    let second = first.of_build(2);
    until_state(&first, 2, BuildState::Serving).await;
    until_state(&first, 1, BuildState::Retained).await;
    for lane in LANES {
        until("the lane reads it", async || second.begin(lane).await.unwrap().1).await;
    }
    let rows = |histories: &[History; 2]| reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    until_rows(&bench, "product-details", 2, &rows(&histories)).await;

    // Both are fed, and the earlier does not take the name back by itself.
    for (history, story) in histories.iter_mut().zip(&mut stories) {
        let before = history.records.len();
        story.go_on(history, 100);
        world.publish_from(history, before).await;
    }
    until_both_at_head(&first, &histories).await;
    until_both_at_head(&second, &histories).await;
    assert_eq!(tracked(&first, 2).await.unwrap().state, BuildState::Serving);
    assert!(first.serve_again(&LANES).await.unwrap());
    until_state(&first, 1, BuildState::Serving).await;
    until_state(&first, 2, BuildState::Retained).await;
    until_rows(&bench, "product-details", 1, &rows(&histories)).await;
    let read = bench.read("product-details", LANES[0], &tenant("acme"), "nobody").await.unwrap();
    assert_eq!(read.reflects, histories[0].head(), "nothing is stale");

    let before = histories[0].records.len();
    histories[0].happen(&tenant("acme"), product_created(9_999, 1, "later"));
    world.publish_from(&histories[0], before).await;
    until_both_at_head(&second, &histories).await;
    assert_eq!(tracked(&first, 1).await.unwrap().state, BuildState::Serving, "the later does not come back");
    assert_eq!(first.begin_build(&LANES, BuildOptions::default()).await.unwrap(), 3);
    until_state(&first, 3, BuildState::Serving).await;
    running.stop().await;
}

async fn a_build_that_is_killed_again_and_again_goes_on_and_is_right(bench: impl Bench) {
    let world = World::new(2).await;
    let (histories, _) = histories(&world, 53, 900).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    until_both_at_head(&store, &histories).await;
    running.stop().await;
    let build = store.of_build(store.begin_build(&LANES, throttled(400)).await.unwrap());
    for life in 0..8_u64 {
        // Groups of their own: the dead are not waited for.
        let source = world.source();
        let source = Source { groups: format!("{}-{life}", source.groups), ..source };
        let running = world.keep_with::<ProductDetails>(source, store.clone(), LONG);
        let goal = Sequence::new(100 * (life + 1));
        until_at(&build, LANES[usize::try_from(life % 2).unwrap()], goal).await;
        running.kill().await;
    }
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    until_state(&store, 2, BuildState::Serving).await;
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    assert_eq!(bench.all_rows("product-details", 2).await, expected);
    running.stop().await;
}

async fn a_build_that_is_not_the_fold_is_given_up_and_never_read(bench: impl Bench) {
    let world = World::new(2).await;
    // More than is folded in one go: there is time before the lane is complete.
    let (histories, _) = histories(&world, 55, 2_500).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let limits = Limits { batch_records: 10, ..Limits::default() };
    let source = Source { limits, ..world.source() };
    let running = world.keep_with::<ProductDetails>(source, store.clone(), LONG);
    until_both_at_head(&store, &histories).await;
    let build = store.of_build(store.begin_build(&LANES, throttled(1_000)).await.unwrap());
    until("a row that is none is in it", async || {
        let Ok(Some(at)) = build.checkpoint(LANES[0]).await else { return false };
        let stray = RowAddress { tenant: tenant("acme"), key: RowKey::new("stray") };
        let body = Some("{}".to_owned());
        let stray = RowChange { at: stray, stamp: at.sequence, body, links: vec![], links_before: vec![] };
        match build.write(LANES[0], &Advance { from: at, to: at }, &[stray], &[]).await {
            Ok(()) => at.sequence > Sequence::ZERO,
            Err(StoreError::Moved | StoreError::Emptied(_)) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    until_state(&store, 2, BuildState::Failed).await;
    let trouble = tracked(&store, 2).await.unwrap().trouble.unwrap();
    assert!(trouble.contains("stray") && trouble.contains("the fold has none"), "{trouble}");
    assert_eq!(tracked(&store, 1).await.unwrap().state, BuildState::Serving);
    assert!(!store.of_build(2).serve_again(&[LANES[0]]).await.unwrap(), "it is never read");
    running.until_ready().await;
    running.stop().await;
}

async fn a_row_that_is_changed_while_it_is_built_is_found(bench: impl Bench) {
    let world = World::new(2).await;
    let (acme, key) = (tenant("acme"), uuid::Uuid::from_u128(7_000).to_string());
    let mut histories = [History::new(0), History::new(1)];
    histories[0].happen(&acme, product_created(7_000, 9_999, "never touched again"));
    // More than is folded in one go: there is time before the lane is complete.
    Story::of(58, &["acme", "zebra"]).go_on(&mut histories[0], 3_500);
    Story::of(59, &["other"]).go_on(&mut histories[1], 20);
    for history in &histories {
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    until_both_at_head(&store, &histories).await;
    let build = store.of_build(store.begin_build(&LANES, throttled(700)).await.unwrap());
    let address = RowAddress { tenant: acme, key: RowKey::new(key.as_str()) };
    until("a row is changed in it", async || {
        let Ok(Some(at)) = build.checkpoint(LANES[0]).await else { return false };
        let Ok(rows) = build.load(LANES[0], std::slice::from_ref(&address)).await else { return false };
        let Some(row) = rows.first() else { return false };
        let body = Some(row.body.replace("never touched again", "touched"));
        let links = row_links(&row.body);
        let change = RowChange {
            at: address.clone(),
            stamp: row.stamp,
            body,
            links: links.clone(),
            links_before: links,
        };
        match build.write(LANES[0], &Advance { from: at, to: at }, &[change], &[]).await {
            Ok(()) => true,
            Err(StoreError::Moved | StoreError::Emptied(_)) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    until_state(&store, 2, BuildState::Failed).await;
    let trouble = tracked(&store, 2).await.unwrap().trouble.unwrap();
    assert!(trouble.contains(&key) && trouble.contains("it differs in"), "{trouble}");
    running.stop().await;
}

fn row_links(body: &str) -> Vec<kernel::Link> {
    ProductDetails::links(&serde_json::from_str(body).unwrap())
}

async fn queries_at_500_a_second_go_on_during_three_builds_and_never_go_back_in_time(bench: impl Bench) {
    let world = World::new(2).await;
    let (mut histories, _) = histories(&world, 57, 300).await;
    let acme = tenant("acme");
    histories[0].happen(&acme, product_created(7_000, 1, "asked for"));
    let created = histories[0].records.len() - 1;
    world.publish_from(&histories[0], created).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    until_both_at_head(&store, &histories).await;
    let key = uuid::Uuid::from_u128(7_000).to_string();
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let ask = async {
        let mut latest = Sequence::ZERO;
        // One that comes late is asked all the same: as many as there were ticks.
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        while !done.load(Ordering::Relaxed) {
            tick.tick().await;
            let read = bench.read("product-details", LANES[0], &acme, &key).await.unwrap();
            let row = read.row.unwrap();
            assert!(read.reflects >= latest, "time ran backwards: {} after {latest}", read.reflects);
            assert!(row.stamp <= read.reflects, "a row of another build than the checkpoint");
            latest = read.reflects;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let build = async {
        for number in 2..=4 {
            assert_eq!(store.begin_build(&LANES, BuildOptions::default()).await.unwrap(), number);
            for price in 0..20 {
                histories[0].happen(&acme, price_changed(7_000, price + 1));
                let before = histories[0].records.len() - 1;
                world.publish_from(&histories[0], before).await;
            }
            until_state(&store, number, BuildState::Serving).await;
            until_state(&store, number - 1, BuildState::Retained).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(ask, build);
    assert!(asked.load(Ordering::Relaxed) > 100, "few queries were asked");
    let fourth = store.of_build(4);
    until_both_at_head(&fourth, &histories).await;
    running.stop().await;
}

async fn a_build_that_was_replaced_is_erased_in_time(bench: impl Bench) {
    let world = World::new(2).await;
    let (histories, _) = histories(&world, 59, 100).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    until_both_at_head(&store, &histories).await;
    store.begin_build(&LANES, BuildOptions::default()).await.unwrap();
    store.erase(&LANES).await.unwrap();
    assert!(!bench.all_rows("product-details", 1).await.is_empty(), "one that is read is not erased");
    until_state(&store, 1, BuildState::Retained).await;
    until_state(&store, 2, BuildState::Serving).await;
    running.stop().await;
    store.erase(&LANES).await.unwrap();
    assert_eq!(tracked(&store, 1).await, None);
    assert!(bench.all_rows("product-details", 1).await.is_empty());
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    assert_eq!(bench.all_rows("product-details", 2).await, expected);
    // Started anew, it finds the build that is there and makes none.
    let running = world.keep::<ProductDetails>(store.clone(), LONG);
    running.until_ready().await;
    assert_eq!(store.tracked(&LANES).await.unwrap().len(), 1);
    running.stop().await;
}
