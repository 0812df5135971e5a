use super::*;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn all_parts_end_when_the_token_is_cancelled() {
    let token = CancellationToken::new();
    let mut tasks = Tasks::new(&token);
    for name in ["one", "two"] {
        let stop = tasks.token();
        tasks.spawn(name, async move {
            stop.cancelled().await;
            anyhow::Ok(())
        });
    }
    token.cancel();
    tasks.finish(SOON).await.unwrap();
}

#[tokio::test]
async fn a_failing_part_stops_the_others_and_is_the_answer() {
    let token = CancellationToken::new();
    let mut tasks = Tasks::new(&token);
    let stop = tasks.token();
    tasks.spawn("steady", async move {
        stop.cancelled().await;
        anyhow::Ok(())
    });
    tasks.spawn("broken", async { Err(anyhow!("no such table")) });
    let failure = tasks.finish(SOON).await.unwrap_err();
    assert_eq!(format!("{failure:#}"), "broken failed: no such table");
    assert!(!token.is_cancelled(), "who shares the token decides for himself");
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let mut tasks = Tasks::new(&CancellationToken::new());
    tasks.spawn("steady", std::future::pending::<anyhow::Result<()>>());
    tasks.spawn("broken", async {
        if tasks_may_panic() {
            panic!("index {} is out of range", 7);
        }
        anyhow::Ok(())
    });
    let failure = tasks.finish(Duration::ZERO).await.unwrap_err();
    assert_eq!(format!("{failure:#}"), "broken failed: panicked: index 7 is out of range");
}

fn tasks_may_panic() -> bool {
    true
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_end_in_time_is_aborted() {
    let token = CancellationToken::new();
    let mut tasks = Tasks::new(&token);
    let (dropped, noticed) = tokio::sync::oneshot::channel::<()>();
    tasks.spawn("stubborn", async move {
        let _held = dropped;
        std::future::pending::<anyhow::Result<()>>().await
    });
    token.cancel();
    tasks.finish(Duration::from_secs(3)).await.unwrap();
    assert!(noticed.await.is_err(), "the part's state was dropped");
}

#[tokio::test]
async fn a_part_that_ends_well_leaves_the_others_running() {
    let token = CancellationToken::new();
    let mut tasks = Tasks::new(&token);
    let (ended, first_ended) = tokio::sync::oneshot::channel::<()>();
    let stop = tasks.token();
    tasks.spawn("once", async move {
        let _ended = ended;
        anyhow::Ok(())
    });
    tasks.spawn("steady", async move {
        let _ = first_ended.await;
        anyhow::ensure!(!stop.is_cancelled(), "cancelled too early");
        Ok(())
    });
    tasks.finish(SOON).await.unwrap();
}
