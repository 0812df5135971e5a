//! What every store must keep of dead letters.

use kernel::{Lane, Sequence, StreamName, TenantId, Timestamp};
use read_store::{
    DeadRecord, Folded, HeaderValue, Letter, LetterStore, Reason, Request, RowStore, StoreError, Subject,
    Which,
};
use uuid::Uuid;

use crate::bench::*;
use crate::on_both_stores;

on_both_stores!(
    letters_are_kept_with_the_rows_and_the_checkpoint,
    who_was_overtaken_keeps_no_letter,
    a_letter_that_is_written_twice_is_one,
    a_parked_row_says_so_and_others_do_not,
    a_parked_stream_makes_every_row_of_its_tenant_parked,
    a_page_of_a_fan_out_keeps_its_letters,
    letters_are_listed_in_order_page_by_page,
    what_is_mended_is_parked_no_more,
    who_was_overtaken_mends_nothing,
    what_is_asked_for_is_found_by_the_lane,
    what_is_discarded_is_parked_no_more,
    what_could_not_be_mended_stays_parked_and_says_why,
    a_lane_that_begins_anew_has_no_letters,
    what_was_told_is_not_told_again,
);

fn letter(sequence: u64, subject: Subject) -> Letter {
    Letter {
        lane: LANE,
        subject,
        sequence: Sequence::new(sequence),
        reason: Reason::Unfoldable,
        why: "no label".to_owned(),
        record: DeadRecord {
            offset: 7,
            key: Some(b"acme/a".to_vec()),
            value: Some(vec![0, 255]),
            headers: vec![("sequence".to_owned(), HeaderValue(sequence.to_string().into_bytes()))],
        },
        attempts: 3,
        parked_at: Timestamp::from_micros(1_790_000_000_000_001),
    }
}

fn row_of(tenant: &TenantId, key: &str) -> Subject {
    Subject::Row(address(tenant, key))
}

fn stream_of(tenant: &TenantId) -> Subject {
    Subject::Stream { tenant: tenant.clone(), stream: StreamName::of("product", Uuid::from_u128(5)) }
}

fn retry() -> Request {
    Request::Retry { by: "operator".to_owned() }
}

async fn parked_since(bench: &impl Bench, tenant: &TenantId, key: &str) -> Option<u64> {
    bench.read(tenant, key).await.unwrap().parked.map(Sequence::number)
}

/// Served, with a row `a` of acme's at 1 whose events 2 and 4 are letters.
async fn with_a_parked_row<B: Bench>(bench: &B) -> B::Store {
    let rows = bench.prepared().await;
    assert!(rows.caught_up(LANE, &at(0)).await.unwrap());
    rows.write(LANE, &step(0, 1), &[row(&acme(), "a", 1, "{}", &["l"])], &[]).await.unwrap();
    let b = row(&acme(), "b", 2, "{}", &[]);
    rows.write(LANE, &step(1, 2), &[b], &[letter(2, row_of(&acme(), "a"))]).await.unwrap();
    rows.write(LANE, &step(2, 4), &[], &[letter(4, row_of(&acme(), "a"))]).await.unwrap();
    rows
}

async fn letters_are_kept_with_the_rows_and_the_checkpoint(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(4)));
    assert_eq!(body(&rows, &acme(), "b").await, Some((2, "{}".to_owned())));
    let kept = rows.letters(None, None, 10).await.unwrap();
    assert_eq!(kept, [letter(2, row_of(&acme(), "a")), letter(4, row_of(&acme(), "a"))]);
    assert_eq!(rows.letter(kept[1].id()).await.unwrap().as_ref(), Some(&kept[1]));
    assert_eq!(rows.letter(letter(3, row_of(&acme(), "a")).id()).await.unwrap(), None);
    assert_eq!(rows.parked(LANE, 10).await.unwrap(), [(row_of(&acme(), "a"), Sequence::new(2))]);
    assert_eq!(rows.parked(Lane::new(4), 10).await.unwrap(), []);
}

async fn who_was_overtaken_keeps_no_letter(bench: impl Bench) {
    let rows = bench.prepared().await;
    rows.write(LANE, &step(0, 2), &[], &[]).await.unwrap();
    let late = rows.write(LANE, &step(0, 1), &[], &[letter(1, row_of(&acme(), "a"))]).await;
    assert_eq!(late, Err(StoreError::Moved));
    assert_eq!(rows.letters(None, None, 10).await.unwrap(), []);
    assert_eq!(rows.parked(LANE, 10).await.unwrap(), []);
}

async fn a_letter_that_is_written_twice_is_one(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    rows.write(LANE, &step(4, 5), &[], &[letter(4, row_of(&acme(), "a"))]).await.unwrap();
    assert_eq!(rows.letters(None, None, 10).await.unwrap().len(), 2);
}

