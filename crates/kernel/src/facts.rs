//! What comes in with a command: the time, who asked, and what else of the log it decides on.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::{Actor, Decider, StreamFamily, StreamName, Timestamp};

/// What a command reads besides its own stream.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    streams: Vec<Read>,
    families: Vec<ReadFamily>,
    claims: Vec<ReadClaims>,
}

/// One stream to be read, and how to fold it; the runtime that loads it does not know the type.
#[derive(Debug, Clone)]
pub struct Read {
    /// The stream.
    pub stream: StreamName,
    /// The decider's kind, to find the fold by.
    pub kind: &'static str,
    /// The state before its first event.
    pub initial: fn() -> State,
}

/// All streams that belong to something, to be read together.
#[derive(Debug, Clone)]
pub struct ReadFamily {
    /// The streams.
    pub family: StreamFamily,
    /// The decider's kind, to find the fold by.
    pub kind: &'static str,
}

/// The values of a set that are claimed and begin with the same text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadClaims {
    /// The set.
    pub set: &'static str,
    /// What the values begin with.
    pub prefix: String,
}

/// A state whose type only its decider knows.
type State = Arc<dyn Any + Send + Sync>;

impl Reads {
    /// Nothing else.
    pub fn none() -> Self {
        Self::default()
    }

    /// The stream of `D` with this id.
    pub fn of<D: Decider>(id: Uuid) -> Self {
        Self::none().and::<D>(id)
    }

    /// And the stream of `D` with this id.
    #[must_use]
    pub fn and<D: Decider>(self, id: Uuid) -> Self {
        self.and_stream::<D>(StreamName::of(D::STREAM, id))
    }

    /// And the stream of `D` with this id that belongs to `owner`.
    #[must_use]
    pub fn and_within<D: Decider>(self, owner: Uuid, id: Uuid) -> Self {
        self.and_stream::<D>(StreamName::within(D::STREAM, owner, id))
    }

    /// And all streams of `D` that belong to `owner`: those that there are, and that there are no others.
    #[must_use]
    pub fn and_all<D: Decider>(mut self, owner: Uuid) -> Self {
        self.families.push(ReadFamily { family: StreamFamily::of(D::STREAM, owner), kind: D::STREAM });
        self
    }

    /// And which values of a set are claimed that begin with `prefix`. What was read as free and is taken by
    /// another at the last moment is decided anew, and no refusal.
    #[must_use]
    pub fn and_claimed(mut self, set: &'static str, prefix: impl Into<String>) -> Self {
        self.claims.push(ReadClaims { set, prefix: prefix.into() });
        self
    }

    fn and_stream<D: Decider>(mut self, stream: StreamName) -> Self {
        self.streams.push(Read { stream, kind: D::STREAM, initial: || Arc::new(D::State::default()) });
        self
    }

    /// The streams.
    pub fn streams(&self) -> &[Read] {
        &self.streams
    }

    /// The families of streams.
    pub fn families(&self) -> &[ReadFamily] {
        &self.families
    }

    /// The claims.
    pub fn claims(&self) -> &[ReadClaims] {
        &self.claims
    }
}

impl ReadClaims {
    /// Whether it tells of this value.
    pub fn covers(&self, set: &str, value: &str) -> bool {
        self.set == set && value.starts_with(&self.prefix)
    }
}

/// What comes in with a command besides its body: the time, its id, who asked, and what the log says elsewhere.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The time of the decision.
    pub now: Timestamp,
    /// The id of the main stream, chosen by the client or made for it.
    pub id: Uuid,
    /// Who asked.
    pub actor: Actor,
    states: HashMap<StreamName, State>,
    families: HashMap<StreamFamily, Arc<[(Uuid, State)]>>,
    claimed: HashMap<ReadClaims, Arc<BTreeSet<String>>>,
}

impl Facts {
    /// Facts without other streams.
    pub fn new(now: Timestamp, id: Uuid, actor: Actor) -> Self {
        let (states, families, claimed) = Default::default();
        Self { now, id, actor, states, families, claimed }
    }

