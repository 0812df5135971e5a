//! The saga: events, answers and timers folded to a state that reacts with commands.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{EventSet, Recorded, Timestamp};

/// A long-running piece of business that drives commands of one or several contexts.
pub trait Process: Send + Sync + 'static {
    /// Kebab-case: `fulfilment`.
    const NAME: &'static str;
    /// The events it may hear.
    type Event: EventSet;
    /// The commands it may send, as `(context, name, body)` on the wire.
    type Command: Clone + Debug + PartialEq + Send;
    /// An enum of real phases.
    type State: Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send;

    /// Which instance an event is for.
    fn route(event: &Recorded<Self::Event>) -> Route;

    /// The state after one more input. Has no rules and cannot fail.
    fn evolve(state: Self::State, input: &ProcessInput<Self::Event>) -> Self::State;

    /// What to do about the input, given the state that already includes it.
    fn react(state: &Self::State, input: &ProcessInput<Self::Event>) -> Vec<Effect<Self::Command>>;
}

/// Which instance of a process an event is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Begins the instance with this id.
    Start(Uuid),
    /// Goes to the instance with this id, if it has begun and not ended.
    Continue(Uuid),
    /// Is for nobody.
    Ignore,
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
    /// A command it sent was refused; a definite outcome.
    Refused {
        /// The step that sent it.
        step: String,
        /// The rejection's code.
        code: String,
    },
    /// A timer it set has come.
    Woken {
        /// The timer's name.
        name: String,
    },
}

/// What a process wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<C> {
    /// Send a command; its once-only key is made from the instance and `step`.
    Send {
        /// Names the command among all that the instance ever sends.
        step: String,
        /// The command.
        command: C,
    },
    /// Wake me at a time; setting a name again replaces it.
    Wake {
        /// The timer's name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// The instance has ended.
    Done,
}
