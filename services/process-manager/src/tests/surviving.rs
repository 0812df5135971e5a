use std::time::Duration;

use kernel::{Reply, Sequence};
use read_store::{Advance, Checkpoint, RowStore as _, StoreError as RowStoreError};

use super::toy::Patience;
use super::world::{LANE, World, called_off, changes_by, id, planned, recorded, served};
use crate::store::{Settled, Settlement};

const LEASE: Duration = Duration::from_secs(60);

async fn step(world: &World) -> usize {
    let served = served(Patience::default());
    world.store.step(&*served.engine, &served.inputs, 100).await.unwrap()
}

#[tokio::test]
async fn events_of_one_delivery_are_heard_in_the_order_of_their_log() {
    let mut world = World::new().await;
    world.happen("acme", [(id(1), planned(&["rome"])), (id(1), called_off())]).await;
    assert_eq!(step(&world).await, 1);
    let shown = world.show("acme", id(1)).await.unwrap();
    let heard: Vec<&str> = shown.history.iter().map(|(_, what)| what.split(' ').nth(1).unwrap()).collect();
    assert_eq!(heard, ["Planned", "CalledOff"]);
    assert_eq!(world.state("acme", id(1)).await, "GivingUp");
}

#[tokio::test]
async fn an_event_that_is_delivered_again_is_heard_once() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome"]).await;
    assert_eq!(step(&world).await, 1);
    // As after a retry of a dead letter, which writes rows anew.
    let again = changes_by(&recorded("acme", id(1), Sequence::new(1), planned(&["rome"])));
    let at = world.rows.checkpoint(LANE).await.unwrap().unwrap();
    let further = Checkpoint { offset: at.offset + 1, ..at };
    world.rows.write(LANE, &Advance { from: at, to: further }, &again, &[]).await.unwrap();
    assert_eq!(step(&world).await, 0);
    assert_eq!(world.show("acme", id(1)).await.unwrap().history.len(), 1);
}

#[tokio::test]
async fn a_manager_that_lost_its_lane_cannot_write_to_the_inbox() {
    let mut world = World::new().await;
    let before = world.rows.checkpoint(LANE).await.unwrap().unwrap();
    world.planned("acme", id(1), &["rome"]).await;
    let late = changes_by(&recorded("acme", id(2), Sequence::new(1), planned(&["rome"])));
    let advance = Advance { from: before, to: Checkpoint { offset: 7, ..before } };
    assert_eq!(world.rows.write(LANE, &advance, &late, &[]).await, Err(RowStoreError::Moved));
    assert_eq!(step(&world).await, 1);
    assert!(world.show("acme", id(2)).await.is_none());
}

#[tokio::test]
async fn an_event_that_comes_before_the_one_that_begins_the_instance_waits_for_it() {
    let mut world = World::new().await;
    world.happens("acme", id(1), called_off()).await;
    assert_eq!(step(&world).await, 0);
    assert_eq!(step(&world).await, 0);
    world.planned("acme", id(1), &["rome"]).await;
    assert_eq!(step(&world).await, 1);
    assert_eq!(world.show("acme", id(1)).await.unwrap().history.len(), 2);
}

#[tokio::test]
async fn instances_of_two_tenants_with_one_id_do_not_meet() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome"]).await;
    world.planned("globex", id(1), &["oslo"]).await;
    world.happens("globex", id(1), called_off()).await;
    assert_eq!(step(&world).await, 2);
    assert_eq!(world.state("acme", id(1)).await, "Holding");
    assert_eq!(world.state("globex", id(1)).await, "GivingUp");
    assert_eq!(world.state("initech", id(1)).await, "none");
    let claimed = world.store.claim(&["journey"], 10, LEASE).await.unwrap();
    let mut sent: Vec<_> =
        claimed.iter().map(|command| (command.tenant.as_str(), command.key.as_str())).collect();
    sent.sort_unstable();
    assert_eq!(sent, [("acme", "rome"), ("globex", "oslo")]);
    let settled = claimed.iter().find(|command| command.tenant.as_str() == "globex").unwrap();
    let settlement = Settlement::Definite(Reply::Done, None);
    world.store.settle(&[Settled { command: settled.clone(), settlement }]).await.unwrap();
    assert_eq!(step(&world).await, 1);
    assert_eq!(world.state("acme", id(1)).await, "Holding");
}

#[tokio::test]
async fn a_command_whose_sender_died_is_in_doubt_and_the_late_answer_does_not_count() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome"]).await;
    step(&world).await;
    let first = world.store.claim(&["journey"], 10, Duration::ZERO).await.unwrap();
    let second = world.store.claim(&["journey"], 10, LEASE).await.unwrap();
    assert_eq!((first[0].attempts, second[0].attempts), (1, 2));
    assert!(world.store.claim(&["journey"], 10, LEASE).await.unwrap().is_empty());
    let refused = Settlement::Definite(Reply::Refused { code: "no-room".to_owned() }, None);
    world.store.settle(&[Settled { command: first[0].clone(), settlement: refused }]).await.unwrap();
    assert_eq!(step(&world).await, 1);
    assert_eq!(world.state("acme", id(1)).await, "Holding");
    let done = Settlement::Definite(Reply::Done, None);
    world.store.settle(&[Settled { command: second[0].clone(), settlement: done }]).await.unwrap();
    assert_eq!(step(&world).await, 1);
    assert_eq!(world.state("acme", id(1)).await, "Confirming");
    let shown = world.show("acme", id(1)).await.unwrap();
    let lines: Vec<&str> = shown.history.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(lines[1..], ["unknown rome", "done rome"]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_commands_waiting() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome"]).await;
    step(&world).await;
    let pool = world.database.pool().await;
    let later = "UPDATE processes.commands SET next_at = now() + interval '1 hour'";
    sqlx::query(later).execute(&pool).await.unwrap();
    assert_eq!(world.store.claim(&["journey"], 10, LEASE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_caused_an_event_goes_on_to_its_commands() {
    let mut world = World::new().await;
    world.planned("acme", id(1), &["rome"]).await;
    let (work, token) = world.manager(Patience::default());
    let end = async {
        super::world::until("it is confirmed", || async {
            (world.state("acme", id(1)).await == "Confirmed").then_some(())
        })
        .await;
        token.cancel();
    };
    tokio::join!(async { work.run(token.clone()).await.unwrap() }, end);
    let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let (correlation, causation, traceparent) = world.hotel.cause(&format!("process/journey/{}/rome", id(1)));
    assert_eq!(
        (correlation, causation, traceparent),
        (id(1001).to_string(), Some(id(1).to_string()), trace.clone())
    );
    // What the answer to the first recorded caused the second.
    let (correlation, causation, traceparent) =
        world.hotel.cause(&format!("process/journey/{}/confirm", id(1)));
    assert_eq!((correlation, traceparent), (id(1001).to_string(), trace));
    assert_ne!(causation, Some(id(1).to_string()));
}