async fn a_parked_row_says_so_and_others_do_not(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    assert_eq!(parked_since(&bench, &acme(), "a").await, Some(2));
    assert_eq!(parked_since(&bench, &acme(), "b").await, None);
    assert_eq!(parked_since(&bench, &other(), "a").await, None);
    rows.write(LANE, &step(4, 5), &[], &[letter(5, row_of(&acme(), "never-was"))]).await.unwrap();
    let read = bench.read(&acme(), "never-was").await.unwrap();
    assert_eq!((read.row, read.parked), (None, Some(Sequence::new(5))));
}

async fn a_parked_stream_makes_every_row_of_its_tenant_parked(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    let letters = [letter(5, stream_of(&acme())), letter(5, Subject::Record { offset: 9 })];
    rows.write(LANE, &step(4, 5), &[], &letters).await.unwrap();
    assert_eq!(parked_since(&bench, &acme(), "a").await, Some(2));
    assert_eq!(parked_since(&bench, &acme(), "b").await, Some(5));
    assert_eq!(parked_since(&bench, &other(), "b").await, None);
    rows.mend(LANE, &at(5), &[], &[stream_of(&acme())]).await.unwrap();
    assert_eq!(parked_since(&bench, &acme(), "b").await, None);
}

async fn a_page_of_a_fan_out_keeps_its_letters(bench: impl Bench) {
    let rows = bench.prepared().await;
    assert!(rows.caught_up(LANE, &at(0)).await.unwrap());
    let many: Vec<_> = (0..600).map(|n| row(&acme(), &format!("k{n:04}"), 1, "{}", &["l"])).collect();
    rows.write(LANE, &step(0, 1), &many, &[]).await.unwrap();
    let fold = |page: Vec<read_store::StoredRow>| {
        let mut folded = Folded::default();
        for stored in page {
            let key = stored.at.key.as_str();
            if key == "k0007" || key == "k0555" {
                folded.letters.push(letter(2, Subject::Row(stored.at)));
            } else {
                let mut change = row(&acme(), key, 2, "{}", &["l"]);
                change.links_before = change.links.clone();
                folded.changes.push(change);
            }
        }
        Ok(folded)
    };
    rows.write_linked(LANE, &step(1, 2), &lookup(&acme(), "l"), fold).await.unwrap();
    assert_eq!(rows.letters(None, None, 10).await.unwrap().len(), 2);
    assert_eq!(parked_since(&bench, &acme(), "k0555").await, Some(2));
    assert_eq!(body(&rows, &acme(), "k0555").await.unwrap().0, 1);
    assert_eq!(body(&rows, &acme(), "k0556").await.unwrap().0, 2);
}

async fn letters_are_listed_in_order_page_by_page(bench: impl Bench) {
    let rows = bench.prepared().await;
    let elsewhere = Lane::new(12);
    rows.begin(elsewhere).await.unwrap();
    let subject = |n: u64| row_of(&if n.is_multiple_of(2) { acme() } else { other() }, &format!("k{n}"));
    let letters: Vec<Letter> = (1..=250).map(|n| letter(n, subject(n))).collect();
    rows.write(LANE, &step(0, 250), &[], &letters).await.unwrap();
    let there = Letter { lane: elsewhere, ..letter(1, subject(1)) };
    rows.write(elsewhere, &step(0, 1), &[], std::slice::from_ref(&there)).await.unwrap();
    let expected: Vec<Letter> = letters.into_iter().chain([there]).collect();

    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = rows.letters(None, after, 60).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id());
        assert!(page.len() <= 60);
        seen.extend(page);
    }
    assert_eq!(seen, expected);
    let odd = rows.letters(Some(&other()), None, 1000).await.unwrap();
    assert_eq!(odd.len(), 126);
    assert_eq!(rows.count_letters().await.unwrap(), 251);
    assert!(odd.iter().all(|letter| letter.subject.tenant() == Some(&other())));
}

