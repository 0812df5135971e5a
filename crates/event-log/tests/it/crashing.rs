//! Clients, connections and servers that fail in the middle.

use std::time::Duration;

use bytes::Bytes;
use event_log::{Append, AppendError, EventLog, Options};
use kernel::Sequence;
use sqlx::postgres::PgConnectOptions;

use crate::proxy::{MARK, Proxy};
use crate::support::{And, CONTEXT, Fixture, assert_dense, eventually, recording, some_stream, soon, tenant};

/// A log that reaches its database through a proxy.
async fn through_a_proxy(fixture: &Fixture, options: Options) -> (Proxy, EventLog) {
    let direct: PgConnectOptions = fixture.database.url().parse().unwrap();
    let proxy = Proxy::before(format!("{}:{}", direct.get_host(), direct.get_port())).await;
    let address = direct.host("127.0.0.1").port(proxy.address.port());
    (proxy, EventLog::new(event_log::pool(address, 4), options))
}

fn marked(mut append: Append) -> Append {
    append.events[0].payload = Bytes::from_static(MARK);
    append
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_is_found_again() {
    let fixture = Fixture::new().await;
    let (proxy, log) = through_a_proxy(&fixture, Options::default()).await;
    let acme = tenant("acme");
    let stream = some_stream("product");
    let other = some_stream("product");
    log.append(CONTEXT, &acme, recording(&other, 0, 1)).await.unwrap();
    proxy.lose(2);
    let append = marked(recording(&stream, 0, 2)).taking("a").once("k");
    let receipt = soon("the batch is repeated", log.append(CONTEXT, &acme, append.clone())).await.unwrap();

    assert_eq!(proxy.lost(), 2, "both answers were lost on their way");
    assert_eq!(receipt.sequence, Sequence::new(3));
    let events = fixture.events(&receipt.log).await;
    assert_eq!(events.len(), 3, "recorded once");
    assert_eq!(
        receipt.events,
        append.events.iter().map(|e| (e.id, e.event_type.clone())).collect::<Vec<_>>()
    );
    assert_eq!(fixture.log.answer_for(CONTEXT, &acme, "k").await.unwrap().unwrap().0, receipt);
    let next = log.append(CONTEXT, &acme, recording(&stream, 2, 1)).await.unwrap();
    assert_eq!(next.sequence, Sequence::new(4));
}

#[tokio::test]
async fn when_no_answer_comes_through_the_outcome_is_unknown_and_a_repeat_has_it() {
    let fixture = Fixture::new().await;
    let options = Options { repeat_time_max: Duration::from_millis(100), ..Options::default() };
    let (proxy, log) = through_a_proxy(&fixture, options).await;
    let acme = tenant("acme");
    let append = marked(recording(&some_stream("product"), 0, 1));
    proxy.lose(usize::MAX);
    let outcome = soon("it gives up", log.append(CONTEXT, &acme, append.clone())).await;
    assert!(matches!(outcome, Err(AppendError::Unknown)), "{outcome:?}");
    assert!(outcome.unwrap_err().is_retryable());

    proxy.lose(0);
    let receipt = log.append(CONTEXT, &acme, append).await.unwrap();
    assert_eq!(receipt.sequence, Sequence::new(1));
    assert_eq!(fixture.events(&receipt.log).await.len(), 1);
}

#[tokio::test]
async fn a_batch_whose_server_process_is_killed_is_sent_again() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let held = fixture.hold_head(&log).await;
    let mut append = Box::pin(fixture.append(&acme, recording(&some_stream("product"), 0, 1).taking("a")));
    assert!(futures::poll!(&mut append).is_pending());
    eventually("a batch waits for the head", || fixture.waiting_for_the_head()).await;
    let killed = fixture.backends_waiting_for_the_head().await;
    sqlx::query("SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid")
        .bind(&killed)
        .execute(&fixture.pool)
        .await
        .unwrap();
    eventually("it is gone", || async {
        !fixture.backends_waiting_for_the_head().await.iter().any(|pid| killed.contains(pid))
    })
    .await;
    held.commit().await;
    let receipt = soon("the batch is repeated", append).await.unwrap();
    assert_eq!(receipt.sequence, Sequence::new(1));
    assert_dense(&fixture.events(&log).await);
}

#[tokio::test]
async fn a_client_frozen_while_it_holds_the_head_is_cut_off() {
    let fixture = Fixture::new().await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let mut frozen = fixture.hold_head(&log).await;
    let bound: String = sqlx::query_scalar("SELECT current_setting('idle_in_transaction_session_timeout')")
        .fetch_one(&mut frozen.connection)
        .await
        .unwrap();
    assert_eq!(bound, "5s", "the database says so to every client");
    // The same, only sooner.
    sqlx::query("SET idle_in_transaction_session_timeout = '200ms'")
        .execute(&mut frozen.connection)
        .await
        .unwrap();
    let receipt =
        soon("the head is free again", fixture.append(&acme, recording(&some_stream("product"), 0, 1)));
    assert_eq!(receipt.await.unwrap().sequence, Sequence::new(1));
    assert!(sqlx::query("SELECT 1").execute(&mut frozen.connection).await.is_err(), "its session is over");
}

#[tokio::test]
async fn a_head_that_is_not_set_free_is_not_waited_for_without_end() {
    let options = Options { head_wait_max: Duration::from_millis(100), ..Options::default() };
    let fixture = Fixture::with(options).await;
    let acme = tenant("acme");
    let log = fixture.log_of(&acme).await;
    let held = fixture.hold_head(&log).await;
    let append = recording(&some_stream("product"), 0, 1);
    let refused = soon("it gives up", fixture.append(&acme, append.clone())).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(refused.unwrap_err().is_retryable());
    held.commit().await;
    assert_eq!(fixture.append(&acme, append).await.unwrap().sequence, Sequence::new(1));
}

#[tokio::test]
async fn a_log_without_its_database_is_unavailable_and_comes_back_with_it() {
    let fixture = Fixture::new().await;
    let direct: PgConnectOptions = fixture.database.url().parse().unwrap();
    let nowhere = direct.port(1);
    let options = Options { head_wait_max: Duration::from_millis(100), ..Options::default() };
    let log = EventLog::new(event_log::pool(nowhere, 2), options);
    let outcome = log.append(CONTEXT, &tenant("acme"), recording(&some_stream("product"), 0, 1)).await;
    assert!(matches!(outcome, Err(AppendError::Unavailable(_))), "{outcome:?}");
}
