//! What queries get, from either store.

use kernel::Sequence;
use read_store::RowStore;

use crate::bench::*;
use crate::on_both_stores;

on_both_stores!(a_row_comes_with_what_it_reflects, who_waits_is_told_when_it_is_there_and_no_earlier,);

async fn a_row_comes_with_what_it_reflects(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 4), &[row(&acme(), "a", 3, r#"{"n":3}"#, &[])], &[]).await.unwrap();
    rows.caught_up(LANE, &at(4)).await.unwrap();
    let read = bench.read(&acme(), "a").await.unwrap();
    assert_eq!(read.reflects, Sequence::new(4));
    let found = read.row.unwrap();
    assert_eq!((found.stamp, found.body.replace(": ", ":")), (Sequence::new(3), r#"{"n":3}"#.to_owned()));

    let absent = bench.read(&other(), "a").await.unwrap();
    assert_eq!((absent.row, absent.reflects), (None, Sequence::new(4)), "another tenant has no such row");
}

async fn who_waits_is_told_when_it_is_there_and_no_earlier(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.caught_up(LANE, &at(0)).await.unwrap();
    assert_eq!(bench.wait_until(1, 0).await, Ok(false));
    let waiting = bench.wait_until(2, 60);
    let writing = async {
        rows.write(LANE, &step(0, 1), &[], &[]).await.unwrap();
        rows.write(LANE, &step(1, 2), &[], &[]).await.unwrap();
    };
    let (reached, ()) = tokio::join!(waiting, writing);
    assert_eq!(reached, Ok(true));
    assert_eq!(bench.wait_until(2, 60).await, Ok(true));
}
