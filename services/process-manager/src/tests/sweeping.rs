use std::sync::{Arc, Mutex};
use std::time::Duration;

use service_runtime::Health;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::hotel::Mishap;
use super::toy::Patience;
use super::world::{World, called_off, id, served, tenant, until};
use crate::engine::Action;
use crate::store::{Operated, Which};

const LONG_AGO: &str = "UPDATE processes.instances SET changed_at = now() - interval '91 days'
                         WHERE tenant = 'acme' OR instance <> '00000000-0000-0000-0000-000000000001'";
const NINETY_DAYS: Duration = Duration::from_secs(90 * 24 * 3600);

/// Runs a manager that finds an answer overdue after a moment, until `look` finds something.
async fn run_until<T>(world: &World, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    run_with(Duration::from_millis(50), world, what, look).await
}

async fn run_with<T>(
    stuck_after: Duration,
    world: &World,
    what: &str,
    look: impl AsyncFn() -> Option<T>,
) -> T {
    let (mut work, token) = world.manager(Patience::default());
    work.patience.stuck_after = stuck_after;
    let end = async {
        let found = until(what, look).await;
        token.cancel();
        found
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end).1
}

async fn run_until_state(world: &World, journey: u128, wanted: &str) {
    run_until(world, wanted, async || {
        world.state("acme", id(journey)).await.starts_with(wanted).then_some(())
    })
    .await;
}

async fn forget(world: &World) -> u64 {
    let served = served(Patience::default());
    world.store.forget_ended("journey", &served.inputs, NINETY_DAYS).await.unwrap()
}

#[tokio::test]
async fn a_command_that_fails_for_ever_shows_as_stuck_is_repeated_and_undoes_nothing() {
    let mut world = World::new().await;
    world.hotel.mishaps("oslo", std::iter::repeat_n(Mishap::RequestLost, 10_000));
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    world.planned("globex", id(1), &["rome"]).await;
    run_until_state(&world, 1, "stuck: oslo: no definite answer since 2").await;
    let state = world.state("acme", id(1)).await;
    assert!(state.contains("502"), "{state}");
    let stuck = world.store.list(None, None, Which::Stuck, None, 10).await.unwrap();
    let stuck: Vec<_> = stuck.iter().map(|listed| (listed.tenant.as_str(), listed.instance)).collect();
    assert_eq!(stuck, [("acme", id(1))]);
    assert_eq!(world.store.census("journey").await.unwrap().stuck, 1);

    let attempts = async || {
        let shown = world.show("acme", id(1)).await.unwrap();
        shown.commands.iter().find(|command| command.key == "oslo").unwrap().attempts
    };
    let before = attempts().await;
    run_until(&world, "it is repeated", async || (attempts().await > before).then_some(())).await;
    // It hears what happens, and does not undo what it does not know the outcome of.
    world.happens("acme", id(1), called_off()).await;
    run_until(&world, "it hears", async || {
        let shown = world.show("acme", id(1)).await.unwrap();
        (shown.kept["state"] == "GivingUp").then_some(())
    })
    .await;
    assert!(world.state("acme", id(1)).await.starts_with("stuck: oslo"));
    let effects = world.hotel.effects("acme");
    assert!(effects.iter().all(|(command, ..)| command != "release-room"), "{effects:?}");

    world.hotel.mend();
    run_until_state(&world, 1, "GivenUp").await;
    assert_eq!(world.store.census("journey").await.unwrap().stuck, 0);
}

