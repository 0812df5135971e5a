//! A later version is built beside the one that is read.

use kernel::Lane;
use projection::Source;
use read_store::RowStore;

use crate::on_both_stores;
use crate::support::history::{reference, tenant};
use crate::support::labels::{Labels, make_faulty, mend};
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Story, World, until, until_rows};

on_both_stores!(a_later_version_replaces_an_earlier_one_when_it_has_caught_up);

async fn a_later_version_replaces_an_earlier_one_when_it_has_caught_up(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    let mut story = Story::of(91, &["acme", "other"]);
    story.go_on(&mut history, 150);
    let slow = uuid::Uuid::new_v4().as_u128();
    history.happen(&tenant("acme"), crate::support::history::product_created(slow, 1, "slow"));
    world.publish_from(&history, 0).await;
    let old = bench.rows(version_of::<Labels<1>>());
    let running_old = world.project::<Labels<1>>(old.clone());
    until_at_head(&old, &history).await;
    let key = uuid::Uuid::from_u128(100).to_string();
    let text = async || {
        let read = bench.read("labels", Lane::new(0), &tenant("acme"), &key).await.ok()?;
        let row: serde_json::Value = serde_json::from_str(&read.row?.body).unwrap();
        Some(row["text"].as_str().unwrap().to_owned())
    };
    until("the first version is read", async || text().await.is_some()).await;

    // The new one gets stuck before the end: the old one goes on being read, and fed.
    make_faulty(slow);
    let new = bench.rows(version_of::<Labels<2>>());
    // It goes on trying for as long as it takes.
    let patient = Source { park_after: u32::MAX, ..world.source() };
    let running_new = world.project_with::<Labels<2>>(patient, new.clone());
    running_new.until_troubled("cannot be printed").await;
    let before = history.records.len();
    story.go_on(&mut history, 50);
    world.publish_from(&history, before).await;
    until_at_head(&old, &history).await;
    assert_eq!(text().await.as_deref(), Some("v1 product 100"));

    mend(slow);
    until_at_head(&new, &history).await;
    until("the later version is read", async || text().await.as_deref() == Some("v2 product 100")).await;
    assert!(new.begin(Lane::new(0)).await.unwrap().1);
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&history])).await;
    until_rows(&bench, "labels", 2, &reference::<Labels<2>>(&[&history])).await;
    running_new.stop().await;
    running_old.stop().await;
}
