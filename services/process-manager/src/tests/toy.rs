//! A journey: rooms are held in two cities, then it is confirmed. Whatever goes wrong, the rooms are given back.

use std::time::Duration;

use kernel::{
    Effects, EventDecoder, EventEncoder, EventSet, Outgoing, Process, ProcessFacts, ProcessInput, Recorded,
    Route, Step, json,
};
use serde::{Deserialize, Serialize};

pub(super) struct Journey;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum JourneyEvent {
    Planned(Planned),
    CalledOff(CalledOff),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) cities: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CalledOff {}

impl EventSet for JourneyEvent {
    const SCHEMAS: &'static [(&'static str, &'static str)] = &[];

    fn event_type(&self) -> &'static str {
        match self {
            Self::Planned(_) => "Planned",
            Self::CalledOff(_) => "CalledOff",
        }
    }

    fn encode<E: EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error> {
        match self {
            Self::Planned(event) => encoder.encode("Planned", event),
            Self::CalledOff(event) => encoder.encode("CalledOff", event),
        }
    }

    fn decode<D: EventDecoder>(event_type: &str, decoder: D) -> Option<Result<Self, D::Error>> {
        match event_type {
            "Planned" => Some(decoder.decode("Planned").map(Self::Planned)),
            "CalledOff" => Some(decoder.decode("CalledOff").map(Self::CalledOff)),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) enum JourneyState {
    #[default]
    Unplanned,
    Holding {
        cities: Vec<String>,
        held: usize,
    },
    Confirming,
    GivingUp,
    Confirmed,
    GivenUp,
}

/// How long the rooms may take.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Patience {
    pub(super) millis: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { millis: 3_600_000 }
    }
}

fn hold(city: &str) -> Step {
    let room = |name| Outgoing::new("hotels", name, json!({ "city": city }));
    Step::new(city, room("hold-room")).undone_by(room("release-room")).or_settled_by("never-held")
}

impl Process for Journey {
    const NAME: &'static str = "journey";
    type Event = JourneyEvent;
    type State = JourneyState;
    type Settings = Patience;

    fn route(event: &Recorded<JourneyEvent>) -> Route {
        let Some(id) = event.stream.id() else { return Route::Ignore };
        match event.event {
            JourneyEvent::Planned(_) => Route::Start(id),
            JourneyEvent::CalledOff(_) => Route::Continue(id),
        }
    }

    fn evolve(state: JourneyState, input: &ProcessInput<JourneyEvent>) -> JourneyState {
        use JourneyState::{Confirmed, Confirming, GivenUp, GivingUp, Holding, Unplanned};
        match (state, input) {
            (Unplanned, ProcessInput::Event(Recorded { event: JourneyEvent::Planned(planned), .. })) => {
                Holding { cities: planned.cities.clone(), held: 0 }
            }
            (Holding { cities, held }, ProcessInput::Done { .. }) if held + 1 < cities.len() => {
                Holding { cities, held: held + 1 }
            }
            (Holding { .. }, ProcessInput::Done { .. }) => Confirming,
            (Confirming, ProcessInput::Done { .. }) => Confirmed,
            (_, ProcessInput::Compensated) => GivenUp,
            (state, ProcessInput::Unknown { .. }) => state,
            (Holding { .. } | Confirming, _) => GivingUp,
            (state, _) => state,
        }
    }

    fn react(
        state: &JourneyState,
        input: &ProcessInput<JourneyEvent>,
        facts: &ProcessFacts<'_, Patience>,
    ) -> Effects {
        match state {
            JourneyState::Holding { cities, held: 0 } if matches!(input, ProcessInput::Event(_)) => {
                // A mistake of the program, for tests: two cities of one name are two commands of one name.
                let mistake = cities.iter().any(|city| city == "atlantis");
                let again =
                    mistake.then(|| Step::new("atlantis", Outgoing::new("hotels", "sink", json!({}))));
                Effects::none()
                    .send_all(cities.iter().map(|city| hold(city)))
                    .send_all(again)
                    .wake("patience", facts.after(Duration::from_millis(facts.settings.millis)))
            }
            JourneyState::Confirming if !matches!(input, ProcessInput::Unknown { .. }) => {
                Effects::none().send(Step::new("confirm", Outgoing::new("hotels", "confirm", json!({}))))
            }
            JourneyState::GivingUp => Effects::none().forget("patience").compensate(),
            JourneyState::Confirmed | JourneyState::GivenUp => Effects::none().done(),
            JourneyState::Unplanned | JourneyState::Holding { .. } | JourneyState::Confirming => {
                Effects::none()
            }
        }
    }
}
