//! What stops a lane, stops that lane only, says so, and is never passed over.

use catalog::views::ProductDetails;
use kernel::{Lane, Sequence};
use read_store::RowStore;

use crate::on_both_stores;
use crate::support::history::{category_created, price_changed, product_created, reference, tenant};
use crate::support::labels::{Labels, make_faulty, mend};
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Postgres, Record, Running, Story, World, until_rows};

on_both_stores!(
    a_record_that_cannot_be_folded_stops_its_lane_and_no_other_until_it_can,
    a_fold_that_panics_stops_its_lane_and_no_other,
    a_record_that_is_garbage_stops_its_lane,
    another_epoch_is_refused,
    a_chain_that_does_not_follow_is_refused,
);

/// Two lanes with a history each, and a projector of labels that has caught up with both.
struct Scene<S> {
    world: World,
    store: S,
    lanes: [History; 2],
    running: Running,
}

async fn scene<B: Bench>(bench: &B) -> Scene<B::Store> {
    let world = World::new(2).await;
    let mut lanes = [History::new(0), History::new(1)];
    for (history, name) in lanes.iter_mut().zip(["acme", "other"]) {
        history.happen(&tenant(name), category_created(1, "tools"));
        history.happen(&tenant(name), product_created(100, 1, "saw"));
        world.publish_from(history, 0).await;
    }
    let store = bench.rows(version_of::<Labels<1>>());
    let running = world.project::<Labels<1>>(store.clone());
    for history in &lanes {
        until_at_head(&store, history).await;
    }
    running.until_ready().await;
    Scene { world, store, lanes, running }
}

impl<S: RowStore> Scene<S> {
    /// Lane 0 is stopped at 2 and says why; lane 1 goes on.
    async fn only_lane_0_is_stopped(&mut self, why: &str) {
        self.running.until_troubled("lane 0 is stopped").await;
        self.running.until_troubled(why).await;
        let other = &mut self.lanes[1];
        let before = other.records.len();
        other.happen(&tenant("other"), price_changed(100, 9));
        self.world.publish_from(other, before).await;
        until_at_head(&self.store, other).await;
        assert_eq!(self.at(Lane::new(0)).await, Sequence::new(2));
        assert!(!self.running.why_not_ready().unwrap().contains("lane 1"));
    }

    async fn at(&self, lane: Lane) -> Sequence {
        self.store.checkpoint(lane).await.unwrap().unwrap().sequence
    }
}

async fn a_record_that_cannot_be_folded_stops_its_lane_and_no_other_until_it_can(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = uuid::Uuid::new_v4().as_u128();
    make_faulty(faulty);
    let acme = tenant("acme");
    scene.lanes[0].happen(&acme, product_created(faulty, 1, "bad"));
    scene.lanes[0].happen(&acme, product_created(101, 1, "good"));
    scene.world.publish_from(&scene.lanes[0], 2).await;
    scene.only_lane_0_is_stopped("a label that cannot be printed").await;
    mend(faulty);
    until_at_head(&scene.store, &scene.lanes[0]).await;
    scene.running.until_ready().await;
    let [first, second] = &scene.lanes;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[first, second])).await;
    scene.running.stop().await;
}

async fn a_fold_that_panics_stops_its_lane_and_no_other(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = uuid::Uuid::new_v4().as_u128();
    make_faulty(faulty);
    scene.lanes[0].happen(&tenant("acme"), product_created(faulty, 1, "panic"));
    scene.world.publish_from(&scene.lanes[0], 2).await;
    scene.only_lane_0_is_stopped("panicked after sequence 2").await;
    mend(faulty);
    until_at_head(&scene.store, &scene.lanes[0]).await;
    scene.running.until_ready().await;
    scene.running.stop().await;
}

async fn a_record_that_is_garbage_stops_its_lane(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let good = scene.lanes[0].records[1].clone();
    let nothing = Record { value: Some(b"garbage".to_vec()), headers: Vec::new(), ..good };
    scene.lanes[0].happen(&tenant("acme"), price_changed(100, 2));
    scene.world.publish(&[nothing, scene.lanes[0].records[2].clone()]).await;
    scene.only_lane_0_is_stopped("not a record of ours").await;
    scene.running.stop().await;
}

async fn another_epoch_is_refused(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    scene.lanes[0].begin_new_epoch();
    scene.lanes[0].happen(&tenant("acme"), price_changed(100, 2));
    scene.world.publish_from(&scene.lanes[0], 2).await;
    scene.only_lane_0_is_stopped("Rebuild the view").await;
    scene.running.stop().await;
}

async fn a_chain_that_does_not_follow_is_refused(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let acme = tenant("acme");
    // What was published is not what the log says: its price was changed on the way.
    let mut forged = History::new(0);
    for event in &scene.lanes[0].events {
        forged.happen(&acme, event.event.clone());
    }
    scene.lanes[0].happen(&acme, price_changed(100, 2));
    forged.happen(&acme, price_changed(100, 3));
    let mut record = scene.lanes[0].records[2].clone();
    record.value.clone_from(&forged.records[2].value);
    scene.world.publish(&[record]).await;
    scene.only_lane_0_is_stopped("does not follow in the hash chain").await;
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_the_store_refuses_is_traced_to_its_record() {
    let bench = Postgres::new().await;
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    Story::of(1, &["acme"]).go_on(&mut history, 60);
    // Postgres keeps no NUL in a text; what came before it in the batch is written all the same.
    history.happen(&acme, product_created(7000, 1, "nul \0"));
    history.happen(&acme, product_created(7001, 1, "after it"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    running.until_troubled("offset 60 cannot be applied").await;
    until_at(&store, Lane::new(0), Sequence::new(60)).await;
    assert_eq!(store.checkpoint(Lane::new(0)).await.unwrap().unwrap().sequence, Sequence::new(60));
    running.stop().await;
}