    /// Adds the state of a stream that was read. `state` is the `State` of the stream's decider.
    #[must_use]
    pub fn with_state(mut self, stream: StreamName, state: State) -> Self {
        self.states.insert(stream, state);
        self
    }

    /// Adds the states of a family that was read, each with its stream's own id.
    #[must_use]
    pub fn with_family(mut self, family: StreamFamily, states: Arc<[(Uuid, State)]>) -> Self {
        self.families.insert(family, states);
        self
    }

    /// Adds the values that are claimed, whole.
    #[must_use]
    pub fn with_claimed(mut self, read: ReadClaims, values: Arc<BTreeSet<String>>) -> Self {
        self.claimed.insert(read, values);
        self
    }

    /// The facts that a command with these reads is given, of streams and claims that were told one by one: what
    /// it named, and nothing else.
    #[cfg(feature = "testing")]
    pub(crate) fn narrowed(
        &self,
        id: Uuid,
        reads: &Reads,
        claims: &BTreeSet<(&'static str, String)>,
    ) -> Self {
        let mut facts = Self::new(self.now, id, self.actor.clone());
        for read in reads.streams() {
            let state = self.states.get(&read.stream).cloned().unwrap_or_else(read.initial);
            facts = facts.with_state(read.stream.clone(), state);
        }
        for ReadFamily { family, .. } in reads.families() {
            let told = self.states.iter().filter(|(stream, _)| family.holds(stream));
            let mut members: Vec<_> =
                told.filter_map(|(stream, state)| Some((stream.id()?, Arc::clone(state)))).collect();
            members.sort_by_key(|(id, _)| *id);
            facts = facts.with_family(family.clone(), members.into());
        }
        for read in reads.claims() {
            let values = claims.iter().filter(|(set, value)| read.covers(set, value));
            let values = values.map(|(_, value)| value.clone()).collect();
            facts = facts.with_claimed(read.clone(), Arc::new(values));
        }
        facts
    }

    /// The state of another stream, as it is guarded at append.
    ///
    /// # Panics
    /// When the command did not name the stream in [`Command::reads`](crate::Command::reads): a mistake in the
    /// context that every test of the command shows, since the harness too supplies only what was named. So do the
    /// others below.
    pub fn state<D: Decider>(&self, id: Uuid) -> &D::State {
        self.state_of::<D>(&StreamName::of(D::STREAM, id))
    }

    /// The state of another stream that belongs to `owner`.
    pub fn state_within<D: Decider>(&self, owner: Uuid, id: Uuid) -> &D::State {
        self.state_of::<D>(&StreamName::within(D::STREAM, owner, id))
    }

    /// The ids and states of all streams that belong to `owner`, by id.
    pub fn all<D: Decider>(&self, owner: Uuid) -> impl Iterator<Item = (Uuid, &D::State)> {
        let family = StreamFamily::of(D::STREAM, owner);
        let Some(states) = self.families.get(&family) else {
            panic!("the command decides on {family} without naming it in its reads")
        };
        states.iter().filter_map(|(id, state)| Some((*id, state.downcast_ref()?)))
    }

    /// The values of a set that are claimed and begin with `prefix`, without it.
    pub fn claimed(&self, set: &'static str, prefix: &str) -> impl Iterator<Item = &str> {
        let read = ReadClaims { set, prefix: prefix.to_owned() };
        let Some(values) = self.claimed.get(&read) else {
            panic!("the command decides on claims of {set} without naming them in its reads")
        };
        let from = prefix.len();
        values.iter().filter_map(move |value| value.get(from..))
    }

    fn state_of<D: Decider>(&self, stream: &StreamName) -> &D::State {
        match self.states.get(stream).and_then(|state| state.downcast_ref()) {
            Some(state) => state,
            None => panic!("the command decides on {stream} without naming it in its reads"),
        }
    }
}
