//! Values that at most one stream of a tenant holds.

use event_log::AppendError;
use futures::future::join_all;

use crate::support::{And, CONTEXT, Fixture, neighbours, recording, some_stream, tenant};

#[tokio::test]
async fn a_claim_is_held_by_one_stream_until_it_is_given_back() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let (first, second) = (some_stream("product"), some_stream("product"));
    fixture.append(&acme, recording(&first, 0, 1).taking("a")).await.unwrap();

    let refused = fixture.append(&acme, recording(&second, 0, 1).taking("b").taking("a")).await;
    assert!(matches!(refused, Err(AppendError::ClaimTaken { index: 1 })), "{refused:?}");
    let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", "b"), ("sku", "a"), ("name", "a")]).await;
    assert_eq!(held.unwrap(), [None, Some(first.clone()), None]);

    fixture.append(&acme, recording(&second, 0, 1).releasing("a")).await.unwrap();
    let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a")]).await.unwrap();
    assert_eq!(held, [Some(first.clone())], "only the holder gives a value back");

    fixture.append(&acme, recording(&first, 1, 1).releasing("a").taking("c")).await.unwrap();
    fixture.append(&acme, recording(&second, 1, 1).taking("a")).await.unwrap();
    let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a"), ("sku", "c")]).await.unwrap();
    assert_eq!(held, [Some(second), Some(first)]);
}

#[tokio::test]
async fn a_claim_that_is_given_back_at_once_is_refused_where_another_holds_it() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    fixture.append(&acme, recording(&some_stream("product"), 0, 1).taking("a")).await.unwrap();
    let refused = recording(&some_stream("product"), 0, 1).taking("a").releasing("a");
    let refused = fixture.append(&acme, refused).await;
    assert!(matches!(refused, Err(AppendError::ClaimTaken { index: 0 })), "{refused:?}");
}

#[tokio::test]
async fn taking_what_the_stream_holds_already_changes_nothing() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    fixture.append(&acme, recording(&stream, 0, 1).taking("a")).await.unwrap();
    fixture.append(&acme, recording(&stream, 1, 1).taking("a")).await.unwrap();
    fixture.append(&acme, recording(&stream, 2, 1).releasing("a").taking("a")).await.unwrap();
    let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a")]).await.unwrap();
    assert_eq!(held, [Some(stream.clone())]);
    fixture.append(&acme, recording(&stream, 3, 1).taking("a").releasing("a")).await.unwrap();
    assert_eq!(fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a")]).await.unwrap(), [None]);
}

#[tokio::test]
async fn a_claim_raced_by_two_commands_has_one_winner_within_and_across_services() {
    let fixture = Fixture::new().await;
    let other = fixture.another(Default::default());
    let acme = tenant("acme");
    for round in 0..10 {
        let value = format!("value-{round}");
        let streams = [(); 6].map(|()| some_stream("product"));
        let races = streams.iter().enumerate().map(|(index, stream)| {
            let log = if index % 2 == 0 { &fixture.log } else { &other };
            log.append(CONTEXT, &acme, recording(stream, 0, 1).taking(&value))
        });
        let outcomes = join_all(races).await;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let losers = outcomes.iter().filter(|o| matches!(o, Err(AppendError::ClaimTaken { index: 0 })));
        assert_eq!(losers.count(), streams.len() - 1, "{outcomes:?}");
        let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", &value)]).await.unwrap();
        assert_eq!(held, [Some(winners[0].stream.clone())]);
    }
    let log = fixture.log_of(&acme).await;
    assert_eq!(fixture.events(&log).await.len(), 10, "losers record nothing");
}

#[tokio::test]
async fn a_claim_raced_by_two_tenants_has_two_winners() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let log = fixture.log_of(&mine).await;
    fixture.log.lane_of(&theirs).await.unwrap();
    let (my_stream, their_stream) = (some_stream("product"), some_stream("product"));
    let outcomes = fixture
        .together(
            &log,
            vec![
                (&mine, recording(&my_stream, 0, 1).taking("a")),
                (&theirs, recording(&their_stream, 0, 1).taking("a")),
            ],
        )
        .await;
    let times: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().recorded_at).collect();
    assert_eq!(times[0], times[1], "they were decided in one batch");
    let held = fixture.log.claims_held(CONTEXT, &mine, &[("sku", "a")]).await.unwrap();
    assert_eq!(held, [Some(my_stream)]);
    let held = fixture.log.claims_held(CONTEXT, &theirs, &[("sku", "a")]).await.unwrap();
    assert_eq!(held, [Some(their_stream)]);
}
