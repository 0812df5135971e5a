//! A command with its types erased: how its body is read, and how it decides.

use std::sync::Arc;

use event_log::ClaimChange;
use kernel::{
    Command, Decider, Decision, EventEncoder, EventSet, Facts, Reads, Rejection, Secret, StreamName,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;
use wire::{Codec, Encoded, SchemaError as CodecError};

use crate::body::{self, BodyError, BodySchema};
use crate::kind::{FoldError, owned};
use crate::warm::State;

/// Reads bodies of one command.
pub(crate) trait Reader: Send + Sync {
    /// The body as a question that can be put to a state.
    fn read(&self, body: &[u8]) -> Result<Box<dyn Question>, BodyError>;
    /// The body's JSON Schema.
    fn schema(&self) -> &Value;
}

/// One command that somebody sent.
pub(crate) trait Question: Send + Sync {
    /// The id of its stream, where the body says.
    fn stream_id(&self) -> Option<Uuid>;
    /// Its stream, once the id is settled.
    fn stream(&self, id: Uuid) -> StreamName;
    /// Which other streams it wants to see.
    fn reads(&self, id: Uuid, state: &State) -> Result<Reads, FoldError>;
    /// Decides, any number of times; the latest decision counts.
    fn decide(&mut self, state: &State, facts: &Facts) -> Result<Decided, Undecided>;
    /// Why the claim at this place of the latest decision was refused.
    fn claim_refusal(&self, index: usize) -> Refusal;
    /// The state after the latest decision's events.
    fn evolve(&self, state: State) -> Result<State, FoldError>;
    /// The latest decision's events for people to read.
    fn preview(&self) -> Result<Vec<(&'static str, Value)>, serde_json::Error>;
}

/// What is to be recorded.
pub(crate) struct Decided {
    pub(crate) events: Vec<Encoded>,
    pub(crate) claims: Vec<ClaimChange>,
    /// The password that the stream gets.
    pub(crate) password: Option<Secret>,
}

/// Why nothing is.
#[derive(Debug)]
pub(crate) enum Undecided {
    /// A rule says no.
    Refused(Refusal),
    /// The state is not one of the command's decider.
    Fold(FoldError),
    /// An event does not fit its schema.
    Encode(wire::EncodeError),
}

/// A rule of the business that says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// The rule's stable name: `sku-taken`.
    pub code: &'static str,
    /// The rule in words, safe for strangers.
    pub sentence: String,
}

impl Refusal {
    fn of(rejection: &impl Rejection) -> Self {
        Self { code: rejection.code(), sentence: rejection.to_string() }
    }
}

pub(crate) struct CommandReader<C: Command> {
    schema: BodySchema,
    codec: Codec<<C::Decider as Decider>::Event>,
}

impl<C: Command> CommandReader<C> {
    pub(crate) fn new(schema: BodySchema) -> Result<Self, CodecError> {
        Ok(Self { schema, codec: Codec::new()? })
    }
}

impl<C: Command> Reader for CommandReader<C> {
    fn read(&self, body: &[u8]) -> Result<Box<dyn Question>, BodyError> {
        let command: C = body::read(&self.schema, body)?;
        Ok(Box::new(Asked { command, codec: self.codec.clone(), decision: Decision::nothing() }))
    }

    fn schema(&self) -> &Value {
        self.schema.json()
    }
}

struct Asked<C: Command> {
    command: C,
    codec: Codec<<C::Decider as Decider>::Event>,
    decision: Decision<<C::Decider as Decider>::Event, C::Rejection>,
}

impl<C: Command> Asked<C> {
    fn state(state: &State) -> Result<&<C::Decider as Decider>::State, FoldError> {
        state.downcast_ref().ok_or(FoldError::OtherKind)
    }
}

impl<C: Command> Question for Asked<C> {
    fn stream_id(&self) -> Option<Uuid> {
        self.command.stream_id()
    }

    fn stream(&self, id: Uuid) -> StreamName {
        self.command.stream(id)
    }

    fn reads(&self, id: Uuid, state: &State) -> Result<Reads, FoldError> {
        Ok(self.command.reads(id, Self::state(state)?))
    }

    fn decide(&mut self, state: &State, facts: &Facts) -> Result<Decided, Undecided> {
        let state = Self::state(state).map_err(Undecided::Fold)?;
        let decision = self
            .command
            .decide(state, facts)
            .map_err(|rejection| Undecided::Refused(Refusal::of(&rejection)))?;
        let events = decision.events.iter().map(|event| self.codec.encode(event));
        let events = events.collect::<Result<_, _>>().map_err(Undecided::Encode)?;
        let claims = decision.claims.iter().map(|change| match change {
            kernel::ClaimChange::Take { claim, .. } => {
                ClaimChange::Take { set: claim.set, value: claim.value.clone() }
            }
            kernel::ClaimChange::Release { claim } => {
                ClaimChange::Release { set: claim.set, value: claim.value.clone() }
            }
        });
        let (claims, password) = (claims.collect(), decision.password.clone());
        self.decision = decision;
        Ok(Decided { events, claims, password })
    }

    fn claim_refusal(&self, index: usize) -> Refusal {
        match self.decision.claims.get(index) {
            Some(kernel::ClaimChange::Take { taken, .. }) => Refusal::of(taken),
            _ => Refusal { code: "taken", sentence: "a value that must be unique is taken".to_owned() },
        }
    }

    fn evolve(&self, state: State) -> Result<State, FoldError> {
        let state = owned::<C::Decider>(state)?;
        Ok(Arc::new(self.decision.events.iter().fold(state, C::Decider::evolve)))
    }

    fn preview(&self) -> Result<Vec<(&'static str, Value)>, serde_json::Error> {
        let events = self.decision.events.iter();
        events.map(|event| Ok((event.event_type(), event.encode(ToJson)?))).collect()
    }
}

struct ToJson;

impl EventEncoder for ToJson {
    type Output = Value;
    type Error = serde_json::Error;

    fn encode<T: Serialize>(self, _: &'static str, body: &T) -> Result<Value, serde_json::Error> {
        serde_json::to_value(body)
    }
}
