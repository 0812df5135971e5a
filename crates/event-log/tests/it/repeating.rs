//! Commands that are sent again.

use std::time::Duration;

use event_log::{AppendError, Options};
use futures::future::join_all;

use crate::support::{And, CONTEXT, Fixture, recording, some_stream, tenant};

#[tokio::test]
async fn a_key_keeps_its_answer() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let receipt = fixture.append(&acme, recording(&stream, 0, 2).once("k")).await.unwrap();
    fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await.unwrap();

    let kept = fixture.log.answer_for(CONTEXT, &acme, "k").await.unwrap();
    assert_eq!(kept, Some((receipt.clone(), [7; 32])));
    let again = fixture.append(&acme, recording(&stream, 2, 1).once("k").taking("a")).await;
    let Err(AppendError::AlreadyDone(found, body)) = again else { panic!("{again:?}") };
    assert_eq!((*found, body), (receipt, [7; 32]));
    assert_eq!(fixture.events(&fixture.log_of(&acme).await).await.len(), 3);
    assert!(fixture.log.answer_for(CONTEXT, &acme, "other").await.unwrap().is_none());
    assert!(fixture.log.answer_for("orders", &acme, "k").await.unwrap().is_none());
}

#[tokio::test]
async fn a_refused_command_leaves_no_key() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let refused = fixture.append(&acme, recording(&stream, 4, 1).once("k")).await;
    assert!(matches!(refused, Err(AppendError::Stale { .. })));
    assert!(fixture.log.answer_for(CONTEXT, &acme, "k").await.unwrap().is_none());
    fixture.append(&acme, recording(&stream, 0, 1).once("k")).await.unwrap();
}

#[tokio::test]
async fn a_command_that_changed_nothing_keeps_its_answer_too() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    fixture.append(&acme, recording(&stream, 0, 2)).await.unwrap();
    let receipt = fixture.append(&acme, recording(&stream, 2, 0).once("k")).await.unwrap();
    let kept = fixture.log.answer_for(CONTEXT, &acme, "k").await.unwrap();
    assert_eq!(kept, Some((receipt, [7; 32])));
}

#[tokio::test]
async fn a_key_raced_by_itself_has_one_effect_and_one_answer() {
    let fixture = Fixture::new().await;
    let other = fixture.another(Options::default());
    let acme = tenant("acme");
    let appends = (0..12).map(|index| {
        let log = if index % 2 == 0 { &fixture.log } else { &other };
        log.append(CONTEXT, &acme, recording(&some_stream("product"), 0, 1).once("k"))
    });
    let outcomes = join_all(appends).await;
    let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let AppendError::AlreadyDone(receipt, _) = outcome else { panic!("{outcome:?}") };
        assert_eq!(&**receipt, winners[0]);
    }
    assert_eq!(fixture.events(&winners[0].log).await.len(), 1);
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_time_is_over_unless_it_is_kept_for_ever() {
    let options = Options { once_lifetime: Duration::ZERO, ..Options::default() };
    let fixture = Fixture::with(options).await;
    let acme = tenant("acme");
    for key in ["a", "b", "c"] {
        fixture.append(&acme, recording(&some_stream("product"), 0, 1).once(key)).await.unwrap();
    }
    fixture.append(&acme, recording(&some_stream("product"), 0, 1).once_for_ever("d")).await.unwrap();

    assert!(fixture.log.answer_for(CONTEXT, &acme, "a").await.unwrap().is_none());
    fixture.append(&acme, recording(&some_stream("product"), 0, 1).once("a")).await.unwrap();
    assert_eq!(fixture.log.clear_expired_keys(2).await.unwrap(), 2, "in bounded steps");
    assert_eq!(fixture.log.clear_expired_keys(2).await.unwrap(), 1);
    assert_eq!(fixture.log.clear_expired_keys(2).await.unwrap(), 0);
    assert!(fixture.log.answer_for(CONTEXT, &acme, "d").await.unwrap().is_some());
}

#[tokio::test]
async fn a_key_whose_time_is_not_over_is_not_cleared_away() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    fixture.append(&acme, recording(&some_stream("product"), 0, 1).once("k")).await.unwrap();
    assert_eq!(fixture.log.clear_expired_keys(10).await.unwrap(), 0);
    assert!(fixture.log.answer_for(CONTEXT, &acme, "k").await.unwrap().is_some());
}

#[tokio::test]
async fn an_append_that_is_sent_again_is_recognised_by_its_first_event() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    for append in
        [recording(&stream, 0, 2), recording(&stream, 2, 1).taking("a"), recording(&stream, 3, 1).once("k")]
    {
        let receipt = fixture.append(&acme, append.clone()).await.unwrap();
        let again = fixture.append(&acme, append.clone()).await.unwrap();
        assert_eq!(again, receipt);
        let elsewhere = fixture.another(Options::default()).append(CONTEXT, &acme, append).await.unwrap();
        assert_eq!(elsewhere, receipt);
    }
    assert_eq!(fixture.events(&fixture.log_of(&acme).await).await.len(), 4);
}
