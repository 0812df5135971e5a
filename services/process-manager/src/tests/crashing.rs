use std::time::Duration;

use super::hotel::Mishap;
use super::toy::Patience;
use super::world::{World, crash_after, id, until};

/// Crashes of one run each, spread evenly from its first to its last point at which it waits for something.
const CRASHES: u32 = 50;

/// At how many points a manager waits until the journey is over, if nothing crashes.
async fn points_of(world: &World, journey: uuid::Uuid) -> u32 {
    let (work, token) = world.manager(Patience::default());
    let mut running = crash_after(u32::MAX, work.run(token));
    tokio::select! {
        _ = &mut running => panic!("it was not told to stop"),
        _ = until_over(world, "acme", journey) => {}
    }
    running.polled()
}

async fn until_over(world: &World, whose: &str, journey: uuid::Uuid) -> String {
    until("the journey is over", || async {
        let state = world.state(whose, journey).await;
        (state == "Confirmed" || state == "GivenUp" || state.starts_with("stuck")).then_some(state)
    })
    .await
}

/// What is left of a journey that was given up: every room that was held was released, and nothing twice. A room may be
/// released that nobody holds: one that was asked for in vain after a request of which nothing is known.
fn assert_all_given_back(world: &World, whose: &str, journey: uuid::Uuid) {
    let effects = world.hotel.effects(whose);
    let of = |command: &str| -> Vec<(String, u32)> {
        let own = effects
            .iter()
            .filter(|(name, about, _)| name == command && about.starts_with(&journey.to_string()));
        own.map(|(_, about, count)| (about.clone(), *count)).collect()
    };
    let (held, released) = (of("hold-room"), of("release-room"));
    assert!(held.iter().all(|room| released.contains(room)), "of {journey}: {held:?}, {released:?}");
    assert!(released.iter().all(|(_, count)| *count == 1), "of {journey}: {released:?}");
    assert!(of("confirm").is_empty());
}

#[tokio::test]
async fn a_crash_between_any_two_writes_loses_nothing_and_does_nothing_twice() {
    let mut world = World::new().await;
    world.planned("acme", id(1000), &["rome", "oslo"]).await;
    let points = points_of(&world, id(1000)).await;
    for point in 0..CRASHES {
        let journey = id(u128::from(point) + 1);
        world.planned("acme", journey, &["rome", "oslo"]).await;
        let (work, token) = world.manager(Patience::default());
        let crashed = crash_after(1 + points * point / CRASHES, work.run(token)).await;
        assert!(crashed);
        let (work, token) = world.manager(Patience::default());
        let end = async {
            assert_eq!(until_over(&world, "acme", journey).await, "Confirmed");
            token.cancel();
        };
        tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
        let effects = world.hotel.effects("acme");
        let own: Vec<_> = effects
            .iter()
            .filter(|(_, about, _)| about.starts_with(&journey.to_string()))
            .map(|(command, _, count)| (command.as_str(), *count))
            .collect();
        assert_eq!(own, [("confirm", 1), ("hold-room", 1), ("hold-room", 1)], "crashed after {point}");
    }
}

