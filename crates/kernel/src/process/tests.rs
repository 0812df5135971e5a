use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::testing::{ProcessCase, process};
use crate::{EventDecoder, EventEncoder, json};

/// Two rooms are held, then the journey is confirmed; whatever goes wrong, the rooms are given back.
struct Journey;

#[derive(Debug, Clone, PartialEq)]
enum JourneyEvent {
    Planned,
    CalledOff,
}

impl EventSet for JourneyEvent {
    const SCHEMAS: &'static [(&'static str, &'static str)] = &[];

    fn event_type(&self) -> &'static str {
        "Journey"
    }

    fn encode<E: EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error> {
        encoder.encode("Journey", &())
    }

    fn decode<D: EventDecoder>(_: &str, _: D) -> Option<Result<Self, D::Error>> {
        None
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
enum JourneyState {
    #[default]
    Unplanned,
    Holding {
        held: Vec<String>,
    },
    Confirming,
    GivenUp,
    Over,
}

#[derive(Debug, Clone, Deserialize)]
struct Patience {
    seconds: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { seconds: 60 }
    }
}

fn room(city: &str) -> Outgoing {
    Outgoing::new("hotels", "hold-room", json!({ "city": city }))
}

fn hold(city: &str) -> Step {
    let release = Outgoing::new("hotels", "release-room", json!({ "city": city }));
    Step::new(city, room(city)).undone_by(release).or_settled_by("never-held")
}

impl Process for Journey {
    const NAME: &'static str = "journey";
    type Event = JourneyEvent;
    type State = JourneyState;
    type Settings = Patience;

    fn route(event: &Recorded<JourneyEvent>) -> Route {
        let Some(id) = event.stream.id() else { return Route::Ignore };
        match event.event {
            JourneyEvent::Planned => Route::Start(id),
            JourneyEvent::CalledOff => Route::Continue(id),
        }
    }

    fn evolve(state: JourneyState, input: &ProcessInput<JourneyEvent>) -> JourneyState {
        use JourneyState::{Confirming, GivenUp, Holding, Over, Unplanned};
        match (state, input) {
            (Unplanned, ProcessInput::Event(_)) => Holding { held: Vec::new() },
            (Holding { mut held }, ProcessInput::Done { step }) => {
                held.push(step.clone());
                if held.len() == 2 { Confirming } else { Holding { held } }
            }
            (Confirming, ProcessInput::Done { .. }) | (_, ProcessInput::Compensated) => Over,
            (Holding { .. } | Confirming, ProcessInput::Event(_) | ProcessInput::Refused { .. }) => GivenUp,
            (Holding { .. } | Confirming, ProcessInput::Woken { .. }) => GivenUp,
            (state, _) => state,
        }
    }

    fn react(
        state: &JourneyState,
        _: &ProcessInput<JourneyEvent>,
        facts: &ProcessFacts<'_, Patience>,
    ) -> Effects {
        let patience = Duration::from_secs(facts.settings.seconds);
        match state {
            JourneyState::Unplanned => Effects::none(),
            JourneyState::Holding { held } if held.is_empty() => Effects::none()
                .send_all([hold("rome"), hold("oslo")])
                .wake("patience", Timestamp::from_micros(0).max(facts.after(patience))),
            JourneyState::Holding { .. } => Effects::none(),
            JourneyState::Confirming => {
                let body = json!({ "id": facts.id_of("confirmation") });
                Effects::none().send(Step::new("confirm", Outgoing::new("journeys", "confirm", body)))
            }
            JourneyState::GivenUp => Effects::none().forget("patience").compensate(),
            JourneyState::Over => Effects::none().done(),
        }
    }
}

const ID: Uuid = Uuid::from_u128(7);

fn planned() -> ProcessCase<Journey> {
    process().event("journey", ID, JourneyEvent::Planned)
}

#[test]
fn what_is_sent_together_waits_together_and_the_last_answer_ends_it() {
    planned()
        .then_sent("rome", &room("rome"))
        .then_waits_for(&["rome", "oslo"])
        .done("rome")
        .then_waits_for(&["oslo"])
        .done("oslo")
        .then_waits_for(&["confirm"])
        .done("confirm")
        .then_ended()
        .then_no_timer();
}

#[test]
fn an_event_for_an_instance_that_has_not_begun_begins_none() {
    process::<Journey>().event("journey", ID, JourneyEvent::CalledOff).then_no_instance();
}

#[test]
fn compensation_waits_for_every_answer_and_runs_in_reverse_one_by_one() {
    planned()
        .done("rome")
        .event("journey", ID, JourneyEvent::CalledOff)
        .then_waits_for(&["oslo"])
        .done("oslo")
        .then_waits_for(&["oslo/undo"])
        .undone("oslo")
        .then_waits_for(&["rome/undo"])
        .undone("rome")
        .then_all_undone()
        .then_ended();
}

#[test]
fn a_refused_step_is_not_undone() {
    planned()
        .done("rome")
        .refused("oslo", "no-room")
        .then_waits_for(&["rome/undo"])
        .undone("rome")
        .then_not_sent("oslo/undo")
        .then_all_undone()
        .then_ended();
}

#[test]
fn an_unknown_outcome_compensates_nothing_and_a_refusal_after_it_is_undone_too() {
    planned()
        .unknown("oslo")
        .unknown("oslo")
        .then_waits_for(&["rome", "oslo"])
        .refused("oslo", "no-room")
        .then_waits_for(&["rome"])
        .refused("rome", "no-room")
        .then_waits_for(&["oslo/undo"])
        .undo_refused("oslo", "never-held")
        .then_all_undone()
        .then_ended();
}

