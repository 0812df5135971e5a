//! What every store must keep. Each rule is run on Postgres and on Redis.

use std::collections::BTreeSet;

use kernel::Epoch;
use read_store::{Advance, Builds, Checkpoint, RowStore, StoreError};
use uuid::Uuid;

use crate::bench::*;
use crate::on_both_stores;

on_both_stores!(
    a_lane_begins_at_zero_and_is_found_where_it_was_left,
    rows_and_checkpoint_are_written_together,
    a_tenant_s_rows_are_its_own,
    who_was_overtaken_writes_nothing,
    of_writers_at_once_exactly_one_wins,
    a_row_that_is_gone_is_found_no_more,
    rows_are_found_by_the_links_that_they_have_now,
    a_lookup_brings_no_more_than_was_asked_for,
    a_link_of_many_rows_is_folded_page_by_page,
    a_fan_out_of_one_who_was_overtaken_writes_nothing,
    a_fan_out_that_fails_leaves_the_checkpoint,
    every_row_of_a_lane_has_an_address,
    odd_characters_survive,
    a_later_version_serves_once_it_has_caught_up,
    an_earlier_version_never_replaces_a_later_one,
    a_build_of_a_later_history_is_read_once_it_has_caught_up_and_the_one_before_never_again,
    an_emptied_store_is_noticed,
    a_tenant_s_lane_is_remembered,
    preparing_is_repeatable_and_safe_at_once,
    lanes_do_not_touch_each_other,
);

async fn a_lane_begins_at_zero_and_is_found_where_it_was_left(bench: impl Bench) {
    let rows = bench.rows(version(1));
    rows.prepare().await.unwrap();
    assert_eq!(rows.begin(LANE).await.unwrap().0, at(0));
    rows.write(LANE, &step(0, 7), &[], &[]).await.unwrap();
    assert_eq!(rows.begin(LANE).await.unwrap().0, at(7));
    assert_eq!(bench.rows(version(1)).checkpoint(LANE).await.unwrap(), Some(at(7)));
}

