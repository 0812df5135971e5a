//! Large writes: what every store must keep of rows that come in in bulk.

use std::iter;

use read_store::{Advance, Many, RowChange, RowStore, StoreError};

use crate::bench::*;
use crate::on_both_stores;

on_both_stores!(
    new_rows_and_known_ones_are_written_with_the_checkpoint,
    odd_characters_and_links_survive_in_bulk,
    who_was_overtaken_writes_nothing_in_bulk,
    a_row_that_cannot_be_made_leaves_the_checkpoint,
    a_write_that_was_cut_off_is_repeated_and_loses_nothing,
    of_two_that_write_in_bulk_at_once_one_wins_and_its_rows_stand,
);

type Made = Vec<Result<RowChange, StoreError>>;

async fn write(
    rows: &impl RowStore,
    advance: Advance,
    new: Vec<RowChange>,
    known: Vec<RowChange>,
) -> Result<(), StoreError> {
    let made = |rows: Vec<RowChange>| rows.into_iter().map(Ok).collect::<Made>().into_iter();
    rows.write_many(LANE, &advance, Many { new: made(new), known: made(known) }, &[]).await
}

async fn new_rows_and_known_ones_are_written_with_the_checkpoint(bench: impl Bench) {
    let rows = bench.prepared().await;
    let many = |stamp: u64| {
        let body = format!(r#"{{"n":{stamp}}}"#);
        (0..5_000).map(|n| row(&acme(), &format!("k{n:04}"), stamp, &body, &["l"])).collect::<Vec<_>>()
    };
    write(&rows, step(0, 7), many(7), Vec::new()).await.unwrap();
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(7)));
    assert_eq!(body(&rows, &acme(), "k0000").await, Some((7, r#"{"n":7}"#.to_owned())));
    assert_eq!(rows.linked(LANE, &[lookup(&acme(), "l")], 9_999).await.unwrap()[0].len(), 5_000);

    let mut known = many(9);
    for row in &mut known {
        row.links_before.clone_from(&row.links);
    }
    known[1] = gone(&acme(), "k0001", 9, &["l"]);
    write(&rows, step(7, 9), vec![row(&other(), "k0000", 9, r#"{"n":1}"#, &["l"])], known).await.unwrap();
    assert_eq!(body(&rows, &acme(), "k0000").await, Some((9, r#"{"n":9}"#.to_owned())));
    assert_eq!(body(&rows, &acme(), "k0001").await, None);
    assert_eq!(body(&rows, &other(), "k0000").await, Some((9, r#"{"n":1}"#.to_owned())));
    assert_eq!(rows.linked(LANE, &[lookup(&acme(), "l")], 9_999).await.unwrap()[0].len(), 4_999);
    write(&rows, step(9, 10), Vec::new(), Vec::new()).await.unwrap();
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(10)));
}

async fn odd_characters_and_links_survive_in_bulk(bench: impl Bench) {
    let rows = bench.prepared().await;
    let text = "tab\t line\n \\N \\ \"quoted\" {brace,} ü 漢 \u{1f600}";
    let text_of = |text: &str| serde_json::to_string(&serde_json::json!({ "text": text })).unwrap();
    let new = vec![
        row(&acme(), text, 1, &text_of(text), &["a \"b\" \\ {c}", "", "NULL"]),
        row(&acme(), "plain", 1, "{}", &[]),
    ];
    write(&rows, step(0, 1), new, Vec::new()).await.unwrap();
    let (_, found_body) = body(&rows, &acme(), text).await.unwrap();
    let read: serde_json::Value = serde_json::from_str(&found_body).unwrap();
    assert_eq!(read["text"], text);
    assert_eq!(found(&rows, &acme(), "a \"b\" \\ {c}").await, [text]);
    assert_eq!(found(&rows, &acme(), "NULL").await, [text]);
    assert_eq!(body(&rows, &acme(), "plain").await, Some((1, "{}".to_owned())));
}

async fn who_was_overtaken_writes_nothing_in_bulk(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[row(&acme(), "a", 2, r#"{"n":2}"#, &[])], &[]).await.unwrap();
    let late = vec![row(&acme(), "a", 1, r#"{"n":1}"#, &["l"]), row(&acme(), "b", 1, r#"{"n":1}"#, &[])];
    assert_eq!(write(&rows, step(0, 1), late.clone(), Vec::new()).await, Err(StoreError::Moved));
    assert_eq!(write(&rows, step(0, 1), Vec::new(), late).await, Err(StoreError::Moved));
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(2)));
    assert_eq!(body(&rows, &acme(), "a").await, Some((2, r#"{"n":2}"#.to_owned())));
    assert_eq!(body(&rows, &acme(), "b").await, None);
    assert_eq!(found(&rows, &acme(), "l").await, [""; 0]);
}

async fn a_row_that_cannot_be_made_leaves_the_checkpoint(bench: impl Bench) {
    let rows = bench.prepared().await;
    let failed = || Err(StoreError::Unfoldable("it has no JSON".to_owned()));
    let new =
        (0..1_000).map(|n| Ok(row(&acme(), &format!("k{n}"), 1, "{}", &[]))).chain(iter::once_with(failed));
    let written = rows.write_many(LANE, &step(0, 1), Many { new, known: iter::empty() }, &[]).await;
    assert_eq!(written, failed().map(|_: RowChange| ()));
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(0)));
    // The connection that it was given up on is good for others.
    let known = iter::once(Ok(row(&acme(), "a", 1, "{}", &[]))).chain(iter::once_with(failed));
    let written = rows.write_many(LANE, &step(0, 1), Many { new: iter::empty(), known }, &[]).await;
    assert_eq!(written, failed().map(|_: RowChange| ()));
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(0)));
}

async fn a_write_that_was_cut_off_is_repeated_and_loses_nothing(bench: impl Bench) {
    let rows = bench.prepared().await;
    write(&rows, step(0, 1), vec![row(&acme(), "old", 1, "{}", &["l"])], Vec::new()).await.unwrap();
    // It ends, as a crash ends it, behind rows of which one is gone.
    let known = iter::once(Ok(gone(&acme(), "old", 2, &["l"])))
        .chain((0..2_000).map(|n| Ok(row(&acme(), &format!("k{n}"), 2, "{}", &["l"]))))
        .chain(iter::once_with(|| Err(StoreError::Unavailable("cut off".to_owned()))));
    let cut = rows.write_many(LANE, &step(1, 2), Many { new: iter::empty(), known }, &[]).await;
    assert!(cut.is_err());
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(1)));
    assert_eq!(
        body(&rows, &acme(), "old").await,
        Some((1, "{}".to_owned())),
        "what the checkpoint has is there"
    );
    let known: Vec<_> = iter::once(gone(&acme(), "old", 2, &["l"]))
        .chain((0..2_000).map(|n| row(&acme(), &format!("k{n}"), 2, r#"{"n":2}"#, &["l"])))
        .collect();
    write(&rows, step(1, 2), Vec::new(), known).await.unwrap();
    assert_eq!(body(&rows, &acme(), "old").await, None);
    assert_eq!(body(&rows, &acme(), "k1999").await, Some((2, r#"{"n":2}"#.to_owned())));
    assert_eq!(rows.linked(LANE, &[lookup(&acme(), "l")], 9_999).await.unwrap()[0].len(), 2_000);
}

async fn of_two_that_write_in_bulk_at_once_one_wins_and_its_rows_stand(bench: impl Bench) {
    let rows = bench.prepared().await;
    for round in 0..5 {
        let writers = (1..=2_u64).map(|writer| {
            let rows = bench.rows(version(1));
            let body = format!(r#"{{"n":{writer}}}"#);
            // They have come to different places.
            let to = round * 10 + 2 + writer;
            let many: Vec<_> = (0..3_000).map(|n| row(&acme(), &format!("k{n}"), to, &body, &[])).collect();
            async move { write(&rows, step(round * 10, to), Vec::new(), many).await.map(|()| (to, writer)) }
        });
        let outcomes = futures::future::join_all(writers).await;
        let winners: Vec<_> = outcomes.iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let (to, writer) = *winners[0];
        for key in ["k0", "k1500", "k2999"] {
            assert_eq!(body(&rows, &acme(), key).await, Some((to, format!(r#"{{"n":{writer}}}"#))));
        }
        rows.write(LANE, &step(to, (round + 1) * 10), &[], &[]).await.unwrap();
    }
}
