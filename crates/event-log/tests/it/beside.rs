//! What is written with events: rows of inline views, and passwords.

use std::sync::Arc;

use event_log::{
    Append, AppendError, Beside, CaughtUpRow, InlineCode, InlineRow, InlineView, KeptRow, OpenedView,
    PasswordHash, Receipt,
};
use kernel::{RowKey, Sequence, StreamName, TenantId};
use uuid::Uuid;

use crate::support::*;

const MARK: &str = "7312-05-06T07:08:09.123456Z";

/// A log with an inline view that reflects nothing yet.
async fn with_view() -> (Fixture, InlineView) {
    let fixture = Fixture::new().await;
    let OpenedView::New(view) = opened(&fixture, 1, None).await else { panic!("it is not new") };
    (fixture, view)
}

async fn opened(fixture: &Fixture, version: u32, fold: Option<&str>) -> OpenedView {
    fixture.log.open_inline_view(CONTEXT, "counters", &code(version, fold), true, "").await.unwrap()
}

fn code(version: u32, fold: Option<&str>) -> InlineCode {
    InlineCode { version, fold: fold.map(|fold| fold.parse().unwrap()) }
}

async fn begun(fixture: &Fixture, view: InlineView, tenant: &TenantId) {
    let log = fixture.log_of(tenant).await;
    assert_eq!(fixture.log.inline_through(view, &log).await.unwrap(), Sequence::ZERO);
}

trait WithRows {
    fn knowing(self, view: InlineView) -> Self;
    fn writing(self, view: InlineView, key: &str, before: u64, row: Option<&str>) -> Self;
    fn password(self, hash: &str) -> Self;
}

impl WithRows for Append {
    fn knowing(mut self, view: InlineView) -> Self {
        self.beside.views = Arc::from([view]);
        self
    }

    fn writing(self, view: InlineView, key: &str, before: u64, row: Option<&str>) -> Self {
        let mut append = self.knowing(view);
        let event = u32::try_from(append.events.len()).unwrap();
        append.beside.rows.push(InlineRow {
            view,
            key: RowKey::new(key),
            before: Sequence::new(before),
            event,
            mark: MARK.into(),
            row: row.map(str::to_owned),
        });
        append
    }

    fn password(mut self, hash: &str) -> Self {
        self.beside.password = Some(PasswordHash::new(hash.to_owned()));
        self
    }
}

async fn row(fixture: &Fixture, view: InlineView, tenant: &TenantId, key: &str) -> Option<KeptRow> {
    let wanted = [(tenant.clone(), RowKey::new(key))];
    fixture.log.inline_rows(view, &wanted).await.unwrap().pop().map(|(_, kept)| kept)
}

fn stamps(rows: &[(usize, KeptRow)]) -> Vec<(usize, u64)> {
    rows.iter().map(|(place, kept)| (*place, kept.stamp.number())).collect()
}

