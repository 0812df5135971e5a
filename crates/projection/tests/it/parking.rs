//! A record that cannot be applied parks what it touches, and everything else flows on.

use catalog::views::ProductDetails;
use kernel::{Lane, RowKey, Sequence, TenantId};
use read_store::{Letter, LetterStore, Reason, RowAddress, RowStore, Subject};
use uuid::Uuid;

use crate::on_both_stores;
use crate::support::history::{
    category_created, category_renamed, price_changed, product_created, reference, tenant,
};
use crate::support::labels::{Labels, make_brittle, make_faulty, mend};
use crate::support::world::{until_at, until_at_head, version_of};
use crate::support::{Bench, History, Postgres, Record, Rows, Running, Story, World, until, until_rows};

on_both_stores!(
    a_row_that_cannot_take_an_event_is_parked_and_others_flow_on,
    a_row_on_which_the_fold_panics_is_parked,
    an_event_for_all_rows_of_a_link_parks_those_that_fail,
    what_is_parked_stays_so_after_a_restart,
    a_value_that_does_not_read_parks_its_stream,
    a_record_that_does_not_say_what_it_is_is_kept_and_passed_over,
    letters_are_told_on_their_topic,
);

const LANE: Lane = Lane::new(0);

/// A lane with two labels that a projector has caught up with.
struct Scene<S> {
    world: World,
    store: S,
    history: History,
    running: Running,
}

