//! Rows are held against an independent fold: every difference is found, and none that is none.

use catalog::views::ProductDetails;
use kernel::{Lane, RowKey, Sequence};
use projection::{AnyView, CompareError, Compared, Extent, Limits, Pages, Source, Told, compare};
use read_store::{Advance, RowAddress, RowChange, RowStore};

use crate::on_both_stores;
use crate::support::history::tenant;
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Story, World};

on_both_stores!(
    rows_that_are_the_fold_are_found_equal,
    every_kind_of_difference_is_found,
    rows_that_change_meanwhile_are_no_difference,
    a_sample_has_its_size,
    rows_of_another_history_are_refused,
);

/// A history, a few events at a time.
struct Told100<'a>(&'a History);

impl Pages for Told100<'_> {
    async fn after(&mut self, after: Sequence) -> Result<Vec<Told>, String> {
        let after = usize::try_from(after.number()).unwrap();
        let events = self.0.events.iter().zip(&self.0.chains).skip(after).take(100);
        Ok(events
            .map(|(event, chain)| Told {
                sequence: event.sequence,
                chain: *chain,
                event: Some(event.clone().into()),
            })
            .collect())
    }
}

async fn compared(
    store: &impl RowStore,
    history: &History,
    extent: Extent,
) -> Result<Compared, CompareError> {
    let view = AnyView::of::<ProductDetails>().unwrap();
    compare(&view, store, history.lane(), &mut Told100(history), extent).await
}

async fn projected<B: Bench>(bench: &B, events: usize) -> (B::Store, History) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(7, &["acme", "other"]).go_on(&mut history, events);
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at_head(&store, &history).await;
    running.stop().await;
    (store, history)
}

async fn rows_that_are_the_fold_are_found_equal(bench: impl Bench) {
    let (store, history) = projected(&bench, 500).await;
    let rows = bench.all_rows("product-details", 1).await.len() as u64;
    let found = compared(&store, &history, Extent::All).await.unwrap();
    assert_eq!(found, Compared { through: history.head(), rows, ..Compared::default() });
}

async fn every_kind_of_difference_is_found(bench: impl Bench) {
    let (store, history) = projected(&bench, 500).await;
    let all = bench.all_rows("product-details", 1).await;
    let rows: Vec<_> = all.iter().collect();
    let at =
        |row: usize| RowAddress { tenant: tenant(&rows[row].0.0), key: RowKey::new(rows[row].0.1.as_str()) };
    let body = |row: usize| rows[row].1.1.to_string();
    let stamp = |row: usize| Sequence::new(rows[row].1.0);
    let change =
        |at: RowAddress, stamp, body| RowChange { at, stamp, body, links: vec![], links_before: vec![] };
    let stray = RowAddress { tenant: tenant("acme"), key: RowKey::new("stray") };
    let changes = [
        change(at(0), stamp(0), None),
        change(at(1), stamp(1), Some(body(1).replace("\"sku-", "\"ski-"))),
        change(at(2), Sequence::new(1), Some(body(2))),
        change(at(3), stamp(3), Some("{}".to_owned())),
        change(stray, Sequence::new(9), Some(body(4))),
    ];
    let here = store.checkpoint(Lane::new(0)).await.unwrap().unwrap();
    store.write(Lane::new(0), &Advance { from: here, to: here }, &changes, &[]).await.unwrap();
    let found = compared(&store, &history, Extent::All).await.unwrap();
    assert_eq!(found.differing, 5, "{found:?}");
    for what in [
        "it is missing",
        "it differs in sku",
        "stamped with sequence 1",
        "does not read",
        "the fold has none",
    ] {
        assert!(
            found.differences.iter().any(|difference| difference.what.contains(what)),
            "{what}: {found:?}"
        );
    }
}

async fn rows_that_change_meanwhile_are_no_difference(bench: impl Bench) {
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(8, &["acme", "other"]).go_on(&mut history, 3_000);
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let limits = Limits { batch_records: 5, ..Limits::default() };
    let running = world.project_with::<ProductDetails>(Source { limits, ..world.source() }, store.clone());
    until_at(&store, Lane::new(0), Sequence::new(50)).await;
    let mut comparisons = 0;
    loop {
        let found = compared(&store, &history, Extent::All).await.unwrap();
        assert_eq!(found.differing, 0, "{found:?}");
        comparisons += 1;
        if found.through == history.head() {
            break;
        }
    }
    assert!(comparisons > 1, "the rows did change meanwhile");
    running.stop().await;
}

async fn a_sample_has_its_size(bench: impl Bench) {
    let (store, history) = projected(&bench, 500).await;
    let rows = bench.all_rows("product-details", 1).await.len() as u64;
    assert!(rows > 60, "{rows} rows");
    let of = async |seed| compared(&store, &history, Extent::Sample { rows: 20, seed }).await.unwrap();
    for seed in 0..5 {
        let found = of(seed).await;
        assert!((1..=20).contains(&found.rows), "{found:?}");
        assert_eq!(found.differing, 0, "{found:?}");
    }
}

async fn rows_of_another_history_are_refused(bench: impl Bench) {
    let (store, history) = projected(&bench, 120).await;
    let mut other = History::new(0);
    Story::of(9, &["acme"]).go_on(&mut other, 120);
    let found = compared(&store, &other, Extent::All).await;
    assert_eq!(found, Err(CompareError::OtherHistory(Sequence::new(120))));
    let mut short = History::new(0);
    Story::of(9, &["acme"]).go_on(&mut short, 60);
    let (checkpoint, head) = (history.head(), short.head());
    assert_eq!(
        compared(&store, &short, Extent::All).await,
        Err(CompareError::BeyondTheLog { checkpoint, head })
    );
    let fresh = bench.rows(read_store::ViewVersion { version: 9, ..version_of::<ProductDetails>() });
    fresh.prepare().await.unwrap();
    assert_eq!(compared(&fresh, &history, Extent::All).await, Err(CompareError::NotBegun));
}
