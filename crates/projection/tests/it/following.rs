//! Rows are the fold of the log, however its records come.

use catalog::views::{Categories, ProductDetails, StockByProduct};
use projection::{Limits, Source};
use read_store::RowStore;

use crate::on_both_stores;
use crate::support::history::{
    category_created, category_renamed, price_changed, product_created, reference, tenant,
};
use crate::support::labels::Labels;
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Rows, Story, World, until, until_rows};

on_both_stores!(
    rows_are_the_fold_of_the_log_however_it_is_cut_into_batches,
    each_view_of_the_catalog_is_the_fold_of_the_log,
    records_that_come_again_change_nothing,
    a_rename_reaches_the_products_of_its_tenant_stored_or_not_yet_stored,
    a_category_of_more_products_than_are_held_at_once_is_renamed,
    many_categories_are_renamed_in_one_batch,
    a_lane_holds_no_more_than_it_may,
    events_that_touch_no_row_are_reflected_too,
);

async fn rows_are_the_fold_of_the_log_however_it_is_cut_into_batches(bench: impl Bench) {
    let world = World::new(2).await;
    let mut histories = [History::new(0), History::new(1)];
    let mut stories = [Story::of(7, &["acme", "acme.eu", "zebra"]), Story::of(8, &["other"])];
    for (history, story) in histories.iter_mut().zip(&mut stories) {
        story.go_on(history, 300);
        world.publish_from(history, 0).await;
    }
    for batch_records in [1, 7, 1000] {
        let store = bench.rows(version_of::<ProductDetails>());
        let limits = Limits { batch_records, ..Limits::default() };
        let groups = format!("{}-{batch_records}", world.source().groups);
        let source = Source { limits, groups, ..world.source() };
        let running = world.project_with::<ProductDetails>(source, store.clone());
        for (history, story) in histories.iter_mut().zip(&mut stories) {
            until_at_head(&store, history).await;
            // And some that come while it runs.
            let before = history.records.len();
            story.go_on(history, 50);
            world.publish_from(history, before).await;
            until_at_head(&store, history).await;
        }
        let expected = reference::<ProductDetails>(&[&histories[0], &histories[1]]);
        assert!(expected.len() > 50);
        until_rows(&bench, "product-details", 1, &expected).await;
        running.until_ready().await;
        running.stop().await;
        bench.empty().await;
    }
}

async fn each_view_of_the_catalog_is_the_fold_of_the_log(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(11, &["acme", "other"]).go_on(&mut history, 400);
    world.publish_from(&history, 0).await;
    let running = [
        world.project::<Categories>(bench.rows(version_of::<Categories>())),
        world.project::<StockByProduct>(bench.rows(version_of::<StockByProduct>())),
        world.project::<Labels<1>>(bench.rows(version_of::<Labels<1>>())),
    ];
    until_rows(&bench, "categories", 1, &reference::<Categories>(&[&history])).await;
    until_rows(&bench, "stock", 1, &reference::<StockByProduct>(&[&history])).await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&history])).await;
    for running in running {
        running.stop().await;
    }
}

async fn records_that_come_again_change_nothing(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(3, &["acme", "other"]).go_on(&mut history, 200);
    // As a relay publishes that crashed before it moved its cursor, again and again.
    for (from, to) in [(0, 50), (30, 50), (0, 120), (119, 120), (60, 200)] {
        world.publish(&history.records[from..to]).await;
    }
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    assert_eq!(bench.all_rows("product-details", 1).await, reference::<ProductDetails>(&[&history]));
    running.until_ready().await;
    running.stop().await;
}

async fn a_rename_reaches_the_products_of_its_tenant_stored_or_not_yet_stored(bench: impl Bench) {
    let world = World::new(1).await;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let mut history = History::new(0);
    for tenant in [&acme, &other] {
        history.happen(tenant, category_created(1, "tools"));
        history.happen(tenant, product_created(100, 1, "saw"));
    }
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    // One batch: a product of the category is made, and the category renamed behind it.
    let before = history.records.len();
    history.happen(&acme, product_created(101, 1, "hammer"));
    history.happen(&acme, category_renamed(1, "instruments"));
    history.happen(&acme, product_created(102, 1, "file"));
    world.publish_from(&history, before).await;
    until_at_head(&store, &history).await;
    let rows = bench.all_rows("product-details", 1).await;
    assert_eq!(rows, reference::<ProductDetails>(&[&history]));
    let name = |tenant: &str, product: u128| {
        let key = (tenant.to_owned(), uuid::Uuid::from_u128(product).to_string());
        rows[&key].1["category"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!((name("acme", 100), name("acme", 101)), ("instruments".to_owned(), "instruments".to_owned()));
    assert_eq!(name("other", 100), "category 1", "another tenant's category has the same id");
    running.stop().await;
}

async fn a_category_of_more_products_than_are_held_at_once_is_renamed(bench: impl Bench) {
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    history.happen(&acme, category_created(1, "tools"));
    for product in 0..1300 {
        history.happen(&acme, product_created(1000 + product, 1 + product % 100 / 99, "saw"));
    }
    history.happen(&acme, price_changed(1000, 5));
    history.happen(&acme, category_renamed(1, "instruments"));
    history.happen(&acme, price_changed(1000, 6));
    history.happen(&acme, category_renamed(1, "things"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    assert_eq!(bench.all_rows("product-details", 1).await, reference::<ProductDetails>(&[&history]));
    running.stop().await;
}

async fn many_categories_are_renamed_in_one_batch(bench: impl Bench) {
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    for category in 1..=40 {
        history.happen(&acme, category_created(category, "c"));
        history.happen(&acme, product_created(100 + category, category, "p"));
    }
    for category in (1..=40).chain(1..=40) {
        history.happen(&acme, category_renamed(category, &format!("renamed at {:?}", history.head())));
    }
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    assert_eq!(bench.all_rows("product-details", 1).await, reference::<ProductDetails>(&[&history]));
    running.stop().await;
}

async fn a_lane_holds_no_more_than_it_may(bench: impl Bench) {
    let world = World::new(2).await;
    let mut histories = [History::new(0), History::new(1)];
    for history in &mut histories {
        Story::of(5, &["acme"]).go_on(history, 400);
        world.publish_from(history, 0).await;
    }
    let limits = Limits { waiting_records: 20, waiting_bytes: 4096, batch_records: 8, batch_bytes: 4096 };
    let store = bench.rows(version_of::<ProductDetails>());
    let source = Source { limits, ..world.source() };
    let running = world.project_with::<ProductDetails>(source, store.clone());
    for history in &histories {
        until_at_head(&store, history).await;
    }
    running.stop().await;
    let expected: Rows = reference::<ProductDetails>(&[&histories[0]]);
    // Both lanes tell the same story of one tenant, which no real log does: the rows of a lane are its own in
    // Redis and one table's in Postgres. Either way each row has its last event.
    let rows = bench.all_rows("product-details", 1).await;
    assert!(rows.keys().eq(expected.keys()));
}

async fn events_that_touch_no_row_are_reflected_too(bench: impl Bench) {
    let world = World::new(1).await;
    let acme = tenant("acme");
    let mut history = History::new(0);
    history.happen(&acme, category_created(1, "tools"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    until("the lane serves", async || {
        let read = bench.read("product-details", history.lane(), &acme, "none").await;
        read.is_ok_and(|read| read.reflects == history.head() && read.row.is_none())
    })
    .await;
    assert!(store.begin(history.lane()).await.unwrap().1);
    running.stop().await;
}