#[test]
fn compensation_that_is_refused_is_repeated_and_shows() {
    planned()
        .refused("oslo", "no-room")
        .done("rome")
        .undo_refused("rome", "busy")
        .then_stuck()
        .then_waits_for(&["rome/undo"])
        .undone("rome")
        .then_ended();
}

#[test]
fn a_timer_comes_at_its_time_and_the_settings_say_when() {
    let case = process::<Journey>()
        .settings(Patience { seconds: 5 })
        .event("journey", ID, JourneyEvent::Planned)
        .then_timer("patience", Timestamp::from_micros(5_000_000))
        .advance(Duration::from_millis(4_999))
        .then_waits_for(&["rome", "oslo"])
        .done("rome")
        .advance(Duration::from_millis(1))
        .then_no_timer()
        .then_state(&JourneyState::GivenUp);
    case.refused("oslo", "no-room").undone("rome").then_ended();
}

#[test]
fn a_timer_that_is_not_due_or_was_forgotten_wakes_nobody() {
    let case = planned();
    let mut instance = case.instance().clone();
    let tenant = TenantId::new("acme").unwrap();
    let settings = Patience::default();
    let early = Timestamp::from_micros(59_000_000);
    let facts = ProcessFacts { instance: ID, tenant: &tenant, now: early, settings: &settings };
    instance.woken::<Journey>("patience", &facts).unwrap();
    instance.woken::<Journey>("another", &facts).unwrap();
    assert_eq!(&instance, case.instance());
}

#[test]
fn an_answer_that_came_before_or_after_the_end_changes_nothing() {
    let case = planned().done("rome").done("oslo").done("confirm");
    let mut instance = case.instance().clone();
    let tenant = TenantId::new("acme").unwrap();
    let settings = Patience::default();
    let facts =
        ProcessFacts { instance: ID, tenant: &tenant, now: Timestamp::default(), settings: &settings };
    let rome = StepKey::Step("rome".to_owned());
    instance.answered::<Journey>(&rome, Reply::Refused { code: "late".to_owned() }, &facts).unwrap();
    instance.answered::<Journey>(&StepKey::Undo("rome".to_owned()), Reply::Done, &facts).unwrap();
    assert_eq!(&instance, case.instance());
}

#[test]
fn a_step_that_cannot_succeed_is_stuck_until_it_is_retried_or_skipped() {
    let stuck = || planned().done("rome").impossible("oslo", "no such command").then_stuck();
    stuck()
        .then_waits_for(&[])
        .operator_retries()
        .then_waits_for(&["oslo"])
        .done("oslo")
        .done("confirm")
        .then_ended();
    stuck()
        .operator_skips()
        .then_waits_for(&["confirm"])
        .refused("confirm", "no")
        .undone("rome")
        .then_ended();
}

#[test]
fn an_operator_can_have_everything_undone() {
    planned()
        .done("rome")
        .impossible("oslo", "no such command")
        .operator_compensates()
        .then_waits_for(&["rome/undo"])
        .undone("rome")
        .then_ended();
}

#[test]
fn instances_of_two_tenants_do_not_meet() {
    process::<Journey>()
        .event("journey", ID, JourneyEvent::Planned)
        .tenant("globex")
        .event("journey", ID, JourneyEvent::Planned)
        .done("rome")
        .tenant("acme")
        .event("journey", ID, JourneyEvent::CalledOff)
        .then_waits_for(&["rome", "oslo"])
        .answering(|_| Some(Reply::Done))
        .then_all_undone()
        .then_ended()
        .tenant("globex")
        .event("journey", ID, JourneyEvent::CalledOff)
        .then_sent("confirm", &confirmation())
        .then_ended();
}

fn confirmation() -> Outgoing {
    let tenant = TenantId::new("globex").unwrap();
    let facts = ProcessFacts { instance: ID, tenant: &tenant, now: Timestamp::default(), settings: &() };
    Outgoing::new("journeys", "confirm", json!({ "id": facts.id_of("confirmation") }))
}

#[test]
fn one_name_for_two_commands_is_a_fault_and_the_same_once_more_is_not() {
    let mut instance = planned().instance().clone();
    let steps = instance.steps.clone();
    let step = Step::new("rome", room("rome"));
    let again = Step::new("rome", room("paris"));
    assert_eq!(instance.carry_out(Effect::Send(step)), Ok(()));
    assert_eq!(instance.carry_out(Effect::Send(again)), Err(Fault::StepTwice("rome".to_owned())));
    assert_eq!(instance.steps, steps);
}

#[test]
fn an_instance_cannot_end_before_it_is_undone() {
    let mut instance = planned().done("rome").instance().clone();
    instance.carry_out(Effect::Compensate).unwrap();
    assert_eq!(instance.carry_out(Effect::Done), Err(Fault::EndsUndone));
}

#[test]
fn names_of_steps_and_their_undoing_read_back() {
    for key in [StepKey::Step("rome".to_owned()), StepKey::Undo("rome".to_owned())] {
        assert_eq!(StepKey::parse(&key.to_string()), key);
    }
    let mut instance = Instance::<JourneyState>::default();
    for name in ["", "a/undo", "a b", "ä", &"x".repeat(101)] {
        assert_eq!(instance.carry_out(Effect::Send(Step::new(name, room("rome")))), Err(Fault::Name));
    }
}
