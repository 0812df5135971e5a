use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::Health;

#[tokio::test(start_paused = true)]
async fn it_tries_until_it_succeeds_and_tells_the_dependency() {
    let dependency = Health::new().dependency("postgres");
    let mut attempts = 0;
    let found = wait_for(&dependency, &CancellationToken::new(), || {
        attempts += 1;
        std::future::ready(if attempts < 20 {
            Err(anyhow::anyhow!("connection refused"))
        } else {
            Ok(attempts)
        })
    })
    .await;
    assert_eq!(found, Some(20));
    assert!(dependency.is_ready());
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_the_dependency_says_why() {
    let health = Health::new();
    let dependency = health.dependency("postgres");
    let token = CancellationToken::new();
    let stop = token.clone();
    let mut attempts = 0;
    let found: Option<()> = wait_for(&dependency, &token, || {
        attempts += 1;
        if attempts == 2 {
            stop.cancel();
        }
        let refused = anyhow::anyhow!("connection refused");
        async { Err(refused.context("cannot connect: connection refused").context("cannot migrate")) }
    })
    .await;
    assert_eq!(found, None);
    let readiness = health.readiness();
    assert_eq!(
        readiness.dependencies[0].why.as_deref(),
        Some("cannot migrate: cannot connect: connection refused")
    );
}

#[tokio::test]
async fn it_ends_at_once_when_cancelled_in_the_middle_of_an_attempt() {
    let dependency = Health::new().dependency("postgres");
    let token = CancellationToken::new();
    let tries = Arc::new(AtomicUsize::new(0));
    let (stop, counted) = (token.clone(), Arc::clone(&tries));
    // In a task of its own: a service waits in one, so the future must be `Send` with borrowed state in it.
    let waiting = tokio::spawn(async move {
        wait_for(&dependency, &token, async || {
            counted.fetch_add(1, Ordering::SeqCst);
            stop.cancel();
            std::future::pending::<anyhow::Result<()>>().await
        })
        .await
    });
    assert_eq!(waiting.await.unwrap(), None);
    assert_eq!(tries.load(Ordering::SeqCst), 1);
}

#[test]
fn delays_double_up_to_the_longest_and_are_shortened_by_at_most_half() {
    let mut backoff = Backoff::default();
    let mut whole = Duration::from_millis(50);
    for _ in 0..12 {
        let delay = backoff.next_delay();
        assert!(delay <= whole && delay >= whole / 2, "{delay:?} for {whole:?}");
        whole = (whole * 2).min(Duration::from_secs(5));
    }
    assert_eq!(whole, Duration::from_secs(5));
}
