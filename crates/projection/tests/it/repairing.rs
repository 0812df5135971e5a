//! What a topic lacks is taken from the log, without help; a log that is another one is refused.

use catalog::views::ProductDetails;
use kernel::Sequence;
use read_store::RowStore;

use crate::on_both_stores;
use crate::support::history::{price_changed, product_created, reference, tenant};
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Postgres, Running, Story, World, until_rows};

on_both_stores!(
    a_hole_is_filled_from_the_log_and_no_other_lane_waits_for_it,
    a_tail_that_was_lost_is_filled_from_the_log,
    a_topic_that_was_made_anew_is_followed_by_sequence,
    a_log_that_was_restored_is_refused_until_the_right_one_is_back,
);

/// A projector of product details on a topic with as many lanes as there are histories.
struct Scene<S> {
    world: World,
    store: S,
    running: Running,
}

async fn scene<B: Bench>(bench: &B, histories: &[&History]) -> Scene<B::Store> {
    let world = World::new(i32::try_from(histories.len()).unwrap()).await;
    for history in histories {
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    for history in histories {
        until_at_head(&store, history).await;
    }
    running.until_ready().await;
    Scene { world, store, running }
}

impl<S: RowStore> Scene<S> {
    /// The rows are the fold, and nothing is the matter.
    async fn is_whole(&self, bench: &impl Bench, histories: &[&History]) {
        for history in histories {
            until_at_head(&self.store, history).await;
        }
        until_rows(bench, "product-details", 1, &reference::<ProductDetails>(histories)).await;
        self.running.until_ready().await;
    }
}

async fn a_hole_is_filled_from_the_log_and_no_other_lane_waits_for_it(bench: impl Bench) {
    let (mut holed, mut other) = (History::new(0), History::new(1));
    let mut stories = [Story::of(101, &["acme", "zebra"]), Story::of(102, &["other"])];
    stories[0].go_on(&mut holed, 40);
    stories[1].go_on(&mut other, 40);
    let scene = scene(&bench, &[&holed, &other]).await;
    // Sequences 41 to 47 are lost, and 51; the log does not answer.
    stories[0].go_on(&mut holed, 20);
    scene.world.publish(&holed.records[47..50]).await;
    scene.world.publish(&holed.records[51..]).await;
    scene.running.until_troubled("lane 0 is stopped: sequence 41 is missing").await;
    scene.running.until_troubled("not able to answer").await;
    stories[1].go_on(&mut other, 20);
    scene.world.publish_from(&other, 40).await;
    until_at_head(&scene.store, &other).await;
    let at = scene.store.checkpoint(holed.lane()).await.unwrap().unwrap();
    assert_eq!(at.sequence, Sequence::new(40));

    scene.world.log.holds(&other, 60);
    scene.world.log.holds(&holed, 60);
    scene.is_whole(&bench, &[&holed, &other]).await;
    // The topic was read on where it was read, and what arrives late is a repeat.
    let at = scene.store.checkpoint(holed.lane()).await.unwrap().unwrap();
    assert_eq!(at.offset, 52);
    scene.world.publish(&holed.records[40..52]).await;
    stories[0].go_on(&mut holed, 10);
    scene.world.log.holds(&holed, 70);
    scene.world.publish_from(&holed, 60).await;
    scene.is_whole(&bench, &[&holed, &other]).await;
    scene.running.stop().await;
}

async fn a_tail_that_was_lost_is_filled_from_the_log(bench: impl Bench) {
    let (mut history, mut story) = (History::new(0), Story::of(111, &["acme", "other"]));
    story.go_on(&mut history, 30);
    let scene = scene(&bench, &[&history]).await;
    // What the relay has not published yet is not lost; of the rest, nothing will ever come.
    story.go_on(&mut history, 25);
    scene.world.log.holds(&history, 50);
    until_at(&scene.store, history.lane(), Sequence::new(50)).await;
    let at = scene.store.checkpoint(history.lane()).await.unwrap().unwrap();
    assert_eq!((at.sequence, at.offset), (Sequence::new(50), 30));
    // The relay notices too, and publishes it again.
    scene.world.publish_from(&history, 30).await;
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
}

async fn a_topic_that_was_made_anew_is_followed_by_sequence(bench: impl Bench) {
    let (mut history, mut story) = (History::new(0), Story::of(121, &["acme", "other"]));
    story.go_on(&mut history, 60);
    let scene = scene(&bench, &[&history]).await;
    scene.world.log.holds(&history, 60);
    // Published from the beginning, as the relay does: offsets are those of the old topic again.
    scene.world.make_topic_anew(1).await;
    scene.world.publish_from(&history, 0).await;
    story.go_on(&mut history, 20);
    scene.world.log.holds(&history, 80);
    scene.world.publish_from(&history, 60).await;
    scene.is_whole(&bench, &[&history]).await;
    // Published from somewhere in the middle on: where the lane reads on, other records are, or none.
    scene.world.make_topic_anew(1).await;
    story.go_on(&mut history, 20);
    scene.world.log.holds(&history, 100);
    scene.world.publish_from(&history, 90).await;
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
    // So does a projector that was not there when it happened.
    scene.world.make_topic_anew(1).await;
    story.go_on(&mut history, 20);
    scene.world.log.holds(&history, 120);
    scene.world.publish_from(&history, 0).await;
    let running = scene.world.project::<ProductDetails>(scene.store.clone());
    let scene = Scene { running, ..scene };
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
}

async fn a_log_that_was_restored_is_refused_until_the_right_one_is_back(bench: impl Bench) {
    let acme = tenant("acme");
    let (mut history, mut story) = (History::new(0), Story::of(131, &["acme"]));
    story.go_on(&mut history, 30);
    let scene = scene(&bench, &[&history]).await;
    scene.world.log.holds(&history, 30);
    scene.is_whole(&bench, &[&history]).await;

    let mut shorter = history.up_to(20);
    scene.world.log.holds(&shorter, 20);
    scene.running.until_troubled("the rows reflect sequence 30, and the log ends at 20").await;
    // It grows again, and its relay publishes what is another event under a sequence that the rows reflect.
    for number in 0..10 {
        shorter.happen(&acme, product_created(9000 + number, 1, "instead"));
    }
    scene.world.log.holds(&shorter, 30);
    scene.running.until_troubled("another event at sequence 30").await;
    scene.world.log.holds(&history, 30);
    scene.running.until_ready().await;

    let mut another = History::new(0);
    Story::of(132, &["acme"]).go_on(&mut another, 40);
    scene.world.log.holds(&another, 40);
    scene.running.until_troubled("the log's history is of epoch").await;
    // A projector that begins finds it before it applies anything.
    scene.running.stop().await;
    let running = scene.world.project::<ProductDetails>(scene.store.clone());
    let scene = Scene { running, ..scene };
    scene.running.until_troubled("Rebuild the view").await;
    scene.world.log.holds(&history, 30);
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_of_many_pages_from_the_beginning_on_is_filled() {
    let bench = Postgres::new().await;
    let world = World::new(1).await;
    let (mut history, mut story) = (History::new(0), Story::of(141, &["acme", "other"]));
    story.go_on(&mut history, 1300);
    world.log.holds(&history, 1300);
    world.publish_from(&history, 1200).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    let scene = Scene { world, store, running };
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_answers_is_checked_like_what_the_topic_holds() {
    let bench = Postgres::new().await;
    let acme = tenant("acme");
    let (mut history, mut story) = (History::new(0), Story::of(151, &["acme"]));
    story.go_on(&mut history, 10);
    let scene = scene(&bench, &[&history]).await;
    let mut forged = history.up_to(10);
    for amount in 1..=3 {
        history.happen(&acme, price_changed(100, amount));
        forged.happen(&acme, price_changed(100, amount));
    }
    let damaged = forged.records[9].clone();
    forged.records[10].value = damaged.value;
    scene.world.log.holds(&forged, 13);
    scene.world.publish(&history.records[12..]).await;
    scene.running.until_troubled("sequence 11, at sequence 11 of the log, does not follow").await;
    scene.world.log.holds(&history, 13);
    scene.is_whole(&bench, &[&history]).await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_that_is_another_event_is_not_passed_over() {
    let bench = Postgres::new().await;
    let acme = tenant("acme");
    let (mut history, mut story) = (History::new(0), Story::of(161, &["acme"]));
    story.go_on(&mut history, 10);
    let scene = scene(&bench, &[&history]).await;
    let mut restored = history.up_to(9);
    restored.happen(&acme, price_changed(100, 77));
    scene.world.publish_from(&restored, 9).await;
    scene.running.until_troubled("does not follow in the hash chain").await;
    scene.running.stop().await;
}