#[tokio::test]
async fn an_operator_has_a_command_that_gets_no_answer_sent_again_at_once() {
    let mut world = World::new().await;
    world.hotel.mishaps("rome", std::iter::repeat_n(Mishap::Busy, 10_000));
    world.planned("acme", id(1), &["rome"]).await;
    run_until_state(&world, 1, "stuck: rome: no definite answer").await;
    world.hotel.mend();
    let pool = world.database.pool().await;
    let later = "UPDATE processes.commands SET next_at = now() + interval '9 minutes'";
    sqlx::query(later).execute(&pool).await.unwrap();
    let (served, acme) = (served(Patience::default()), tenant("acme"));
    let asked =
        Operated { tenant: &acme, instance: id(1), action: Action::Retry, by: "ann", reason: "a test" };
    world.store.operate(&*served.engine, &served.inputs, &asked).await.unwrap();
    assert_eq!(world.state("acme", id(1)).await, "Holding");
    run_until_state(&world, 1, "Confirmed").await;
    let shown = world.show("acme", id(1)).await.unwrap();
    assert!(shown.audit[0].stuck.as_deref().unwrap().starts_with("rome: no definite answer"));
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_and_nothing_that_runs_or_is_stuck() {
    let mut world = World::new().await;
    for (whose, journey) in [("acme", 1), ("globex", 1), ("globex", 2)] {
        world.planned(whose, id(journey), &["rome"]).await;
    }
    run_until(&world, "all are over", async || {
        let states = [world.state("globex", id(1)).await, world.state("globex", id(2)).await];
        (states == ["Confirmed", "Confirmed"] && world.state("acme", id(1)).await == "Confirmed")
            .then_some(())
    })
    .await;
    world.hotel.mishaps("oslo", [Mishap::Nonsense]);
    world.hotel.mishaps("cairo", std::iter::repeat_n(Mishap::RequestLost, 10_000));
    world.planned("acme", id(3), &["oslo"]).await;
    world.planned("acme", id(4), &["cairo"]).await;
    world.happens("acme", id(5), called_off()).await;
    run_until_state(&world, 3, "stuck").await;
    run_until_state(&world, 4, "stuck").await;
    assert_eq!(forget(&world).await, 0);

    let pool = world.database.pool().await;
    sqlx::query(LONG_AGO).execute(&pool).await.unwrap();
    // One that ended has something to hear still, one ended a moment ago.
    world.happens("globex", id(2), called_off()).await;
    assert_eq!(forget(&world).await, 1);
    assert_eq!(world.show("acme", id(1)).await, None);
    for (whose, journey) in [("acme", 3), ("acme", 4), ("globex", 1), ("globex", 2)] {
        assert!(world.show(whose, id(journey)).await.is_some(), "{whose} {journey}");
    }
    let left: Vec<(String, String)> =
        sqlx::query_as("SELECT tenant, split_part(key, '/', 1) FROM journey_v1.rows ORDER BY 1, key")
            .fetch_all(&pool)
            .await
            .unwrap();
    let left: Vec<_> = left.iter().map(|(tenant, journey)| (tenant.as_str(), journey.as_str())).collect();
    let of = |journey: u128| id(journey).to_string();
    let (one, two, three, four, five) = (of(1), of(2), of(3), of(4), of(5));
    let (acme, globex) = ("acme", "globex");
    assert_eq!(
        left,
        [(acme, &*three), (acme, &*four), (acme, &*five), (globex, &*one), (globex, &*two), (globex, &*two)]
    );
}

#[tokio::test]
async fn a_sweep_removes_a_bounded_number_of_instances() {
    let world = World::new().await;
    let pool = world.database.pool().await;
    let many = "INSERT INTO processes.instances
                    (process, tenant, instance, kept, phase, correlation_id, changed_at)
                SELECT 'journey', 'acme', gen_random_uuid(), '{}', 'ended', gen_random_uuid(), 'epoch'
                  FROM generate_series(1, 250)";
    sqlx::query(many).execute(&pool).await.unwrap();
    assert_eq!([forget(&world).await, forget(&world).await, forget(&world).await], [200, 50, 0]);
}

/// The messages of the warnings of this thread.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }
}

#[tokio::test]
async fn an_instance_that_is_stuck_is_told_of_once_and_again_only_with_another_reason() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(warnings.clone()));
    let told =
        || warnings.0.lock().unwrap().iter().filter(|message| *message == "an instance is stuck").count();
    let mut world = World::new().await;
    world.hotel.mishaps("oslo", [Mishap::Refused("no-room")]);
    world.hotel.mishaps("rome/undo", std::iter::repeat_n(Mishap::Refused("closed"), 4));
    world.hotel.mishaps("rome/undo", std::iter::repeat_n(Mishap::Refused("on-fire"), 10_000));
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    for (times, why) in [(1, "closed"), (2, "on-fire")] {
        let wanted = format!("stuck: rome cannot be undone: {why}");
        run_with(Duration::from_secs(3600), &world, &wanted, async || {
            (world.state("acme", id(1)).await == wanted).then_some(())
        })
        .await;
        assert_eq!(told(), times);
    }
}

#[tokio::test]
async fn a_manager_of_a_new_database_is_not_ready_before_there_is_an_inbox_and_stays_ready_then() {
    let mut world = World::without_an_inbox().await;
    let (mut work, token) = world.manager(Patience::default());
    let health = Health::new();
    let database = health.dependency("processes");
    work.database = database.clone();
    let losses = Warnings::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(losses.clone()));
    let running = tokio::spawn(work.run(token.clone()));
    let waits = || async {
        let why = health.readiness().dependencies[0].why.clone().unwrap_or_default();
        assert!(!database.is_ready(), "ready without an inbox");
        why.contains("journey_v1.rows is not there yet").then_some(())
    };
    until("it waits for the inbox", waits).await;
    world.has_an_inbox().await;
    until("it is ready", || async { database.is_ready().then_some(()) }).await;
    world.planned("acme", id(1), &["rome"]).await;
    until("it works", || async { (world.state("acme", id(1)).await == "Confirmed").then_some(()) }).await;
    assert!(!losses.0.lock().unwrap().iter().any(|message| message == "lost a dependency"));
    token.cancel();
    running.await.unwrap().unwrap();
}