async fn rows_and_checkpoint_are_written_together(bench: impl Bench) {
    let rows = bench.prepared().await;
    let changes = [row(&acme(), "a", 1, r#"{"n":1}"#, &[]), row(&acme(), "b", 2, r#"{"n":2}"#, &[])];
    rows.write(LANE, &step(0, 2), &changes, &[]).await.unwrap();
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(2)));
    assert_eq!(body(&rows, &acme(), "b").await, Some((2, r#"{"n":2}"#.to_owned())));
    rows.write(LANE, &step(2, 3), &[row(&acme(), "a", 3, r#"{"n":3}"#, &[])], &[]).await.unwrap();
    assert_eq!(body(&rows, &acme(), "a").await, Some((3, r#"{"n":3}"#.to_owned())));
    assert_eq!(body(&rows, &acme(), "c").await, None);
}

async fn a_tenant_s_rows_are_its_own(bench: impl Bench) {
    let rows = bench.prepared().await;
    let changes = [row(&acme(), "k", 1, r#"{"n":1}"#, &["l"]), row(&other(), "k", 2, r#"{"n":2}"#, &["l"])];
    rows.write(LANE, &step(0, 2), &changes, &[]).await.unwrap();
    assert_eq!(body(&rows, &acme(), "k").await, Some((1, r#"{"n":1}"#.to_owned())));
    assert_eq!(body(&rows, &other(), "k").await, Some((2, r#"{"n":2}"#.to_owned())));
    rows.write(LANE, &step(2, 3), &[gone(&acme(), "k", 3, &["l"])], &[]).await.unwrap();
    assert_eq!(body(&rows, &acme(), "k").await, None);
    assert_eq!(found(&rows, &acme(), "l").await, [""; 0]);
    assert_eq!(found(&rows, &other(), "l").await, ["k"]);
}

async fn who_was_overtaken_writes_nothing(bench: impl Bench) {
    let rows = bench.prepared().await;
    let loser = bench.rows(version(1));
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, r#"{"n":2}"#, &["l"])], &[]).await.unwrap();
    let late = [row(&acme(), "a", 1, r#"{"n":1}"#, &["m"]), row(&acme(), "b", 1, r#"{"n":1}"#, &["l"])];
    assert_eq!(loser.write(LANE, &step(0, 1), &late, &[]).await, Err(StoreError::Moved));
    assert_eq!(loser.write(LANE, &step(0, 1), &[], &[]).await, Err(StoreError::Moved));
    assert_eq!(
        loser.write(LANE, &step(0, 1), &[gone(&acme(), "a", 1, &["l"])], &[]).await,
        Err(StoreError::Moved)
    );
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(2)));
    assert_eq!(body(&rows, &acme(), "a").await, Some((2, r#"{"n":2}"#.to_owned())));
    assert_eq!(body(&rows, &acme(), "b").await, None);
    assert_eq!(found(&rows, &acme(), "l").await, ["a"]);
    assert_eq!(found(&rows, &acme(), "m").await, [""; 0]);
}

async fn of_writers_at_once_exactly_one_wins(bench: impl Bench) {
    let rows = bench.prepared().await;
    for round in 0..10 {
        let writers = (0..8).map(|writer| {
            let rows = bench.rows(version(1));
            async move {
                let body = format!(r#"{{"n":{writer}}}"#);
                let advance = step(round * 10, (round + 1) * 10);
                let written =
                    rows.write(LANE, &advance, &[row(&acme(), "a", round + 1, &body, &[])], &[]).await;
                (written, body)
            }
        });
        let outcomes = futures::future::join_all(writers).await;
        let winners: Vec<&String> =
            outcomes.iter().filter(|(outcome, _)| outcome.is_ok()).map(|(_, body)| body).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|(outcome, _)| matches!(outcome, Ok(()) | Err(StoreError::Moved))));
        assert_eq!(body(&rows, &acme(), "a").await, Some((round + 1, winners[0].clone())));
    }
}

async fn a_row_that_is_gone_is_found_no_more(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 1), &[row(&acme(), "a", 1, "{}", &["l"])], &[]).await.unwrap();
    rows.write(LANE, &step(1, 2), &[gone(&acme(), "a", 2, &["l"])], &[]).await.unwrap();
    assert_eq!(body(&rows, &acme(), "a").await, None);
    assert_eq!(found(&rows, &acme(), "l").await, [""; 0]);
    rows.write(LANE, &step(2, 3), &[gone(&acme(), "never-was", 3, &[])], &[]).await.unwrap();
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(3)));
}

async fn rows_are_found_by_the_links_that_they_have_now(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 1), &[row(&acme(), "a", 1, "{}", &["x", "y"])], &[]).await.unwrap();
    let mut moved = row(&acme(), "a", 2, "{}", &["y", "z"]);
    moved.links_before = row(&acme(), "a", 1, "{}", &["x", "y"]).links;
    rows.write(LANE, &step(1, 2), &[moved, row(&acme(), "b", 2, "{}", &["z"])], &[]).await.unwrap();
    assert_eq!(found(&rows, &acme(), "x").await, [""; 0]);
    assert_eq!(found(&rows, &acme(), "y").await, ["a"]);
    assert_eq!(found(&rows, &acme(), "z").await, ["a", "b"]);
    let wanted = [lookup(&acme(), "z"), lookup(&acme(), "x"), lookup(&acme(), "y")];
    let sizes: Vec<usize> =
        rows.linked(LANE, &wanted, 10).await.unwrap().iter().map(std::vec::Vec::len).collect();
    assert_eq!(sizes, [2, 0, 1], "each lookup has its own answer, in their order");
}

async fn a_lookup_brings_no_more_than_was_asked_for(bench: impl Bench) {
    let rows = bench.prepared().await;
    let many: Vec<_> = (0..20).map(|n| row(&acme(), &format!("k{n}"), 1, "{}", &["l"])).collect();
    rows.write(LANE, &step(0, 1), &many, &[]).await.unwrap();
    let pages = rows.linked(LANE, &[lookup(&acme(), "l"), lookup(&acme(), "l")], 7).await.unwrap();
    assert_eq!(pages.iter().map(std::vec::Vec::len).collect::<Vec<_>>(), [7, 7]);
}

async fn a_link_of_many_rows_is_folded_page_by_page(bench: impl Bench) {
    let rows = bench.prepared().await;
    let many: Vec<_> =
        (0..1234).map(|n| row(&acme(), &format!("k{n:04}"), 1, r#"{"n":1}"#, &["l"])).collect();
    rows.write(LANE, &step(0, 1), &many, &[]).await.unwrap();
    rows.write(LANE, &step(1, 2), &[row(&other(), "theirs", 2, r#"{"n":1}"#, &["l"])], &[]).await.unwrap();
    let (mut seen, mut largest) = (BTreeSet::new(), 0);
    let fold = |page: Vec<read_store::StoredRow>| {
        largest = largest.max(page.len());
        let changed = |stored: read_store::StoredRow| {
            assert!(seen.insert(stored.at.key.as_str().to_owned()), "a row came twice");
            // Every third goes, every other leaves the link.
            let number: usize = stored.at.key.as_str()[1..].parse().unwrap();
            let mut change = row(&stored.at.tenant, stored.at.key.as_str(), 3, r#"{"n":3}"#, &["m"]);
            change.links_before = row(&acme(), "", 0, "", &["l"]).links;
            if number.is_multiple_of(3) {
                change.body = None;
                change.links.clear();
            }
            change
        };
        Ok(page.into_iter().map(changed).collect::<Vec<_>>().into())
    };
    rows.write_linked(LANE, &step(2, 3), &lookup(&acme(), "l"), fold).await.unwrap();
    assert_eq!(seen.len(), 1234);
    assert!(largest <= 500, "a page of {largest} rows");
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(3)));
    assert_eq!(found(&rows, &acme(), "l").await, [""; 0]);
    assert_eq!(found(&rows, &acme(), "m").await.len(), 1234 - 412);
    assert_eq!(body(&rows, &acme(), "k0001").await, Some((3, r#"{"n":3}"#.to_owned())));
    assert_eq!(body(&rows, &acme(), "k0003").await, None);
    assert_eq!(found(&rows, &other(), "l").await, ["theirs"]);
}

async fn a_fan_out_of_one_who_was_overtaken_writes_nothing(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, r#"{"n":2}"#, &["l"])], &[]).await.unwrap();
    let loser = bench.rows(version(1));
    let fold = |page: Vec<read_store::StoredRow>| {
        Ok(page
            .into_iter()
            .map(|stored| row(&stored.at.tenant, stored.at.key.as_str(), 9, "{}", &[]))
            .collect::<Vec<_>>()
            .into())
    };
    let written = loser.write_linked(LANE, &step(1, 3), &lookup(&acme(), "l"), fold).await;
    assert_eq!(written, Err(StoreError::Moved));
    assert_eq!(body(&rows, &acme(), "a").await, Some((2, r#"{"n":2}"#.to_owned())));
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(2)));
}

async fn a_fan_out_that_fails_leaves_the_checkpoint(bench: impl Bench) {
    let rows = bench.prepared().await;
    let many: Vec<_> = (0..1100).map(|n| row(&acme(), &format!("k{n:04}"), 1, "{}", &["l"])).collect();
    rows.write(LANE, &step(0, 1), &many, &[]).await.unwrap();
    let mut pages = 0;
    let fold = |page: Vec<read_store::StoredRow>| {
        pages += 1;
        if pages == 2 {
            return Err(StoreError::Unfoldable("no".to_owned()));
        }
        let stamped = |stored: read_store::StoredRow| {
            let mut change = row(&stored.at.tenant, stored.at.key.as_str(), 2, "{}", &["l"]);
            change.links_before = change.links.clone();
            change
        };
        Ok(page.into_iter().map(stamped).collect::<Vec<_>>().into())
    };
    let written = rows.write_linked(LANE, &step(1, 2), &lookup(&acme(), "l"), fold).await;
    assert_eq!(written, Err(StoreError::Unfoldable("no".to_owned())));
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(1)));
    assert_eq!(found(&rows, &acme(), "l").await.len(), 1100);
}

async fn every_row_of_a_lane_has_an_address(bench: impl Bench) {
    let rows = bench.prepared().await;
    let elsewhere = kernel::Lane::new(4);
    rows.begin(elsewhere).await.unwrap();
    let odd = r"a/*?[b]\";
    rows.settle(LANE, &[acme()]).await.unwrap();
    rows.settle(elsewhere, &[other()]).await.unwrap();
    let mut many: Vec<_> = (0..6_000).map(|n| row(&acme(), &format!("k{n:05}"), 1, "{}", &["l"])).collect();
    many.push(row(&acme(), odd, 1, "{}", &[]));
    rows.write(LANE, &step(0, 1), &many, &[]).await.unwrap();
    rows.write(elsewhere, &step(0, 1), &[row(&other(), "theirs", 1, "{}", &[])], &[]).await.unwrap();
    let (mut found, mut from) = (BTreeSet::new(), None);
    loop {
        let (page, next) = rows.addresses(LANE, from).await.unwrap();
        found.extend(page);
        let Some(next) = next else { break };
        from = Some(next);
    }
    assert_eq!(found, many.into_iter().map(|row| row.at).collect());
}

async fn odd_characters_survive(bench: impl Bench) {
    let rows = bench.prepared().await;
    let odd = r#"a/"b"\{c},d:e ünï*[?]"#;
    let text = format!(r#"{{"text":{:?}}}"#, "quote \" brace } and \u{1f600}");
    rows.write(LANE, &step(0, 1), &[row(&acme(), odd, 1, &text, &[odd, "plain"])], &[]).await.unwrap();
    assert_eq!(body(&rows, &acme(), odd).await, Some((1, text)));
    assert_eq!(found(&rows, &acme(), odd).await, [odd]);
    assert_eq!(found(&rows, &acme(), "plain").await, [odd]);
}

async fn a_later_version_serves_once_it_has_caught_up(bench: impl Bench) {
    let old = bench.prepared().await;
    old.write(LANE, &step(0, 5), &[row(&acme(), "a", 5, r#"{"v":1}"#, &[])], &[]).await.unwrap();
    assert!(old.caught_up(LANE, &at(5)).await.unwrap());
    assert_eq!(bench.read(&acme(), "a").await.unwrap().row.unwrap().stamp.number(), 5);

    let new = bench.rows(version(2));
    new.prepare().await.unwrap();
    assert_eq!(new.begin(LANE).await.unwrap(), (at(0), false));
    new.write(LANE, &step(0, 4), &[row(&acme(), "a", 4, r#"{"v":2}"#, &[])], &[]).await.unwrap();
    assert!(!new.caught_up(LANE, &at(4)).await.unwrap(), "one event behind the version that serves");
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 5);

    new.write(LANE, &step(4, 6), &[row(&acme(), "a", 6, r#"{"v":2}"#, &[])], &[]).await.unwrap();
    assert!(new.caught_up(LANE, &at(6)).await.unwrap());
    let read = bench.read(&acme(), "a").await.unwrap();
    assert_eq!(read.reflects.number(), 6);
    assert!(read.row.unwrap().body.contains('2'));
    // The old version is fed on, and no longer read.
    old.write(LANE, &step(5, 9), &[row(&acme(), "a", 9, r#"{"v":1}"#, &[])], &[]).await.unwrap();
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 6);
    assert!(new.begin(LANE).await.unwrap().1);
}

async fn a_build_of_a_later_history_is_read_once_it_has_caught_up_and_the_one_before_never_again(
    bench: impl Bench,
) {
    let old = bench.prepared().await;
    old.write(LANE, &step(0, 9), &[row(&acme(), "a", 9, r#"{"v":1}"#, &[])], &[]).await.unwrap();
    assert!(old.caught_up(LANE, &at(9)).await.unwrap());

    // The log was restored as it was at 4, and goes on as another history.
    let restored = Checkpoint { epoch: Some(Epoch(Uuid::from_u128(10))), ..at(4) };
    let new = bench.rows(version(2));
    new.prepare().await.unwrap();
    new.begin(LANE).await.unwrap();
    let advance = Advance { from: at(0), to: restored };
    new.write(LANE, &advance, &[row(&acme(), "a", 4, r#"{"v":2}"#, &[])], &[]).await.unwrap();
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 9);
    assert!(new.caught_up(LANE, &restored).await.unwrap());
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 4);

    assert!(!old.serve_again(&[LANE]).await.unwrap(), "the rows of what was lost");
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 4);
}

async fn an_earlier_version_never_replaces_a_later_one(bench: impl Bench) {
    let new = bench.rows(version(2));
    new.prepare().await.unwrap();
    new.begin(LANE).await.unwrap();
    assert!(new.caught_up(LANE, &at(0)).await.unwrap());
    let old = bench.prepared().await;
    old.write(LANE, &step(0, 5), &[], &[]).await.unwrap();
    assert!(!old.caught_up(LANE, &at(5)).await.unwrap());
    assert!(!old.begin(LANE).await.unwrap().1);
    assert_eq!(bench.read(&acme(), "a").await.unwrap().reflects.number(), 0);
}

async fn an_emptied_store_is_noticed(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 5), &[row(&acme(), "a", 5, "{}", &["l"])], &[]).await.unwrap();
    bench.empty().await;
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), None);
    let written = rows.write(LANE, &step(5, 6), &[row(&acme(), "b", 6, "{}", &[])], &[]).await;
    assert_eq!(written, Err(StoreError::Moved));
    assert_eq!(rows.begin(LANE).await.unwrap().0, at(0));
    assert_eq!(body(&rows, &acme(), "b").await, None);
}

async fn a_tenant_s_lane_is_remembered(bench: impl Bench) {
    let rows = bench.prepared().await;
    assert_eq!(bench.lane_of(&acme()).await, None);
    rows.settle(LANE, &[other(), acme()]).await.unwrap();
    rows.settle(LANE, &[acme()]).await.unwrap();
    assert_eq!(bench.lane_of(&acme()).await, Some(LANE));
    assert_eq!(bench.lane_of(&other()).await, Some(LANE));
}

async fn preparing_is_repeatable_and_safe_at_once(bench: impl Bench) {
    let stores: Vec<_> = (0..6).map(|n| bench.rows(version(1 + n % 2))).collect();
    for prepared in futures::future::join_all(stores.iter().map(RowStore::prepare)).await {
        prepared.unwrap();
    }
    stores[0].begin(LANE).await.unwrap();
    stores[0].write(LANE, &step(0, 1), &[row(&acme(), "a", 1, "{}", &[])], &[]).await.unwrap();
    stores[2].prepare().await.unwrap();
    assert_eq!(body(&stores[2], &acme(), "a").await, Some((1, "{}".to_owned())));
}

async fn lanes_do_not_touch_each_other(bench: impl Bench) {
    let rows = bench.prepared().await;
    let elsewhere = kernel::Lane::new(4);
    rows.begin(elsewhere).await.unwrap();
    rows.write(LANE, &step(0, 5), &[], &[]).await.unwrap();
    assert_eq!(rows.checkpoint(elsewhere).await.unwrap(), Some(at(0)));
    rows.write(elsewhere, &step(0, 2), &[], &[]).await.unwrap();
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(5)));
}
