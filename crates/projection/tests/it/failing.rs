//! What stops a lane, stops that lane only, says so, and is never passed over.

use kernel::{Lane, Sequence};
use read_store::RowStore;

use crate::on_both_stores;
use crate::support::history::{category_created, price_changed, product_created, tenant};
use crate::support::labels::Labels;
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Running, World};

on_both_stores!(another_epoch_is_refused, a_chain_that_does_not_follow_is_refused,);

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
