//! What is parked is folded again from the log, or given up, when an operator asks.

use kernel::{Lane, RowKey, TenantId};
use projection::Source;
use read_store::{LetterStore, Reason, Request, RowAddress, RowStore, Subject, Which};
use uuid::Uuid;

use crate::on_both_stores;
use crate::support::history::{
    category_created, category_renamed, price_changed, product_created, reference, tenant,
};
use crate::support::labels::{Labels, make_faulty, mend};
use crate::support::log_service::LogService;
use crate::support::world::{until_at_head, version_of};
use crate::support::{Bench, History, Postgres, Running, World, until, until_rows};

on_both_stores!(
    a_mended_row_is_the_fold_and_goes_on_from_there,
    what_still_fails_stays_parked_and_says_so,
    a_stream_whose_record_was_damaged_is_mended_from_the_log,
    what_is_discarded_goes_on_without_its_events,
    a_log_that_is_away_is_waited_for,
);

const LANE: Lane = Lane::new(0);

struct Scene<S> {
    world: World,
    log: LogService,
    store: S,
    history: History,
    running: Running,
}

async fn scene<B: Bench>(bench: &B) -> Scene<B::Store> {
    let (world, log) = (World::new(1).await, LogService::start().await);
    let mut history = History::new(0);
    history.happen(&acme(), category_created(1, "tools"));
    history.happen(&acme(), product_created(100, 1, "saw"));
    history.happen(&tenant("other"), product_created(100, 1, "saw"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<Labels<1>>());
    let source = Source { log: log.source(), ..world.source() };
    let running = world.project_with::<Labels<1>>(source, store.clone());
    until_at_head(&store, &history).await;
    Scene { world, log, store, history, running }
}

impl<S: RowStore> Scene<S> {
    /// Publishes what has happened since, and waits until all of it was dealt with. The log holds it.
    async fn catch_up(&self, from: usize) {
        self.log.holds(&self.history, self.history.head().number());
        self.world.publish_from(&self.history, from).await;
        until_at_head(&self.store, &self.history).await;
    }

    async fn ask(&self, request: Request) {
        assert!(self.store.request(&Which::All { tenant: None }, &request).await.unwrap() > 0);
    }

    async fn until_nothing_is_parked(&self) {
        until("nothing is parked", async || self.store.parked(LANE, 10).await.unwrap().is_empty()).await;
    }

    /// A row whose first event cannot be folded, and two more events of it.
    async fn park(&mut self) -> u128 {
        let faulty = Uuid::new_v4().as_u128();
        make_faulty(faulty);
        let at = self.history.events.len();
        self.history.happen(&acme(), product_created(faulty, 1, "bad"));
        self.history.happen(&acme(), category_renamed(1, "instruments"));
        self.history.happen(&acme(), price_changed(faulty, 2));
        self.catch_up(at).await;
        faulty
    }
}

fn acme() -> TenantId {
    tenant("acme")
}

fn retry() -> Request {
    Request::Retry { by: "operator".to_owned() }
}

async fn a_mended_row_is_the_fold_and_goes_on_from_there(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = scene.park().await;
    assert_eq!(scene.store.letters(None, None, 10).await.unwrap().len(), 2);
    mend(faulty);
    scene.ask(retry()).await;
    scene.until_nothing_is_parked().await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    assert_eq!(scene.store.letters(None, None, 10).await.unwrap(), []);
    // By its link, too.
    let at = scene.history.events.len();
    scene.history.happen(&acme(), category_renamed(1, "again"));
    scene.history.happen(&acme(), price_changed(faulty, 3));
    scene.catch_up(at).await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    scene.running.stop().await;
}

async fn what_still_fails_stays_parked_and_says_so(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = scene.park().await;
    scene.ask(retry()).await;
    until("it was tried once more", async || {
        scene.store.letters(None, None, 10).await.unwrap()[0].attempts == 4
    })
    .await;
    assert_eq!(scene.store.requests(LANE, 10).await.unwrap(), []);
    assert_eq!(scene.store.letters(None, None, 10).await.unwrap().len(), 2);
    mend(faulty);
    scene.ask(retry()).await;
    scene.until_nothing_is_parked().await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    scene.running.stop().await;
}

async fn a_stream_whose_record_was_damaged_is_mended_from_the_log(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    scene.history.happen(&acme(), product_created(101, 1, "damaged on its way"));
    scene.history.happen(&acme(), category_renamed(1, "instruments"));
    scene.history.happen(&acme(), price_changed(100, 2));
    scene.log.holds(&scene.history, scene.history.head().number());
    let mut records = scene.history.records[3..].to_vec();
    records[0].value = Some(b"damaged".to_vec());
    scene.world.publish(&records).await;
    until_at_head(&scene.store, &scene.history).await;
    let letters = scene.store.letters(None, None, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].reason), (1, Reason::UnreadableEvent));
    scene.ask(retry()).await;
    scene.until_nothing_is_parked().await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    scene.running.stop().await;
}

