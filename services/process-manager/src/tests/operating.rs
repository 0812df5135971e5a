use super::hotel::Mishap;
use super::toy::Patience;
use super::world::{World, called_off, id, served, tenant, until};
use crate::engine::Action;
use crate::store::{NotDone, Operated, Which};

async fn operate(world: &World, journey: u128, action: Action) -> Result<(), NotDone> {
    let served = served(Patience::default());
    let acme = tenant("acme");
    let asked =
        Operated { tenant: &acme, instance: id(journey), action, by: "ann", reason: "because of a test" };
    world.store.operate(&*served.engine, &served.inputs, &asked).await
}

/// Runs a manager until the journey is in this state.
async fn run_until(world: &World, journey: u128, wanted: &str) {
    let (work, token) = world.manager(Patience::default());
    let end = async {
        until(wanted, || async { world.state("acme", id(journey)).await.starts_with(wanted).then_some(()) })
            .await;
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
}

#[tokio::test]
async fn a_step_that_makes_no_sense_parks_its_instance_and_no_other_until_it_is_retried() {
    let mut world = World::new().await;
    world.hotel.mishaps("rome", [Mishap::Nonsense]);
    world.planned("acme", id(1), &["rome"]).await;
    run_until(&world, 1, "stuck: rome: 422").await;
    world.planned("acme", id(2), &["rome"]).await;
    world.happens("acme", id(1), called_off()).await;
    run_until(&world, 2, "Confirmed").await;
    // It hears nothing meanwhile.
    assert!(world.state("acme", id(1)).await.starts_with("stuck"));
    let stuck = world.store.list(None, None, Which::Stuck, None, 10).await.unwrap();
    assert_eq!(stuck.iter().map(|listed| listed.instance).collect::<Vec<_>>(), [id(1)]);
    operate(&world, 1, Action::Retry).await.unwrap();
    run_until(&world, 1, "GivenUp").await;
    let shown = world.show("acme", id(1)).await.unwrap();
    let audited = &shown.audit[0];
    assert_eq!((audited.action.as_str(), audited.by.as_str()), ("retry", "ann"));
    assert_eq!(audited.reason, "because of a test");
    assert!(audited.stuck.as_deref().unwrap().starts_with("rome: 422"));
}

#[tokio::test]
async fn a_step_that_is_skipped_counts_as_done_and_is_not_undone() {
    let mut world = World::new().await;
    world.hotel.mishaps("rome", [Mishap::Nonsense]);
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    run_until(&world, 1, "stuck").await;
    world.hotel.mishaps("confirm", [Mishap::Refused("full")]);
    operate(&world, 1, Action::Skip).await.unwrap();
    run_until(&world, 1, "GivenUp").await;
    let commands: Vec<String> = world.hotel.effects("acme").into_iter().map(|(name, ..)| name).collect();
    assert_eq!(commands, ["hold-room", "release-room"]);
}

#[tokio::test]
async fn an_operator_has_a_stuck_instance_undone() {
    let mut world = World::new().await;
    world.hotel.mishaps("oslo", [Mishap::Nonsense]);
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    run_until(&world, 1, "stuck").await;
    operate(&world, 1, Action::Compensate).await.unwrap();
    run_until(&world, 1, "GivenUp").await;
    let commands: Vec<String> = world.hotel.effects("acme").into_iter().map(|(name, ..)| name).collect();
    assert_eq!(commands, ["hold-room", "release-room"]);
    assert_eq!(operate(&world, 1, Action::Compensate).await, Err(NotDone::Ended));
}

#[tokio::test]
async fn a_fault_of_the_program_parks_the_instance_as_it_was_and_what_brought_it_out_can_be_skipped() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["atlantis"]).await;
    run_until(&world, 1, "stuck: event Planned").await;
    let shown = world.show("acme", id(1)).await.unwrap();
    assert_eq!(shown.kept["state"], "Unplanned");
    assert!(shown.commands.is_empty());
    // The same program finds the same fault.
    operate(&world, 1, Action::Retry).await.unwrap();
    run_until(&world, 1, "stuck: event Planned").await;
    operate(&world, 1, Action::Skip).await.unwrap();
    assert_eq!(world.state("acme", id(1)).await, "Unplanned");
    world.planned("acme", id(1), &["rome"]).await;
    run_until(&world, 1, "Confirmed").await;
}

#[tokio::test]
async fn compensation_that_is_refused_shows_and_is_repeated_until_it_succeeds_or_is_skipped() {
    let mut world = World::new().await;
    world.hotel.mishaps("oslo", [Mishap::Refused("no-room")]);
    world.hotel.mishaps("rome/undo", std::iter::repeat_n(Mishap::Refused("closed"), 1000));
    world.planned("acme", id(1), &["rome", "oslo"]).await;
    run_until(&world, 1, "stuck: rome cannot be undone: closed").await;
    let (work, token) = world.manager(Patience::default());
    let end = async {
        until("it is repeated", || async {
            let shown = world.show("acme", id(1)).await.unwrap();
            shown
                .commands
                .iter()
                .any(|command| command.key == "rome/undo" && command.attempts > 2)
                .then_some(())
        })
        .await;
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
    operate(&world, 1, Action::Skip).await.unwrap();
    run_until(&world, 1, "GivenUp").await;
}

#[tokio::test]
async fn only_what_is_stuck_is_retried_or_skipped_and_nobody_elses() {
    let mut world = World::new().await;
    world.planned("globex", id(1), &["rome"]).await;
    world.planned("acme", id(2), &["rome"]).await;
    run_until(&world, 2, "Confirmed").await;
    for action in [Action::Retry, Action::Skip] {
        assert_eq!(operate(&world, 2, action).await, Err(NotDone::NotStuck));
    }
    for action in [Action::Retry, Action::Skip, Action::Compensate] {
        assert_eq!(operate(&world, 1, action).await, Err(NotDone::NoSuch));
    }
}