#[tokio::test]
async fn a_crash_between_any_two_writes_of_compensation_leaves_nothing_behind() {
    let mut world = World::new().await;
    world.hotel.mishaps("oslo", [Mishap::Refused("no-room")]);
    world.planned("acme", id(1000), &["rome", "oslo"]).await;
    let points = points_of(&world, id(1000)).await;
    for point in 0..CRASHES {
        let journey = id(u128::from(point) + 1);
        // The second room is refused; what undoes the first is refused once and lost once.
        world.hotel.mishaps("oslo", [Mishap::Refused("no-room")]);
        world.hotel.mishaps("rome/undo", [Mishap::Refused("busy"), Mishap::AnswerLost]);
        world.planned("acme", journey, &["rome", "oslo"]).await;
        let (work, token) = world.manager(Patience::default());
        crash_after(1 + points * point / CRASHES, work.run(token)).await;
        let (work, token) = world.manager(Patience::default());
        let end = async {
            until("the journey is over", || async {
                let state = world.state("acme", journey).await;
                // A crash that lost the refusal has the room asked for again, and got.
                (state == "GivenUp" || state == "Confirmed").then_some(())
            })
            .await;
            token.cancel();
        };
        tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
        if world.state("acme", journey).await == "GivenUp" {
            assert_all_given_back(&world, "acme", journey);
        }
        world.hotel.mend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_managers_on_the_same_instances_do_everything_once() {
    let mut world = World::new().await;
    let journeys: Vec<_> = (1..=200).map(id).collect();
    let plan = |journey: &uuid::Uuid| (*journey, super::world::planned(&["rome", "oslo"]));
    world.happen("acme", journeys.iter().map(plan)).await;
    // Every third answer is lost.
    let lost = (0..100).flat_map(|_| [Mishap::AnswerLost, Mishap::Busy]);
    world.hotel.mishaps("oslo", lost);
    let (one, stop_one) = world.manager(Patience::default());
    let (other, stop_other) = world.manager(Patience::default());
    let running = [tokio::spawn(one.run(stop_one.clone())), tokio::spawn(other.run(stop_other.clone()))];
    for journey in &journeys {
        assert_eq!(until_over(&world, "acme", *journey).await, "Confirmed");
    }
    stop_one.cancel();
    stop_other.cancel();
    for manager in running {
        manager.await.unwrap().unwrap();
    }
    let effects = world.hotel.effects("acme");
    assert_eq!(effects.len(), 3 * journeys.len());
    assert!(effects.iter().all(|(_, _, count)| *count == 1));
}

#[tokio::test]
async fn timers_come_after_a_restart_and_in_their_thousands() {
    let mut world = World::new().await;
    let journeys: Vec<_> = (1..=2000).map(id).collect();
    // Rooms that nobody answers for.
    world.hotel.mishaps("silent", std::iter::repeat_n(Mishap::Busy, 200_000));
    world.happen("acme", journeys.iter().map(|id| (*id, super::world::planned(&["silent"])))).await;
    let short = || Patience { millis: 300 };
    let (work, token) = world.manager(short());
    let stop = async {
        until("every journey was begun", || async {
            let census = world.store.census("journey").await.unwrap();
            (census.running + census.compensating == 2000).then_some(())
        })
        .await;
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, stop);
    // Their time comes while nobody runs.
    until("they are due", || async {
        let census = world.store.census("journey").await.unwrap();
        (census.timers == census.timers_due).then_some(())
    })
    .await;
    world.hotel.mend();
    let (work, token) = world.manager(short());
    let end = async {
        until("every timer has come", || async {
            let census = world.store.census("journey").await.unwrap();
            (census.running + census.compensating == 0).then_some(census)
        })
        .await;
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
    for journey in journeys {
        assert_eq!(world.state("acme", journey).await, "GivenUp");
        assert_all_given_back(&world, "acme", journey);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_out_and_nothing_is_undone_meanwhile() {
    let mut world = World::new().await;
    world.hotel.mishaps("rome", [Mishap::AnswerLost, Mishap::RequestLost, Mishap::Busy]);
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    let (work, token) = world.manager(Patience::default());
    let end = async {
        assert_eq!(until_over(&world, "acme", id(1)).await, "Confirmed");
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
    let shown = world.show("acme", id(1)).await.unwrap();
    let lines: Vec<&str> = shown.history.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(lines.iter().filter(|line| **line == "unknown rome").count(), 1, "{lines:?}");
    assert!(lines.contains(&"done rome"), "{lines:?}");
    let commands: Vec<_> = world.hotel.effects("acme").into_iter().map(|(_, _, count)| count).collect();
    assert_eq!(commands, [1, 1, 1]);
}

#[tokio::test]
async fn what_a_refusal_after_an_unknown_attempt_may_have_left_behind_is_undone() {
    let mut world = World::new().await;
    world.hotel.mishaps("rome", [Mishap::RequestLost, Mishap::Refused("no-room")]);
    world.hotel.mishaps("rome/undo", [Mishap::Refused("never-held")]);
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    let (work, token) = world.manager(Patience::default());
    let end = async {
        assert_eq!(until_over(&world, "acme", id(1)).await, "GivenUp");
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
    let shown = world.show("acme", id(1)).await.unwrap();
    let undoing: Vec<_> =
        shown.kept["steps"].as_array().unwrap().iter().map(|step| step["undoing"]["is"].clone()).collect();
    assert_eq!(undoing, ["done", "done"]);
    // Slowly enough that a command is not asked for in a ring.
    assert!(shown.commands.iter().all(|command| command.attempts <= 4), "{:?}", shown.commands);
}

#[tokio::test]
async fn a_manager_that_is_told_to_stop_leaves_nothing_half_done() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    let (work, token) = world.manager(Patience::default());
    token.cancel();
    tokio::time::timeout(Duration::from_secs(20), work.run(token)).await.unwrap().unwrap();
    let (work, token) = world.manager(Patience::default());
    let end = async {
        assert_eq!(until_over(&world, "acme", id(1)).await, "Confirmed");
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
}