async fn password_of(fixture: &Fixture, stream: &StreamName) -> Option<String> {
    sqlx::query_scalar("SELECT hash FROM passwords WHERE stream = $1")
        .bind(stream.as_str())
        .fetch_optional(&fixture.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_row_is_there_with_its_events_and_knows_when_they_were_recorded() {
    let (fixture, view) = with_view().await;
    let (mine, theirs) = neighbours();
    begun(&fixture, view, &mine).await;
    let stream = some_stream("product");
    let body = format!(r#"{{"at":"{MARK}","note":"at {MARK}","n":1}}"#);
    let append = recording(&stream, 0, 2).writing(view, "a", 0, Some(&body));
    let receipt = fixture.append(&mine, append).await.unwrap();
    let kept = row(&fixture, view, &mine, "a").await.unwrap();
    assert_eq!(kept.stamp, receipt.sequence);
    let kept: serde_json::Value = serde_json::from_str(&kept.row.unwrap()).unwrap();
    assert_eq!(kept["at"], receipt.recorded_at.to_string());
    assert_eq!(kept["note"], format!("at {MARK}"), "only a whole text stands for the time");
    assert_eq!(row(&fixture, view, &theirs, "a").await, None);
    let log = fixture.log_of(&mine).await;
    assert_eq!(fixture.log.inline_through(view, &log).await.unwrap(), receipt.sequence);
}

#[tokio::test]
async fn the_time_in_a_row_is_written_as_the_log_says_it_whatever_its_digits() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    begun(&fixture, view, &mine).await;
    let log = fixture.log_of(&mine).await;
    // The log's clock never runs backwards: a head in the future says what the time is.
    for (number, micros) in
        (0..).zip([4_000_000_000_000_000_i64, 4_000_000_000_100_000, 4_000_000_000_100_230])
    {
        sqlx::query("UPDATE logs SET recorded_at = $1 WHERE context = $2 AND lane = $3")
            .bind(micros)
            .bind(&*log.context)
            .bind(i32::from(log.lane.number()))
            .execute(&fixture.pool)
            .await
            .unwrap();
        let body = format!(r#""{MARK}""#);
        let append = recording(&some_stream("product"), 0, 1).writing(view, "a", number, Some(&body));
        let receipt = fixture.append(&mine, append).await.unwrap();
        let kept = row(&fixture, view, &mine, "a").await.unwrap().row.unwrap();
        assert_eq!(kept, format!("\"{}\"", receipt.recorded_at));
    }
}

#[tokio::test]
async fn rows_that_moved_meanwhile_are_not_written_and_neither_are_the_events() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    begun(&fixture, view, &mine).await;
    let first = recording(&some_stream("product"), 0, 1).writing(view, "a", 0, Some("1"));
    fixture.append(&mine, first).await.unwrap();
    for before in [0, 7] {
        let stream = some_stream("product");
        let late = recording(&stream, 0, 1).writing(view, "a", before, Some("2")).password("x");
        let refused = fixture.append(&mine, late).await.unwrap_err();
        assert!(matches!(refused, AppendError::RowsMoved), "{refused}");
        assert_eq!(password_of(&fixture, &stream).await, None);
    }
    let log = fixture.log_of(&mine).await;
    assert_eq!(fixture.events(&log).await.len(), 1);
    assert_eq!(row(&fixture, view, &mine, "a").await.unwrap().row.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_neighbour_whose_rows_did_not_move_is_recorded() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    let log = fixture.log_of(&mine).await;
    begun(&fixture, view, &mine).await;
    let write =
        |key: &str, before| recording(&some_stream("product"), 0, 1).writing(view, key, before, Some("1"));
    let held = fixture.hold_head(&log).await;
    let mut first = Box::pin(fixture.append(&mine, write("b", 0)));
    assert!(futures::poll!(&mut first).is_pending());
    eventually("a batch waits for the head", || fixture.waiting_for_the_head()).await;
    let appends = [write("a", 0), write("b", 99), write("c", 0)];
    let mut rest = Box::pin(futures::future::join_all(appends.map(|append| fixture.append(&mine, append))));
    assert!(futures::poll!(&mut rest).is_pending());
    held.commit().await;
    first.await.unwrap();
    let outcomes: Vec<Result<Receipt, AppendError>> = rest.await;
    assert!(matches!(outcomes[1], Err(AppendError::RowsMoved)));
    let sequences = [&outcomes[0], &outcomes[2]].map(|outcome| outcome.as_ref().unwrap().sequence.number());
    assert_eq!(sequences, [2, 3]);
    assert_eq!(row(&fixture, view, &mine, "b").await.unwrap().stamp, Sequence::new(1));
}

#[tokio::test]
async fn a_repeat_of_what_was_recorded_is_answered_with_its_receipt_though_its_rows_moved() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    begun(&fixture, view, &mine).await;
    let append = recording(&some_stream("product"), 0, 1).writing(view, "a", 0, Some("1"));
    let receipt = fixture.append(&mine, append.clone()).await.unwrap();
    assert_eq!(fixture.append(&mine, append).await.unwrap(), receipt);
    assert_eq!(row(&fixture, view, &mine, "a").await.unwrap().stamp, receipt.sequence);
}

#[tokio::test]
async fn a_row_that_the_fold_took_away_can_come_again_only_from_there() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    begun(&fixture, view, &mine).await;
    let write = |before, row| recording(&some_stream("product"), 0, 1).writing(view, "a", before, row);
    fixture.append(&mine, write(0, Some("1"))).await.unwrap();
    fixture.append(&mine, write(1, None)).await.unwrap();
    assert_eq!(
        row(&fixture, view, &mine, "a").await.unwrap(),
        KeptRow { stamp: Sequence::new(2), row: None }
    );
    for stale in [0, 1] {
        let refused = fixture.append(&mine, write(stale, Some("2"))).await.unwrap_err();
        assert!(matches!(refused, AppendError::RowsMoved));
    }
    fixture.append(&mine, write(2, Some("2"))).await.unwrap();
}

#[tokio::test]
async fn a_view_that_missed_an_append_says_so_until_it_has_caught_up() {
    let (fixture, view) = with_view().await;
    let mine = tenant("acme");
    let log = fixture.log_of(&mine).await;
    begun(&fixture, view, &mine).await;
    // A service of another release, which does not know the view.
    fixture.append(&mine, recording(&some_stream("product"), 0, 1)).await.unwrap();
    let stream = some_stream("product");
    let append = recording(&stream, 0, 1).writing(view, "a", 0, Some("1"));
    let refused = fixture.append(&mine, append.clone()).await.unwrap_err();
    assert!(matches!(refused, AppendError::ViewsBehind), "{refused}");
    let missed = CaughtUpRow {
        tenant: mine.clone(),
        key: RowKey::new("missed"),
        kept: KeptRow { stamp: Sequence::new(1), row: Some("1".into()) },
    };
    let stretch = (Sequence::ZERO, Sequence::new(1));
    assert!(
        fixture.log.advance_inline_view(view, &log, stretch, std::slice::from_ref(&missed)).await.unwrap()
    );
    assert!(!fixture.log.advance_inline_view(view, &log, stretch, &[missed]).await.unwrap(), "it has moved");
    fixture.append(&mine, append).await.unwrap();
    let wanted = ["a", "missed"].map(|key| (mine.clone(), RowKey::new(key)));
    let mut found = stamps(&fixture.log.inline_rows(view, &wanted).await.unwrap());
    found.sort_unstable();
    assert_eq!(found, [(0, 2), (1, 1)]);
}

#[tokio::test]
async fn versions_of_a_view_have_rows_of_their_own() {
    let (fixture, first) = with_view().await;
    let OpenedView::New(second) = opened(&fixture, 2, None).await else { panic!("it is not new") };
    assert_ne!(first, second);
    assert_eq!(opened(&fixture, 1, None).await, OpenedView::Known(first));
    let mine = tenant("acme");
    begun(&fixture, second, &mine).await;
    let append = recording(&some_stream("product"), 0, 1).writing(second, "a", 0, Some("2"));
    fixture.append(&mine, append).await.unwrap();
    assert_eq!(row(&fixture, first, &mine, "a").await, None);
    assert!(row(&fixture, second, &mine, "a").await.is_some());
}

#[tokio::test]
async fn a_view_is_opened_by_many_at_once() {
    let fixture = Fixture::new().await;
    let shape = "CREATE INDEX IF NOT EXISTS rows_by_name ON rows (tenant_id, (row ->> 'name'))";
    let third = code(3, None);
    let opening = (0..4).map(|_| fixture.log.open_inline_view(CONTEXT, "many-words", &third, true, shape));
    let opened: Vec<_> = futures::future::join_all(opening).await.into_iter().map(Result::unwrap).collect();
    let is_new = |opened: &OpenedView| match opened {
        OpenedView::New(view) => Some(*view),
        OpenedView::Known(_) | OpenedView::Changed => None,
    };
    let new: Vec<_> = opened.iter().filter_map(is_new).collect();
    assert_eq!(new.len(), 1, "{opened:?}");
    assert_eq!(opened.iter().filter(|opened| **opened == OpenedView::Known(new[0])).count(), 3, "{opened:?}");
    assert!(fixture.log.open_inline_view(CONTEXT, "Robert'); --", &third, true, "").await.is_err());
}

const ONE: Option<&str> = Some("0000000000000001");
const OTHER: Option<&str> = Some("0000000000000002");

#[tokio::test]
async fn folds_of_one_version_have_rows_of_their_own_and_each_finds_its_own_again() {
    let (fixture, rows) = with_view().await;
    assert_eq!(opened(&fixture, 1, ONE).await, OpenedView::Known(rows), "of which nobody knew the fold");
    let OpenedView::New(others) = opened(&fixture, 1, OTHER).await else { panic!("it is not new") };
    assert_ne!(rows, others);
    for (fold, own) in [(ONE, rows), (OTHER, others), (ONE, rows)] {
        assert_eq!(opened(&fixture, 1, fold).await, OpenedView::Known(own));
    }
    assert_eq!(opened(&fixture, 1, None).await, OpenedView::Known(others), "the version alone counts");

    let mine = tenant("acme");
    begun(&fixture, rows, &mine).await;
    begun(&fixture, others, &mine).await;
    let append = recording(&some_stream("product"), 0, 1).writing(others, "a", 0, Some("2"));
    let log = fixture.append(&mine, append).await.unwrap().log;
    assert_eq!(row(&fixture, rows, &mine, "a").await, None);
    for (fold, own, through) in [(ONE, rows, 0), (OTHER, others, 1)] {
        let head = fixture.log.inline_head("counters", &code(1, fold), &log).await.unwrap();
        assert_eq!(head, Some((own, Sequence::new(through))));
    }
    assert_eq!(fixture.log.inline_head("counters", &code(2, ONE), &log).await.unwrap(), None);
}

#[tokio::test]
async fn a_changed_fold_changes_nothing_where_that_is_refused() {
    let (fixture, rows) = with_view().await;
    opened(&fixture, 1, ONE).await;
    let refusing =
        async |code| fixture.log.open_inline_view(CONTEXT, "counters", &code, false, "").await.unwrap();
    assert_eq!(refusing(code(1, OTHER)).await, OpenedView::Changed);
    assert_eq!(refusing(code(1, ONE)).await, OpenedView::Known(rows));
    assert!(
        matches!(refusing(code(2, OTHER)).await, OpenedView::New(_)),
        "a raised version is no changed fold"
    );
    let views: i64 =
        sqlx::query_scalar("SELECT count(*) FROM inline_views").fetch_one(&fixture.pool).await.unwrap();
    assert_eq!(views, 2);
}

#[tokio::test]
async fn a_password_is_kept_with_the_events_of_its_stream_and_replaced_by_the_next() {
    let fixture = Fixture::new().await;
    let (mine, theirs) = neighbours();
    let stream = StreamName::of("user", Uuid::now_v7());
    let first = recording(&stream, 0, 1).taking("ann@example.com").password("hash 1");
    fixture.append(&mine, first).await.unwrap();
    fixture.append(&theirs, recording(&stream, 0, 1).password("theirs")).await.unwrap();
    fixture.append(&mine, recording(&stream, 1, 1).password("hash 2")).await.unwrap();
    let found = fixture.log.password_of_holder(CONTEXT, &mine, ("sku", "ann@example.com")).await.unwrap();
    let (holder, hash) = found.unwrap();
    assert_eq!((holder, hash.as_str()), (stream.clone(), "hash 2"));
    assert!(!format!("{hash:?}").contains("hash 2"));
    for (tenant, value) in [(&theirs, "ann@example.com"), (&mine, "bob@example.com")] {
        assert_eq!(fixture.log.password_of_holder(CONTEXT, tenant, ("sku", value)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_command_that_loses_leaves_no_password() {
    let fixture = Fixture::new().await;
    let mine = tenant("acme");
    let taken = recording(&some_stream("user"), 0, 1).taking("ann@example.com").password("first");
    fixture.append(&mine, taken).await.unwrap();
    let stream = some_stream("user");
    let loser = recording(&stream, 0, 1).taking("ann@example.com").password("second");
    let refused = fixture.append(&mine, loser).await.unwrap_err();
    assert!(matches!(refused, AppendError::ClaimTaken { .. }));
    assert_eq!(password_of(&fixture, &stream).await, None);
}

#[tokio::test]
async fn asking_for_a_password_of_nobody_makes_no_tenant() {
    let fixture = Fixture::new().await;
    let nobody = tenant("nobody");
    assert_eq!(fixture.log.password_of_holder(CONTEXT, &nobody, ("sku", "x")).await.unwrap(), None);
    assert_eq!(fixture.log.known_lane(&nobody).await.unwrap(), None);
    assert_eq!(Beside::nothing(), Beside::default());
}
