//! Given events of a stream, when a command comes, then these events or that refusal.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use uuid::Uuid;

use crate::{
    Actor, Claim, ClaimChange, Command, Decider, Decision, Facts, Rejection, Secret, StreamName, Timestamp,
    Violations,
};

/// A stream's history, before the command.
#[derive(Debug, Clone)]
pub struct DeciderCase<D: Decider> {
    state: D::State,
    facts: Facts,
    claims: BTreeSet<(&'static str, String)>,
}

/// Nothing has happened to the stream yet.
pub fn given_nothing<D: Decider>() -> DeciderCase<D> {
    given::<D, D::Event>([])
}

/// These events have happened to the stream.
pub fn given<D: Decider, E: Into<D::Event>>(events: impl IntoIterator<Item = E>) -> DeciderCase<D> {
    let events: Vec<D::Event> = events.into_iter().map(Into::into).collect();
    DeciderCase {
        state: D::fold(&events),
        facts: Facts::new(Timestamp::from_micros(0), Uuid::from_u128(1), Actor::new("tester")),
        claims: BTreeSet::new(),
    }
}

impl<D: Decider> DeciderCase<D> {
    /// These events have happened to another stream that the command may read.
    #[must_use]
    pub fn and_stream<Other: Decider, E: Into<Other::Event>>(
        self,
        id: Uuid,
        events: impl IntoIterator<Item = E>,
    ) -> Self {
        self.and_named::<Other, E>(StreamName::of(Other::STREAM, id), events)
    }

    /// These events have happened to another stream, one of those that belong to `owner`.
    #[must_use]
    pub fn and_within<Other: Decider, E: Into<Other::Event>>(
        self,
        owner: Uuid,
        id: Uuid,
        events: impl IntoIterator<Item = E>,
    ) -> Self {
        self.and_named::<Other, E>(StreamName::within(Other::STREAM, owner, id), events)
    }

    fn and_named<Other: Decider, E: Into<Other::Event>>(
        mut self,
        stream: StreamName,
        events: impl IntoIterator<Item = E>,
    ) -> Self {
        let events: Vec<Other::Event> = events.into_iter().map(Into::into).collect();
        let state: Arc<Other::State> = Arc::new(Other::fold(&events));
        self.facts = self.facts.with_state(stream, state);
        self
    }

    /// Another stream holds this value of a set.
    #[must_use]
    pub fn and_claimed(mut self, set: &'static str, value: impl Into<String>) -> Self {
        self.claims.insert((set, value.into()));
        self
    }

    /// This is who asks.
    #[must_use]
    pub fn asked_by(mut self, actor: &str) -> Self {
        self.facts.actor = Actor::new(actor);
        self
    }

    /// The time is this.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.facts.now = now;
        self
    }

    /// The stream has this id, where the command does not say.
    #[must_use]
    pub fn made_id(mut self, id: Uuid) -> Self {
        self.facts.id = id;
        self
    }

    /// The command comes. Streams that it reads and that were not given have had no event; streams that were
    /// given but are not read are hidden from it, as they would be at run time.
    #[must_use = "an outcome says something only when it is compared"]
    pub fn when<C: Command<Decider = D>>(self, command: &C) -> Outcome<D::Event, C::Rejection> {
        let mut violations = Violations::default();
        command.validate(&mut violations);
        if !violations.is_empty() {
            return Outcome::Invalid(violations);
        }
        let id = command.stream_id().unwrap_or(self.facts.id);
        let facts = self.facts.narrowed(id, &command.reads(id, &self.state), &self.claims);
        match command.decide(&self.state, &facts) {
            Ok(decision) => Outcome::Decided(decision),
            Err(rejection) => Outcome::Refused(rejection),
        }
    }
}

/// What came of the command.
#[derive(Debug)]
pub enum Outcome<E, R> {
    /// The body made no sense by itself.
    Invalid(Violations),
    /// A rule said no.
    Refused(R),
    /// It was decided.
    Decided(Decision<E, R>),
}

impl<E: Clone + Debug + PartialEq, R: Rejection> Outcome<E, R> {
    /// These events are recorded, and no others.
    #[track_caller]
    pub fn then<I: Into<E>>(self, events: impl IntoIterator<Item = I>) -> Self {
        let expected: Vec<_> = events.into_iter().map(Into::into).collect();
        assert_eq!(self.decision().events, expected);
        self
    }

    /// It is accepted, and nothing changes.
    #[track_caller]
    pub fn then_nothing(self) -> Self {
        assert!(self.decision().events.is_empty(), "recorded {:?}", self.decision().events);
        self
    }

    /// It is refused with this rule.
    #[track_caller]
    pub fn then_refused(self, rejection: &R) {
        match self {
            Self::Refused(refused) => assert_eq!(&refused, rejection),
            other => panic!("expected a refusal with {rejection:?}, but {other:?}"),
        }
    }

    /// The body is wrong in just this field, in this way.
    #[track_caller]
    pub fn then_invalid(self, field: &str, code: &str) {
        match self {
            Self::Invalid(violations) => {
                let found: Vec<_> =
                    violations.errors().iter().map(|error| (error.field.as_str(), error.code)).collect();
                assert_eq!(found, [(field, code)]);
            }
            other => panic!("expected {field} to be {code}, but {other:?}"),
        }
    }

    /// It takes this value of a set, with this refusal where another stream holds it.
    #[track_caller]
    pub fn and_claims(self, set: &'static str, value: &str, taken: R) -> Self {
        let wanted = ClaimChange::Take { claim: Claim { set, value: value.to_owned() }, taken };
        assert!(self.decision().claims.contains(&wanted), "claims {:?}", self.decision().claims);
        self
    }

    /// It gives this value of a set back.
    #[track_caller]
    pub fn and_releases(self, set: &'static str, value: &str) -> Self {
        let wanted = ClaimChange::Release { claim: Claim { set, value: value.to_owned() } };
        assert!(self.decision().claims.contains(&wanted), "claims {:?}", self.decision().claims);
        self
    }

    /// The stream has this password from then on.
    #[track_caller]
    pub fn and_password(self, password: &str) -> Self {
        let kept = self.decision().password.as_ref().map(Secret::expose);
        assert!(kept == Some(password), "another password, or none");
        self
    }

    #[track_caller]
    fn decision(&self) -> &Decision<E, R> {
        match self {
            Self::Decided(decision) => decision,
            other => panic!("expected a decision, but {other:?}"),
        }
    }
}