async fn scene<B: Bench>(bench: &B) -> Scene<B::Store> {
    let world = World::new(1).await;
    let mut history = History::new(0);
    history.happen(&acme(), category_created(1, "tools"));
    history.happen(&acme(), product_created(100, 1, "saw"));
    history.happen(&tenant("other"), product_created(100, 1, "saw"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<Labels<1>>());
    let running = world.project::<Labels<1>>(store.clone());
    until_at_head(&store, &history).await;
    running.until_ready().await;
    Scene { world, store, history, running }
}

impl<S: RowStore> Scene<S> {
    /// Publishes what has happened since, and waits until all of it was dealt with.
    async fn catch_up(&self, from: usize) {
        self.world.publish_from(&self.history, from).await;
        until_at_head(&self.store, &self.history).await;
    }

    async fn letters(&self) -> Vec<Letter> {
        self.store.letters(None, None, 1000).await.unwrap()
    }
}

fn acme() -> TenantId {
    tenant("acme")
}

fn row_of(tenant: &TenantId, product: u128) -> Subject {
    let key = RowKey::from(Uuid::from_u128(product));
    Subject::Row(RowAddress { tenant: tenant.clone(), key })
}

/// Sequence, subject and reason of each.
fn told(letters: &[Letter]) -> Vec<(u64, Subject, Reason)> {
    letters.iter().map(|letter| (letter.sequence.number(), letter.subject.clone(), letter.reason)).collect()
}

/// The fold of the history up to here, without some products of acme's, which are mended for it to be one.
fn without(history: &History, products: &[u128]) -> Rows {
    products.iter().for_each(|product| mend(*product));
    let mut rows = reference::<Labels<1>>(&[history]);
    for product in products {
        rows.remove(&("acme".to_owned(), Uuid::from_u128(*product).to_string()));
    }
    rows
}

async fn parked_since(bench: &impl Bench, tenant: &TenantId, product: u128) -> Option<u64> {
    let key = Uuid::from_u128(product).to_string();
    let read = bench.read("labels", LANE, tenant, &key).await.unwrap();
    read.parked.map(Sequence::number)
}

async fn a_row_that_cannot_take_an_event_is_parked_and_others_flow_on(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = Uuid::new_v4().as_u128();
    make_faulty(faulty);
    scene.history.happen(&acme(), product_created(faulty, 1, "bad"));
    scene.history.happen(&acme(), product_created(101, 1, "good"));
    scene.history.happen(&acme(), price_changed(faulty, 2));
    scene.history.happen(&acme(), price_changed(100, 3));
    scene.catch_up(3).await;

    let letters = scene.letters().await;
    let row = row_of(&acme(), faulty);
    assert_eq!(told(&letters), [(4, row.clone(), Reason::Unfoldable), (6, row, Reason::Behind)]);
    assert!(letters[0].why.contains("a label that cannot be printed"), "{letters:?}");
    assert_eq!(letters[0].attempts, 3);
    assert_eq!(letters[0].record.value, scene.history.records[3].value);
    assert_eq!(letters[0].record.key, Some(scene.history.records[3].key.clone().into_bytes()));
    until_rows(&bench, "labels", 1, &without(&scene.history, &[faulty])).await;
    assert_eq!(parked_since(&bench, &acme(), faulty).await, Some(4));
    assert_eq!(parked_since(&bench, &acme(), 101).await, None);
    assert_eq!(scene.running.why_not_ready(), None);
    scene.running.stop().await;
}

async fn a_row_on_which_the_fold_panics_is_parked(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = Uuid::new_v4().as_u128();
    make_faulty(faulty);
    scene.history.happen(&acme(), product_created(faulty, 1, "panic"));
    scene.history.happen(&acme(), price_changed(100, 3));
    scene.catch_up(3).await;
    let letters = scene.letters().await;
    assert_eq!(told(&letters), [(4, row_of(&acme(), faulty), Reason::Panicked)]);
    until_rows(&bench, "labels", 1, &without(&scene.history, &[faulty])).await;
    scene.running.stop().await;
}

async fn an_event_for_all_rows_of_a_link_parks_those_that_fail(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let mut faulty = Vec::new();
    // More than fit into memory at once, so that they are folded a page at a time.
    for number in 0..700 {
        let product = if number % 300 == 299 { Uuid::new_v4().as_u128() } else { 1000 + number };
        if number % 300 == 299 {
            faulty.push(product);
        }
        scene.history.happen(&acme(), product_created(product, 7, "many"));
    }
    scene.catch_up(3).await;
    let at = scene.history.events.len();
    // From now on these rows panic when they are touched.
    faulty.iter().for_each(|product| make_brittle(*product));
    scene.history.happen(&acme(), category_renamed(7, "renamed"));
    scene.history.happen(&acme(), price_changed(faulty[0], 5));
    scene.history.happen(&acme(), price_changed(1000, 5));
    scene.history.happen(&acme(), category_renamed(7, "again"));
    scene.catch_up(at).await;

    let rename = at as u64 + 1;
    let letters = scene.letters().await;
    assert_eq!(letters.len(), 5);
    let (first, behind): (Vec<Letter>, Vec<Letter>) =
        letters.into_iter().partition(|letter| letter.reason == Reason::Panicked);
    assert!(first.iter().all(|letter| letter.sequence.number() == rename), "{first:?}");
    assert_eq!((first.len(), behind.len()), (2, 3));
    let rows = bench.all_rows("labels", 1).await;
    let changes = |product: u128| {
        let key = ("acme".to_owned(), Uuid::from_u128(product).to_string());
        rows[&key].1["changes"].as_u64().unwrap()
    };
    assert_eq!((changes(1000), changes(1001), changes(faulty[0]), changes(faulty[1])), (3, 2, 0, 0));
    assert_eq!(parked_since(&bench, &acme(), faulty[1]).await, Some(rename));
    scene.running.stop().await;
}

async fn what_is_parked_stays_so_after_a_restart(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = Uuid::new_v4().as_u128();
    make_faulty(faulty);
    scene.history.happen(&acme(), product_created(faulty, 1, "bad"));
    scene.catch_up(3).await;
    scene.running.kill().await;
    // Mended meanwhile: its earlier events are missing all the same.
    mend(faulty);
    scene.running = scene.world.project::<Labels<1>>(scene.store.clone());
    scene.history.happen(&acme(), product_created(faulty, 1, "good at last"));
    scene.catch_up(4).await;
    let letters = scene.letters().await;
    let row = row_of(&acme(), faulty);
    assert_eq!(told(&letters), [(4, row.clone(), Reason::Unfoldable), (5, row, Reason::Behind)]);
    until_rows(&bench, "labels", 1, &without(&scene.history, &[faulty])).await;
    scene.running.stop().await;
}

async fn a_value_that_does_not_read_parks_its_stream(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    scene.history.happen(&acme(), price_changed(100, 2));
    scene.history.happen(&acme(), price_changed(100, 3));
    scene.history.happen(&acme(), product_created(101, 1, "another"));
    // Of no schema that anybody knows; the headers are whole.
    scene.history.records[3].value = Some(wire::frame(9999, b"what is this").to_vec());
    scene.history.records[5].value = None;
    scene.history.happen(&tenant("other"), price_changed(100, 2));
    scene.catch_up(3).await;

    let stream = |product: u128| Subject::Stream {
        tenant: acme(),
        stream: kernel::StreamName::of("product", Uuid::from_u128(product)),
    };
    let expected = [
        (4, stream(100), Reason::UnreadableEvent),
        (5, stream(100), Reason::Behind),
        (6, stream(101), Reason::UnreadableEvent),
    ];
    assert_eq!(told(&scene.letters().await), expected);
    assert_eq!(parked_since(&bench, &acme(), 100).await, Some(4));
    assert_eq!(parked_since(&bench, &acme(), 12345).await, Some(4), "any row may lack the event");
    assert_eq!(parked_since(&bench, &tenant("other"), 100).await, None);
    scene.running.stop().await;
}

async fn a_record_that_does_not_say_what_it_is_is_kept_and_passed_over(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let good = scene.history.records[1].clone();
    let foreign = Record { value: Some(b"garbage".to_vec()), headers: Vec::new(), ..good.clone() };
    let mut damaged = good;
    damaged.headers.retain(|(name, _)| *name != wire::headers::TENANT);
    for (name, value) in &mut damaged.headers {
        if *name == wire::headers::SEQUENCE {
            *value = bytes::Bytes::from_static(b"4");
        }
    }
    scene.world.publish(&[foreign, damaged]).await;
    scene.history.happen(&acme(), price_changed(100, 2));
    scene.catch_up(3).await;
    let letters = scene.letters().await;
    let at = |offset| Subject::Record { offset };
    assert_eq!(
        told(&letters),
        [(3, letters[0].subject.clone(), Reason::Foreign), (3, letters[1].subject.clone(), Reason::Foreign)]
    );
    let mut subjects: Vec<Subject> = letters.into_iter().map(|letter| letter.subject).collect();
    subjects.sort();
    assert_eq!(subjects, [at(3), at(4)]);
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    assert_eq!(parked_since(&bench, &acme(), 100).await, None);
    scene.running.stop().await;
}

async fn letters_are_told_on_their_topic(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = Uuid::new_v4().as_u128();
    make_faulty(faulty);
    scene.history.happen(&acme(), product_created(faulty, 1, "bad"));
    scene.catch_up(3).await;
    let nothing_is_untold = async || scene.store.untold(LANE, 10).await.unwrap().is_empty();
    until("the letter was told", nothing_is_untold).await;
    let told = scene.world.last_on_topic("labels.dead-letters", 0).await.unwrap();
    let original = &scene.history.records[3];
    assert_eq!(told.value.as_deref(), original.value.as_deref());
    assert_eq!(told.key.as_deref(), Some(original.key.as_bytes()));
    assert_eq!(told.headers.get("sequence"), Some(b"4".as_slice()));
    assert_eq!(told.headers.get("deadletter_reason"), Some(b"unfoldable".as_slice()));
    assert!(told.headers.get("deadletter_why").is_some_and(|why| !why.is_empty()));
    scene.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_that_the_store_refuses_parks_its_row() {
    let bench = Postgres::new().await;
    let world = World::new(1).await;
    let mut history = History::new(0);
    Story::of(1, &["acme"]).go_on(&mut history, 60);
    // Postgres keeps no NUL in a text; what came before it in the batch is written all the same, and what comes after.
    history.happen(&acme(), product_created(7000, 1, "nul \0"));
    history.happen(&acme(), product_created(7001, 1, "after it"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<ProductDetails>());
    let running = world.project::<ProductDetails>(store.clone());
    until_at(&store, LANE, history.head()).await;
    let letters = store.letters(None, None, 10).await.unwrap();
    assert_eq!(told(&letters), [(61, row_of(&acme(), 7000), Reason::Refused)]);
    let mut expected = reference::<ProductDetails>(&[&history]);
    expected.remove(&("acme".to_owned(), Uuid::from_u128(7000).to_string()));
    until_rows(&bench, "product-details", 1, &expected).await;
    running.stop().await;
}
