use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;

#[derive(Debug, Default)]
struct Fake {
    sequence: AtomicU64,
    polls: AtomicUsize,
}

impl Positions for Arc<Fake> {
    async fn of(&self, places: &[Place]) -> Result<Vec<Result<Sequence, ReadError>>, ReadError> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        // Every poll sees one more event.
        let reached = Sequence::new(self.sequence.fetch_add(1, Ordering::SeqCst));
        if reached.number() > 1_000_000 {
            return Err(ReadError::Away("gone".to_owned()));
        }
        Ok(places.iter().map(|_| Ok(reached)).collect())
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[tokio::test]
async fn all_who_wait_share_one_poll_and_it_ends_with_them() {
    let fake = Arc::new(Fake::default());
    let waits = Waits::new("fake", Arc::clone(&fake));
    let one = |n: u64| waits.wait_until("v", Lane::new(0), Sequence::new(n), soon());
    let (a, b, c) = tokio::join!(one(5), one(7), one(9));
    assert_eq!((a, b, c), (Ok(true), Ok(true), Ok(true)));
    let polls = fake.polls.load(Ordering::SeqCst);
    assert!(polls <= 11, "{polls} polls for three who waited together");
    while waits.0.lock().polling {
        tokio::task::yield_now().await;
    }
    assert!(waits.0.lock().places.is_empty());
}

#[tokio::test]
async fn a_deadline_ends_a_wait_and_leaves_the_others_waiting() {
    let fake = Arc::new(Fake::default());
    let waits = Waits::new("fake", fake);
    let past = waits.wait_until("v", Lane::new(0), Sequence::new(1_000_000), Instant::now());
    let met = waits.wait_until("v", Lane::new(0), Sequence::new(3), soon());
    assert_eq!(tokio::join!(past, met), (Ok(false), Ok(true)));
}

#[tokio::test]
async fn a_store_that_is_away_is_told_at_once() {
    let fake = Arc::new(Fake { sequence: AtomicU64::new(2_000_000), ..Fake::default() });
    let waits = Waits::new("fake", fake);
    let answer = waits.wait_until("v", Lane::new(0), Sequence::new(3), soon()).await;
    assert_eq!(answer, Err(ReadError::Away("gone".to_owned())));
}
