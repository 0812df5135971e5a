//! The write model: a stream folded to a state, and commands that decide on it.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{EventSet, Facts, Reads, Rejection, Secret, StreamName, Violations};

/// One kind of stream and the state that its events fold to.
pub trait Decider: 'static {
    /// The stream's kind, one lower-case word: `product`.
    const STREAM: &'static str;
    /// Raised whenever `State` or `evolve` changes its meaning: older snapshots are then not used.
    const STATE_VERSION: u32;
    /// What can happen to it.
    type Event: EventSet;
    /// An enum of real phases; the default is "nothing has happened yet".
    type State: Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The state after one more event. Has no rules and cannot fail.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The state after all of `events`.
    fn fold<'a>(events: impl IntoIterator<Item = &'a Self::Event>) -> Self::State {
        events.into_iter().fold(Self::State::default(), Self::evolve)
    }
}

/// A question to a decider: the body of `POST /v1/{context}/{NAME}`.
pub trait Command: DeserializeOwned + JsonSchema + Clone + Debug + Send + Sync + 'static {
    /// Kebab-case imperative: `create-product`.
    const NAME: &'static str;
    /// Who decides.
    type Decider: Decider;
    /// Why it may be refused.
    type Rejection: Rejection;
    /// Fields of the body that no trace may be kept of, not even in a keyed hash: `password`.
    const SECRETS: &'static [&'static str] = &[];
    /// What a caller's token must carry, after the context's name: `write` is `catalog:write`. Commands that only a
    /// process may send have another.
    const SCOPE: &'static str = "write";

    /// What is wrong with the body by itself.
    fn validate(&self, violations: &mut Violations) {
        let _ = violations;
    }

    /// The id of the stream it is about; `None` lets one be made.
    fn stream_id(&self) -> Option<Uuid>;

    /// What the stream belongs to, where it does: the group of an expense. Whoever decides on the owner can then
    /// read all that belongs to it, as a family that is guarded as a whole; those who write different members of a
    /// family do not meet.
    fn owner(&self) -> Option<Uuid> {
        None
    }

    /// The stream that it is about, once its id is settled.
    fn stream(&self, id: Uuid) -> StreamName {
        match self.owner() {
            Some(owner) => StreamName::within(Self::Decider::STREAM, owner, id),
            None => StreamName::of(Self::Decider::STREAM, id),
        }
    }

    /// Further streams of the tenant and context whose states are facts for this decision. Their versions are
    /// guarded at append like the main stream's.
    fn reads(&self, id: Uuid, state: &<Self::Decider as Decider>::State) -> Reads {
        let _ = (id, state);
        Reads::none()
    }

    /// All the rules: what would happen, or why not.
    fn decide(&self, state: &<Self::Decider as Decider>::State, facts: &Facts) -> Verdict<Self>;
}

/// What a command comes to: a decision, or the rule that refuses it.
pub type Verdict<C> = Result<Decision<EventOf<C>, <C as Command>::Rejection>, <C as Command>::Rejection>;

type EventOf<C> = <<C as Command>::Decider as Decider>::Event;

/// What a command decided: events to record, and claims to make or release with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<E, R> {
    /// The events, in order.
    pub events: Vec<E>,
    /// The claims, in order.
    pub claims: Vec<ClaimChange<R>>,
    /// The password that the stream has from then on, where it gets one.
    pub password: Option<Secret>,
}

impl<E, R> Decision<E, R> {
    /// Nothing changes: the command's wish already holds.
    pub fn nothing() -> Self {
        Self { events: Vec::new(), claims: Vec::new(), password: None }
    }

    /// One event.
    pub fn record(event: impl Into<E>) -> Self {
        Self { events: vec![event.into()], claims: Vec::new(), password: None }
    }

    /// And another event.
    #[must_use]
    pub fn and(mut self, event: impl Into<E>) -> Self {
        self.events.push(event.into());
        self
    }

    /// Takes a value of a set for this stream, for as long as it is not released; `taken` is the refusal where
    /// another stream of the tenant holds it. Taking what the stream holds already changes nothing.
    #[must_use]
    pub fn claim(mut self, set: &'static str, value: impl Into<String>, taken: R) -> Self {
        self.claims.push(ClaimChange::Take { claim: Claim { set, value: value.into() }, taken });
        self
    }

    /// Gives the stream a password. The platform keeps its argon2id hash apart from all events, written with them in
    /// one transaction; of the password itself nothing is kept.
    #[must_use]
    pub fn password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Gives a value of a set back; one that the stream does not hold is left alone.
    #[must_use]
    pub fn release(mut self, set: &'static str, value: impl Into<String>) -> Self {
        self.claims.push(ClaimChange::Release { claim: Claim { set, value: value.into() } });
        self
    }
}

/// A value that at most one stream of a tenant and context holds, enforced by the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What must be unique: `sku`.
    pub set: &'static str,
    /// The value, normalised by the decider where the rule is not case-sensitive.
    pub value: String,
}

/// A change to the claims that a stream holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimChange<R> {
    /// Take it, or be refused with `taken`.
    Take {
        /// What to take.
        claim: Claim,
        /// The refusal where another stream holds it.
        taken: R,
    },
    /// Give it back.
    Release {
        /// What to give back.
        claim: Claim,
    },
}
