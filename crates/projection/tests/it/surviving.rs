//! Crashes, hand-overs, and servers that go away.

use std::time::Duration;

use catalog::views::ProductDetails;
use kernel::Lane;
use projection::{Limits, Source};
use read_store::{Advance, ReadError, RowStore};

use crate::on_both_stores;
use crate::support::history::{category_created, category_renamed, product_created, reference, tenant};
use crate::support::log_service::LogService;
use crate::support::proxy::Proxy;
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Redis, Story, World, until, until_rows};

on_both_stores!(
    a_projector_that_is_killed_again_and_again_leaves_the_fold,
    lanes_are_handed_over_and_nothing_is_lost_or_done_twice,
    of_two_that_believe_to_own_a_lane_no_one_spoils_the_rows,
    one_that_was_overtaken_goes_on_where_the_other_left_off,
    a_store_that_goes_away_is_waited_for,
    a_store_that_is_away_at_the_start_is_waited_for,
    a_store_that_was_emptied_is_filled_again,
    a_lane_looks_after_its_store_although_it_hears_of_the_log_all_the_while,
    a_registry_that_is_away_is_waited_for,
    a_topic_that_is_not_there_yet_is_waited_for,
);

async fn a_projector_that_is_killed_again_and_again_leaves_the_fold(bench: impl Bench) {
    let world = World::new(2).await;
    let mut histories = [History::new(0), History::new(1)];
    let mut stories = [Story::of(21, &["acme", "zebra"]), Story::of(22, &["other"])];
    for (history, story) in histories.iter_mut().zip(&mut stories) {
        story.go_on(history, 600);
        // Enough products of one category for a fan-out that takes more than one page.
        let name = tenant(["acme", "other"][usize::from(history.lane().number())]);
        for product in 0..400 {
            history.happen(&name, product_created(5000 + product, 1, "many"));
        }
        history.happen(&name, category_renamed(1, "renamed"));
        story.go_on(history, 300);
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let limits = Limits { batch_records: 20, ..Limits::default() };
    for life in 0..12 {
        let source = Source { limits, ..world.source() };
        // Groups of their own: the dead are not waited for.
        let source = Source { groups: format!("{}-{life}", source.groups), ..source };
        let running = world.project_with::<ProductDetails>(source, store.clone());
        let goal = 100 * (life + 1);
        until("it has done some work", async || {
            let at = store.checkpoint(Lane::new(u16::try_from(life % 2).unwrap())).await;
            at.is_ok_and(|at| at.is_some_and(|at| at.sequence.number() >= goal))
        })
        .await;
        running.kill().await;
    }
    let running = world.project::<ProductDetails>(store.clone());
    for history in &histories {
        until_at_head(&store, history).await;
    }
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    assert_eq!(bench.all_rows("product-details", 1).await, expected);
    running.stop().await;
}

async fn lanes_are_handed_over_and_nothing_is_lost_or_done_twice(bench: impl Bench) {
    let world = World::new(4).await;
    let names = ["a", "b", "c", "d"];
    let mut histories: Vec<History> = (0..4).map(History::new).collect();
    let mut stories: Vec<Story> =
        (0..4).map(|lane| Story::of(30 + lane, &[names[usize::try_from(lane).unwrap()]])).collect();
    let store = bench.rows(version_of::<ProductDetails>());
    let mut members = vec![world.project::<ProductDetails>(store.clone())];
    for round in 0..4 {
        for (history, story) in histories.iter_mut().zip(&mut stories) {
            let before = history.records.len();
            story.go_on(history, 80);
            world.publish_from(history, before).await;
        }
        match round {
            0 | 1 => members.push(world.project::<ProductDetails>(store.clone())),
            _ => members.remove(0).stop().await,
        }
        for history in &histories {
            until_at_head(&store, history).await;
        }
    }
    let expected = reference::<ProductDetails>(&histories.iter().collect::<Vec<_>>());
    assert_eq!(bench.all_rows("product-details", 1).await, expected);
    for member in members {
        member.until_ready().await;
        member.stop().await;
    }
}

async fn of_two_that_believe_to_own_a_lane_no_one_spoils_the_rows(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    let mut story = Story::of(41, &["acme", "other"]);
    story.go_on(&mut history, 300);
    world.publish_from(&history, 0).await;
    let limits = Limits { batch_records: 3, ..Limits::default() };
    let store = bench.rows(version_of::<ProductDetails>());
    // Groups of their own: Kafka gives the lane to both, as it seems to when one was cut off from it.
    let fighters = ["one", "two", "three"].map(|name| {
        let groups = format!("{}-{name}", world.source().groups);
        let source = Source { limits, groups, ..world.source() };
        world.project_with::<ProductDetails>(source, bench.rows(version_of::<ProductDetails>()))
    });
    until_at_head(&store, &history).await;
    let before = history.records.len();
    story.go_on(&mut history, 300);
    world.publish_from(&history, before).await;
    until_at_head(&store, &history).await;
    assert_eq!(bench.all_rows("product-details", 1).await, reference::<ProductDetails>(&[&history]));
    for fighter in fighters {
        fighter.until_ready().await;
        fighter.stop().await;
    }
}

async fn one_that_was_overtaken_goes_on_where_the_other_left_off(bench: impl Bench) {
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    history.happen(&acme, category_created(1, "tools"));
    history.happen(&acme, product_created(100, 1, "saw"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    // Another writer applied the next event: here it left no row, so that it shows who wrote.
    let from = store.checkpoint(history.lane()).await.unwrap().unwrap();
    history.happen(&acme, product_created(101, 1, "hammer"));
    let to = read_store::Checkpoint {
        sequence: history.head(),
        offset: from.offset + 1,
        chain: history.chain(),
        ..from
    };
    store.write(history.lane(), &Advance { from, to }, &[], &[]).await.unwrap();
    history.happen(&acme, product_created(102, 1, "file"));
    world.publish_from(&history, 2).await;
    until_at_head(&store, &history).await;
    let rows = bench.all_rows("product-details", 1).await;
    let keys: Vec<String> = rows.keys().map(|(_, key)| key.clone()).collect();
    assert_eq!(keys, [100, 102].map(|id| uuid::Uuid::from_u128(id).to_string()));
    running.until_ready().await;
    running.stop().await;
}

async fn a_store_that_goes_away_is_waited_for(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    let mut story = Story::of(51, &["acme", "other"]);
    story.go_on(&mut history, 100);
    world.publish_from(&history, 0).await;
    let proxy = Proxy::before(bench.server()).await;
    let store = bench.rows_through(&proxy.address, version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store);
    let straight = bench.rows(version_of::<ProductDetails>());
    for _ in 0..3 {
        until_at_head(&straight, &history).await;
        running.until_ready().await;
        let before = history.records.len();
        story.go_on(&mut history, 100);
        proxy.cut();
        world.publish_from(&history, before).await;
        running.until_troubled("lane 0 waits").await;
        proxy.restore();
    }
    until_at_head(&straight, &history).await;
    running.until_ready().await;
    assert_eq!(bench.all_rows("product-details", 1).await, reference::<ProductDetails>(&[&history]));
    running.stop().await;
}

async fn a_store_that_is_away_at_the_start_is_waited_for(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(52, &["acme"]).go_on(&mut history, 50);
    world.publish_from(&history, 0).await;
    let proxy = Proxy::before(bench.server()).await;
    proxy.cut();
    let store = bench.rows_through(&proxy.address, version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store);
    running.until_troubled("not available").await;
    proxy.restore();
    until_at_head(&bench.rows(version_of::<ProductDetails>()), &history).await;
    running.until_ready().await;
    running.stop().await;
}

async fn a_store_that_was_emptied_is_filled_again(bench: impl Bench) {
    let world = World::new(2).await;
    let mut histories = [History::new(0), History::new(1)];
    for (history, name) in histories.iter_mut().zip(["acme", "other"]) {
        Story::of(61, &[name]).go_on(history, 150);
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
    until_rows(&bench, "product-details", 1, &expected).await;
    // Nothing is published from here on: it is noticed without.
    bench.empty().await;
    until_rows(&bench, "product-details", 1, &expected).await;
    for history in &histories {
        until_at_head(&store, history).await;
    }
    until("queries are answered", async || {
        let read = bench.read("product-details", Lane::new(1), &tenant("other"), "none").await;
        read.is_ok_and(|read| read.reflects == histories[1].head())
    })
    .await;
    running.stop().await;
}

async fn a_lane_looks_after_its_store_although_it_hears_of_the_log_all_the_while(bench: impl Bench) {
    let (world, log) = (World::new(1).await, LogService::start().await);
    let mut history = History::new(0);
    Story::of(63, &["acme"]).go_on(&mut history, 50);
    world.publish_from(&history, 0).await;
    log.holds(&history, history.records.len() as u64);
    let store = bench.rows(version_of::<ProductDetails>());
    let source = Source { log: log.source(), ..world.source() };
    let running = world.project_with::<ProductDetails>(source, store.clone());
    until_at_head(&store, &history).await;
    // Nothing comes to the lane from here on, and where the log ends is told more often than the store is looked at.
    bench.empty().await;
    until_rows(&bench, "product-details", 1, &reference::<ProductDetails>(&[&history])).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_emptied_is_away_until_it_is_filled() {
    let bench = Redis::new().await;
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    Story::of(62, &["acme"]).go_on(&mut history, 400);
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    let key = uuid::Uuid::from_u128(100).to_string();
    let read = || bench.read("product-details", history.lane(), &acme, &key);
    until("it is there", async || read().await.is_ok()).await;
    bench.empty().await;
    // At no time does a row seem not to exist.
    until("it is there again", async || match read().await {
        Ok(read) => {
            assert!(read.row.is_some() && read.reflects == history.head(), "{read:?}");
            true
        }
        Err(error) => {
            assert!(matches!(error, ReadError::Away(_)), "{error:?}");
            false
        }
    })
    .await;
    running.stop().await;
}

async fn a_registry_that_is_away_is_waited_for(bench: impl Bench) {
    let world = World::new(1).await;
    world.registry.set_away(true);
    let mut history = History::new(0);
    Story::of(71, &["acme"]).go_on(&mut history, 50);
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    running.until_troubled("registry").await;
    world.registry.set_away(false);
    until_at_head(&store, &history).await;
    running.until_ready().await;
    running.stop().await;
}

async fn a_topic_that_is_not_there_yet_is_waited_for(bench: impl Bench) {
    let world = World::without_topic().await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    running.until_troubled("the relay makes it").await;
    world.make_topic(1).await;
    let mut history = History::new(0);
    Story::of(81, &["acme"]).go_on(&mut history, 20);
    world.publish_from(&history, 0).await;
    until_at(&store, history.lane(), history.head()).await;
    running.until_ready().await;
    assert!(tokio::time::timeout(Duration::from_secs(60), running.stop()).await.is_ok());
}