async fn what_is_mended_is_parked_no_more(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    rows.write(LANE, &step(4, 5), &[], &[letter(5, row_of(&acme(), "c"))]).await.unwrap();
    rows.request(&Which::All { tenant: None }, &retry()).await.unwrap();
    let mut mended = row(&acme(), "a", 4, r#"{"n":4}"#, &["m"]);
    mended.links_before = row(&acme(), "a", 1, "", &["l"]).links;
    rows.mend(LANE, &at(5), &[mended], &[row_of(&acme(), "a")]).await.unwrap();
    assert_eq!(body(&rows, &acme(), "a").await, Some((4, r#"{"n":4}"#.to_owned())));
    assert_eq!(found(&rows, &acme(), "l").await, [""; 0]);
    assert_eq!(found(&rows, &acme(), "m").await, ["a"]);
    assert_eq!(parked_since(&bench, &acme(), "a").await, None);
    assert_eq!(rows.parked(LANE, 10).await.unwrap(), [(row_of(&acme(), "c"), Sequence::new(5))]);
    assert_eq!(rows.letters(None, None, 10).await.unwrap(), [letter(5, row_of(&acme(), "c"))]);
    assert_eq!(rows.requests(LANE, 10).await.unwrap(), [(row_of(&acme(), "c"), retry())]);
    assert_eq!(rows.checkpoint(LANE).await.unwrap(), Some(at(5)));
}

async fn who_was_overtaken_mends_nothing(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    let mended = [row(&acme(), "a", 3, "{}", &[])];
    let late = rows.mend(LANE, &at(3), &mended, &[row_of(&acme(), "a")]).await;
    assert_eq!(late, Err(StoreError::Moved));
    let late = rows.discard(LANE, &at(3), &row_of(&acme(), "a"), "operator", "no").await;
    assert_eq!(late, Err(StoreError::Moved));
    assert_eq!(parked_since(&bench, &acme(), "a").await, Some(2));
    assert_eq!(body(&rows, &acme(), "a").await, Some((1, "{}".to_owned())));
    assert_eq!(rows.letters(None, None, 10).await.unwrap().len(), 2);
}

async fn what_is_asked_for_is_found_by_the_lane(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    let theirs = [letter(5, row_of(&other(), "z")), letter(5, stream_of(&acme()))];
    rows.write(LANE, &step(4, 5), &[], &theirs).await.unwrap();
    let elsewhere = bench.rows(version(1));
    let one = Which::Letter(letter(4, row_of(&acme(), "a")).id());
    assert_eq!(elsewhere.request(&one, &retry()).await.unwrap(), 1);
    assert_eq!(rows.requests(LANE, 10).await.unwrap(), [(row_of(&acme(), "a"), retry())]);
    assert_eq!(rows.requests(Lane::new(4), 10).await.unwrap(), []);
    let discard = Request::Discard { by: "operator".to_owned(), reason: "a test".to_owned() };
    let all_of = |tenant| Which::All { tenant };
    assert_eq!(elsewhere.request(&all_of(Some(acme())), &discard).await.unwrap(), 2);
    let mut asked = rows.requests(LANE, 10).await.unwrap();
    asked.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(asked, [(row_of(&acme(), "a"), discard.clone()), (stream_of(&acme()), discard)]);
    assert_eq!(elsewhere.request(&all_of(None), &retry()).await.unwrap(), 3);
    assert_eq!(rows.requests(LANE, 10).await.unwrap().len(), 3);
    let nobody = Which::Letter(letter(99, row_of(&acme(), "a")).id());
    assert_eq!(elsewhere.request(&nobody, &retry()).await.unwrap(), 0);
}

async fn what_is_discarded_is_parked_no_more(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    rows.discard(LANE, &at(4), &row_of(&acme(), "a"), "operator", "a test").await.unwrap();
    assert_eq!(parked_since(&bench, &acme(), "a").await, None);
    assert_eq!(rows.letters(None, None, 10).await.unwrap(), []);
    assert_eq!(rows.parked(LANE, 10).await.unwrap(), []);
    assert_eq!(body(&rows, &acme(), "a").await, Some((1, "{}".to_owned())));
}

async fn what_could_not_be_mended_stays_parked_and_says_why(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    rows.request(&Which::All { tenant: None }, &retry()).await.unwrap();
    rows.refuse(LANE, &row_of(&acme(), "a"), "still no label").await.unwrap();
    let kept = rows.letters(None, None, 10).await.unwrap();
    assert_eq!((kept[0].attempts, kept[0].why.as_str()), (4, "still no label"));
    assert_eq!((kept[1].attempts, kept[1].why.as_str()), (3, "no label"));
    assert_eq!(rows.requests(LANE, 10).await.unwrap(), []);
    assert_eq!(parked_since(&bench, &acme(), "a").await, Some(2));
}

async fn what_was_told_is_not_told_again(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    rows.write(LANE, &step(4, 5), &[], &[letter(5, row_of(&acme(), "c"))]).await.unwrap();
    let untold = rows.untold(LANE, 2).await.unwrap();
    assert_eq!(untold, [letter(2, row_of(&acme(), "a")), letter(4, row_of(&acme(), "a"))]);
    rows.told(LANE, &[untold[0].id()]).await.unwrap();
    rows.mend(LANE, &at(5), &[], &[row_of(&acme(), "a")]).await.unwrap();
    assert_eq!(rows.untold(LANE, 9).await.unwrap(), [letter(5, row_of(&acme(), "c"))]);
}

async fn a_lane_that_begins_anew_has_no_letters(bench: impl Bench) {
    let rows = with_a_parked_row(&bench).await;
    bench.empty().await;
    rows.begin(LANE).await.unwrap();
    assert_eq!(rows.parked(LANE, 10).await.unwrap(), []);
    assert_eq!(rows.letters(None, None, 10).await.unwrap(), []);
}
