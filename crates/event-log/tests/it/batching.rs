//! Commands that share a transaction.

use event_log::{AppendError, Options};
use kernel::{Sequence, StreamVersion};

use crate::support::{And, CONTEXT, Fixture, assert_dense, eventually, recording, some_stream, tenant};

#[tokio::test]
async fn commands_that_come_together_are_committed_together() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let appends = (0..20).map(|_| (&acme, recording(&some_stream("product"), 0, 2))).collect();
    let outcomes = fixture.together(&log, appends).await;
    let receipts: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert!(receipts.iter().all(|receipt| receipt.recorded_at == receipts[0].recorded_at), "{receipts:?}");
    let last: Vec<_> = receipts.iter().map(|receipt| receipt.sequence.number()).collect();
    assert_eq!(last, (1..=20).map(|place| 1 + 2 * place).collect::<Vec<_>>(), "in order of arrival");
    assert_dense(&fixture.events(&log).await);
}

#[tokio::test]
async fn a_loser_in_a_batch_does_not_hurt_its_neighbours() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let (before, loser, after) = (some_stream("product"), some_stream("product"), some_stream("product"));
    let outcomes = fixture
        .together(
            &log,
            vec![
                (&acme, recording(&before, 0, 1).taking("a").once("before")),
                (&acme, recording(&loser, 5, 3).taking("b").once("loser")),
                (&acme, recording(&after, 0, 2).taking("c").once("after")),
            ],
        )
        .await;
    let [Ok(first), Err(AppendError::Stale { actual, .. }), Ok(last)] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(*actual, StreamVersion::ZERO);
    assert_eq!(first.recorded_at, last.recorded_at, "they shared a batch");
    assert_eq!((first.sequence, last.sequence), (Sequence::new(2), Sequence::new(4)));
    assert_dense(&fixture.events(&log).await);
    let held = fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a"), ("sku", "b"), ("sku", "c")]).await;
    assert_eq!(held.unwrap(), [Some(before), None, Some(after)]);
    let kept = fixture.log.answer_for(CONTEXT, &acme, "after").await.unwrap();
    assert_eq!(kept.unwrap().0, *last);
    assert!(fixture.log.answer_for(CONTEXT, &acme, "loser").await.unwrap().is_none());
    fixture.log.verify(&log, |_| {}).await.unwrap();
}

#[tokio::test]
async fn the_claim_of_a_loser_does_not_refuse_its_neighbour() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let winner = some_stream("product");
    let outcomes = fixture
        .together(
            &log,
            vec![
                (&acme, recording(&some_stream("product"), 5, 1).taking("a")),
                (&acme, recording(&winner, 0, 1).taking("a")),
            ],
        )
        .await;
    assert!(matches!(&outcomes[..], [Err(AppendError::Stale { .. }), Ok(_)]), "{outcomes:?}");
    assert_eq!(fixture.log.claims_held(CONTEXT, &acme, &[("sku", "a")]).await.unwrap(), [Some(winner)]);
}

#[tokio::test]
async fn commands_that_collide_are_decided_in_order_of_arrival() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let (product, category) = (some_stream("product"), some_stream("category"));
    let outcomes = fixture
        .together(
            &log,
            vec![
                (&acme, recording(&category, 0, 1)),
                (&acme, recording(&product, 0, 1).reading(&category, 0)),
                (&acme, recording(&product, 0, 1).reading(&category, 1)),
                (&acme, recording(&product, 0, 1)),
                (&acme, recording(&product, 1, 1).once("k")),
                (&acme, recording(&some_stream("product"), 0, 1).once("k")),
            ],
        )
        .await;
    let [Ok(_), Err(stale), Ok(_), Err(late), Ok(kept), Err(repeated)] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(matches!(stale, AppendError::Stale { stream, .. } if *stream == category));
    assert!(
        matches!(late, AppendError::Stale { stream, actual } if *stream == product && actual.number() == 1)
    );
    assert!(matches!(repeated, AppendError::AlreadyDone(receipt, _) if **receipt == *kept));
}

#[tokio::test]
async fn a_command_that_trips_the_database_hurts_only_itself() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let mut connection = fixture.stranger().await;
    let trap = "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'trapped' USING ERRCODE = 'data_exception'; END $$;
                CREATE TRIGGER trap BEFORE INSERT ON events FOR EACH ROW
                WHEN (NEW.type = 'Trap') EXECUTE FUNCTION trap()";
    sqlx::raw_sql(trap).execute(&mut connection).await.unwrap();
    let mut trapped = recording(&some_stream("product"), 0, 1);
    trapped.events[0].event_type = "Trap".into();
    let outcomes = fixture
        .together(
            &log,
            vec![
                (&acme, recording(&some_stream("product"), 0, 1)),
                (&acme, trapped),
                (&acme, recording(&some_stream("product"), 0, 1)),
            ],
        )
        .await;
    assert!(matches!(&outcomes[..], [Ok(_), Err(AppendError::Corrupt(_)), Ok(_)]), "{outcomes:?}");
    assert_dense(&fixture.events(&log).await);
}

#[tokio::test]
async fn a_full_queue_says_so_and_records_nothing() {
    let options = Options { queue_commands_max: 1, ..Options::default() };
    let fixture = Fixture::with(options).await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let held = fixture.hold_head(&log).await;
    let mut in_flight = Box::pin(fixture.append(&acme, recording(&some_stream("product"), 0, 1)));
    assert!(futures::poll!(&mut in_flight).is_pending());
    eventually("a batch waits for the head", || fixture.waiting_for_the_head()).await;
    let mut queued = Box::pin(fixture.append(&acme, recording(&some_stream("product"), 0, 1)));
    assert!(futures::poll!(&mut queued).is_pending());
    let refused = fixture.append(&acme, recording(&some_stream("product"), 0, 1)).await;
    assert!(matches!(refused, Err(AppendError::Busy)), "{refused:?}");
    held.commit().await;
    in_flight.await.unwrap();
    queued.await.unwrap();
    assert_eq!(fixture.events(&log).await.len(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_take_its_command_with_it() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let held = fixture.hold_head(&log).await;
    let stream = some_stream("product");
    let mut gone = Box::pin(fixture.append(&acme, recording(&stream, 0, 1)));
    assert!(futures::poll!(&mut gone).is_pending());
    drop(gone);
    held.commit().await;
    let next = fixture.append(&acme, recording(&stream, 1, 1)).await.unwrap();
    assert_eq!(next.sequence, Sequence::new(2));
}

#[tokio::test]
async fn more_logs_than_connections_are_all_served() {
    let fixture = Fixture::new().await;
    let log = event_log::EventLog::new(
        event_log::pool(fixture.database.url().parse().unwrap(), 2),
        Options { lanes: 8, ..Options::default() },
    );
    let tenants: Vec<_> = (0..24).map(|number| tenant(&format!("tenant-{number}"))).collect();
    for _ in 0..3 {
        let appends = tenants
            .iter()
            .map(|tenant| log.append(CONTEXT, tenant, recording(&some_stream("product"), 0, 1)));
        for outcome in futures::future::join_all(appends).await {
            outcome.unwrap();
        }
    }
}
