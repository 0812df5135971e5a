//! The saga: events, answers and timers folded to a state that reacts with commands.

mod command;
mod effects;
mod instance;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{EventSet, Recorded, TenantId, Timestamp};

pub use command::{Outgoing, Step, Undo};
pub use effects::{Effect, Effects};
pub use instance::{Fault, Instance, Outcome, Phase, Reply, SentStep, StepKey, Undoing};

/// A long-running piece of business that drives commands of one or several contexts.
///
/// It hears the events of the context that registers it, and of other contexts what they answer to its commands:
/// so an instance has one order of events, and contexts need not know each other.
pub trait Process: Send + Sync + 'static {
    /// Kebab-case, unique over all contexts and views: `fulfilment`.
    const NAME: &'static str;
    /// The events of the context.
    type Event: EventSet;
    /// An enum of real phases; the default is "nothing has happened yet".
    type State: Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What whoever runs it may decide: deadlines, limits. The default is what holds where nothing is said.
    type Settings: Default + Clone + Debug + DeserializeOwned + Send + Sync + 'static;

    /// Which instance an event is for.
    fn route(event: &Recorded<Self::Event>) -> Route;

    /// The state after one more input. Has no rules and cannot fail.
    fn evolve(state: Self::State, input: &ProcessInput<Self::Event>) -> Self::State;

    /// What to do about the input, given the state that already includes it.
    fn react(
        state: &Self::State,
        input: &ProcessInput<Self::Event>,
        facts: &ProcessFacts<'_, Self::Settings>,
    ) -> Effects;
}

/// Which instance of a process an event is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Begins the instance with this id; goes to it where it has begun.
    Start(Uuid),
    /// Goes to the instance with this id, once it has begun and as long as it has not ended.
    Continue(Uuid),
    /// Is for nobody.
    Ignore,
}

impl Route {
    /// The instance, where there is one.
    pub fn instance(self) -> Option<Uuid> {
        match self {
            Self::Start(instance) | Self::Continue(instance) => Some(instance),
            Self::Ignore => None,
        }
    }
}

/// What a process instance hears.
#[derive(Debug, Clone, PartialEq)]
pub enum ProcessInput<E> {
    /// Something happened.
    Event(Recorded<E>),
    /// A command it sent was carried out.
    Done {
        /// The step that sent it.
        step: String,
    },
    /// A command it sent was refused by a rule; a definite outcome.
    Refused {
        /// The step that sent it.
        step: String,
        /// The rejection's code.
        code: String,
    },
    /// It is not known whether a command it sent was carried out. It is repeated until that is known; told once.
    Unknown {
        /// The step that sent it.
        step: String,
    },
    /// A timer it set has come.
    Woken {
        /// The timer's name.
        name: String,
    },
    /// Everything that was to be undone is. Asked for by [`Effects::compensate`], or by an operator at any time.
    Compensated,
}

impl<E> ProcessInput<E> {
    /// Whether this step was carried out.
    pub fn is_done(&self, name: &str) -> bool {
        matches!(self, Self::Done { step } if step == name)
    }

    /// Whether this timer has come.
    pub fn is_woken(&self, timer: &str) -> bool {
        matches!(self, Self::Woken { name } if name == timer)
    }
}

/// What comes in with an input besides the state.
#[derive(Debug, Clone, Copy)]
pub struct ProcessFacts<'a, S> {
    /// The instance.
    pub instance: Uuid,
    /// Whose it is. Its commands are sent for this tenant.
    pub tenant: &'a TenantId,
    /// When an event was recorded, an answer came, a timer was due.
    pub now: Timestamp,
    /// What whoever runs it has decided.
    pub settings: &'a S,
}

impl<S> ProcessFacts<'_, S> {
    /// An id for something of the instance, the same whenever it is asked for by this name: of a reservation, a
    /// payment.
    pub fn id_of(&self, name: &str) -> Uuid {
        let digest = Sha256::new().chain_update(self.instance.as_bytes()).chain_update(name).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// So long after now.
    pub fn after(&self, wait: std::time::Duration) -> Timestamp {
        let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.now.micros().saturating_add(wait))
    }
}

#[cfg(test)]
mod tests;
