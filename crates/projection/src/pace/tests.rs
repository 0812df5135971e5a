use super::*;

fn throttled(per_second: u32) -> BuildOptions {
    BuildOptions { throttle: NonZeroU32::new(per_second), ..BuildOptions::default() }
}

#[test]
fn a_rate_is_shared_by_all_lanes() {
    let pace = Pace::beside(None, throttled(100));
    let first = pace.book(50, 100);
    let second = pace.book(100, 100);
    assert_eq!((second - first).as_millis(), 1000);
    assert_eq!((pace.book(1, 100) - second).as_millis(), 10);
}

#[tokio::test]
async fn what_is_read_is_held_back_by_nothing() {
    let pace = Pace::beside(None, throttled(1));
    pace.set_free();
    let freed = tokio::time::timeout(Duration::from_secs(60), pace.after(1_000_000)).await;
    assert!(freed.is_ok());
}
