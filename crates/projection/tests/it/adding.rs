//! A view that is added to a living system is built from the beginning, beside the views that are read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use catalog::views::ProductDetails;
use kernel::Lane;
use read_store::RowStore;
use uuid::Uuid;

use crate::on_both_stores;
use crate::support::history::{reference, tenant};
use crate::support::price_history::PriceHistory;
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Story, World, until, until_rows};

on_both_stores!(a_view_that_is_added_later_has_everything_from_the_beginning_on,);

const LANE: Lane = Lane::new(0);
const LONG: Duration = Duration::from_secs(3600);

async fn a_view_that_is_added_later_has_everything_from_the_beginning_on(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    let mut story = Story::of(81, &["acme", "zebra"]);
    story.go_on(&mut history, 900);
    world.publish_from(&history, 0).await;
    let details = bench.rows(version_of::<ProductDetails>());
    let before = world.keep::<ProductDetails>(details.clone(), LONG);
    until_at_head(&details, &history).await;
    let nobody = Uuid::from_u128(9).to_string();
    let read = bench.read("price-history", LANE, &tenant("acme"), &nobody).await;
    assert!(read.is_err(), "nobody has it yet: {read:?}");

    // The system lives on while it is built.
    let prices = bench.rows(version_of::<PriceHistory>());
    let added = world.keep::<PriceHistory>(prices.clone(), LONG);
    let built = AtomicBool::new(false);
    let live = async {
        while !built.load(Ordering::Relaxed) {
            let from = history.records.len();
            story.go_on(&mut history, 20);
            world.publish_from(&history, from).await;
        }
    };
    let read = async {
        until("it is read", async || prices.begin(LANE).await.is_ok_and(|(_, serving)| serving)).await;
        until("queries are answered", async || {
            bench.read("price-history", LANE, &tenant("acme"), &nobody).await.is_ok()
        })
        .await;
        built.store(true, Ordering::Relaxed);
    };
    tokio::join!(live, read);
    until_at_head(&prices, &history).await;
    until_at_head(&details, &history).await;
    until_rows(&bench, "price-history", 1, &reference::<PriceHistory>(&[&history])).await;
    until_rows(&bench, "product-details", 1, &reference::<ProductDetails>(&[&history])).await;
    added.stop().await;
    before.stop().await;
}

#[test]
fn the_guide_shows_the_view_that_is_tested() {
    let view = include_str!("support/price_history.rs");
    let (_, view) = view.split_once("use uuid::Uuid;\n\n").unwrap();
    let guide = include_str!("../../../../docs/guide/add-a-view.md");
    assert!(guide.contains(view.trim_end()), "docs/guide/add-a-view.md shows another view");
}