async fn what_is_discarded_goes_on_without_its_events(bench: impl Bench) {
    let mut scene = scene(&bench).await;
    let faulty = scene.park().await;
    scene.ask(Request::Discard { by: "operator".to_owned(), reason: "a test".to_owned() }).await;
    scene.until_nothing_is_parked().await;
    mend(faulty);
    let at = scene.history.events.len();
    scene.history.happen(&acme(), product_created(faulty, 1, "anew"));
    scene.catch_up(at).await;
    let rows = bench.all_rows("labels", 1).await;
    let row = &rows[&("acme".to_owned(), Uuid::from_u128(faulty).to_string())];
    assert_eq!((row.0, row.1["text"].as_str()), (7, Some("v1 anew")));
    scene.running.stop().await;
}

async fn a_log_that_is_away_is_waited_for(bench: impl Bench) {
    let (world, log) = (World::new(1).await, LogService::start().await);
    let faulty = Uuid::new_v4().as_u128();
    make_faulty(faulty);
    let mut history = History::new(0);
    history.happen(&acme(), product_created(faulty, 1, "bad"));
    world.publish_from(&history, 0).await;
    let store = bench.rows(version_of::<Labels<1>>());
    let running =
        world.project_with::<Labels<1>>(Source { log: log.source(), ..world.source() }, store.clone());
    until_at_head(&store, &history).await;
    mend(faulty);
    let row = Subject::Row(RowAddress { tenant: acme(), key: RowKey::from(Uuid::from_u128(faulty)) });
    assert_eq!(store.request(&Which::All { tenant: None }, &retry()).await.unwrap(), 1);
    // The lane goes on meanwhile, and what is asked stays asked.
    history.happen(&acme(), product_created(5, 1, "another"));
    world.publish_from(&history, 1).await;
    until_at_head(&store, &history).await;
    assert_eq!(store.requests(LANE, 10).await.unwrap(), [(row, retry())]);
    log.holds(&history, 2);
    until("nothing is parked", async || store.parked(LANE, 10).await.unwrap().is_empty()).await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&history])).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_among_many_rows_keeps_no_other_row_back_and_no_row_ever_takes_events_out_of_order() {
    const ROWS: u128 = 10_000;
    let bench = Postgres::new().await;
    let mut scene = scene(&bench).await;
    bench.record_writes("labels").await;
    for number in 0..ROWS {
        scene.history.happen(&acme(), product_created(1_000 + number, number % 7, "good"));
    }
    scene.catch_up(3).await;
    let at = scene.history.events.len();
    let mut faulty: Vec<u128> = Vec::new();
    for number in 0..10_000 {
        let event = match number % 1_000 {
            0 => {
                let poison = Uuid::new_v4().as_u128();
                make_faulty(poison);
                faulty.push(poison);
                product_created(poison, number % 7, "bad")
            }
            300 => category_renamed(number % 7, "renamed"),
            // The poisoned are touched again.
            600 => price_changed(faulty[faulty.len() / 2], 3),
            _ => price_changed(1_000 + number % ROWS, 2),
        };
        scene.history.happen(&acme(), event);
    }
    scene.catch_up(at).await;
    assert_eq!(scene.store.parked(LANE, 100).await.unwrap().len(), faulty.len());
    assert_eq!(scene.store.letters(None, None, 100).await.unwrap().len(), 2 * faulty.len());
    faulty.iter().for_each(|product| mend(*product));
    let mut others = reference::<Labels<1>>(&[&scene.history]);
    for product in &faulty {
        others.remove(&("acme".to_owned(), Uuid::from_u128(*product).to_string()));
    }
    until_rows(&bench, "labels", 1, &others).await;
    scene.ask(retry()).await;
    scene.until_nothing_is_parked().await;
    until_rows(&bench, "labels", 1, &reference::<Labels<1>>(&[&scene.history])).await;
    let (writes, wrong) = bench.recorded_writes().await;
    assert!(writes > 15_000, "{writes} writes");
    assert_eq!(wrong, 0, "rows were written out of order");
    scene.running.stop().await;
}
