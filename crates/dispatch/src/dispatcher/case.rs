//! One command's case: the streams that it decides on, and how fresh what is known of them is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use event_log::{Append, Beside, ClaimChange, Guard, OnceKey, Receipt};
use kernel::{
    EventId, EventMetadata, Facts, NewEvent, ReadClaims, StreamFamily, StreamName, StreamVersion, TenantId,
};
use tracing::{debug, error};
use uuid::Uuid;

use super::{CommandRequest, Dispatcher, now};
use crate::CommandError;
use crate::command::{Decided, Question, Undecided};
use crate::kind::StreamKind;
use crate::queues::Turn;
use crate::registry::CommandEntry;
use crate::streams::{LoadedFamily, Streams};
use crate::warm::{Loaded, StreamKey};

/// A command and all that it is decided on.
pub(super) struct Case<'a> {
    dispatcher: &'a Dispatcher,
    pub(super) command: &'a CommandEntry,
    request: &'a CommandRequest<'a>,
    id: Uuid,
    /// The id was made here and now: no stream has it yet, and nobody else can ask for it.
    made: bool,
    main: Known,
    facts: Vec<Known>,
    families: Vec<KnownFamily>,
    claims: Vec<KnownClaims>,
    command_id: Uuid,
}

/// What is known of one stream.
struct Known {
    key: StreamKey,
    kind: Arc<dyn StreamKind>,
    loaded: Loaded,
    /// Whether it was read from the log after the command came.
    fresh: bool,
}

/// What is known of the streams of a family, read after the command came.
struct KnownFamily {
    family: StreamFamily,
    kind: Arc<dyn StreamKind>,
    loaded: LoadedFamily,
}

/// Which values are claimed, read after the command came.
struct KnownClaims {
    read: ReadClaims,
    values: Arc<BTreeSet<String>>,
}

/// Whether a decision stands on what the log held at one moment after the command came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmed {
    Yes,
    No,
}

impl<'a> Case<'a> {
    pub(super) fn open(
        dispatcher: &'a Dispatcher,
        command: &'a CommandEntry,
        request: &'a CommandRequest<'a>,
        question: &dyn Question,
    ) -> Self {
        let chosen = question.stream_id();
        let made = chosen.is_none();
        let id = chosen.unwrap_or_else(Uuid::now_v7);
        let stream = question.stream(id);
        let key = StreamKey { context: command.context(), tenant: request.tenant.clone(), stream };
        let main = Known::not_begun(key, &command.kind, made);
        let (facts, families, claims) = Default::default();
        let command_id = Uuid::now_v7();
        Self { dispatcher, command, request, id, made, main, facts, families, claims, command_id }
    }

    pub(super) fn tenant(&self) -> &TenantId {
        &self.main.key.tenant
    }

    pub(super) fn stream(&self) -> &StreamName {
        &self.main.key.stream
    }

    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn version(&self) -> StreamVersion {
        self.main.loaded.version
    }

    /// Waits until no other command of this process is at work on the stream.
    pub(super) async fn turn(&self) -> Result<Option<Turn<StreamKey>>, CommandError> {
        if self.made {
            return Ok(None);
        }
        let turn = self.dispatcher.queues.turn(self.main.key.clone()).await;
        turn.map(Some).map_err(|_| CommandError::Busy)
    }

    /// Finds the main stream's state: warm, or guessed where that has gone well so far, or read.
    pub(super) async fn load_main(&mut self) -> Result<(), CommandError> {
        if self.made {
            return Ok(());
        }
        if let Some(warm) = self.dispatcher.streams.warm(&self.main.key) {
            self.main.loaded = warm;
            return Ok(());
        }
        if self.request.precondition.is_none() && self.command.meets_new_streams.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.command.meters.loaded();
        self.main.read(&self.dispatcher.streams).await?;
        self.learn();
        Ok(())
    }

    /// Remembers whether a stream that was not known here had begun.
    fn learn(&self) {
        let new = self.main.loaded.version == StreamVersion::ZERO;
        self.command.meets_new_streams.store(new, Ordering::Relaxed);
    }

    /// Puts the question to the states as they are known. The inner error is a refusal of any kind, which stands
    /// only once it is confirmed.
    pub(super) async fn decide(
        &mut self,
        question: &mut dyn Question,
    ) -> Result<Result<Decided, CommandError>, CommandError> {
        if let Some(precondition) = &self.request.precondition
            && !precondition.holds(self.main.loaded.version)
        {
            self.facts.clear();
            return Ok(Err(CommandError::Stale { actual: self.main.loaded.version }));
        }
        self.load_facts(question).await?;
        let mut facts = Facts::new(now(), self.id, self.request.actor.clone());
        for known in &self.facts {
            facts = facts.with_state(known.key.stream.clone(), Arc::clone(&known.loaded.state));
        }
        for known in &self.families {
            facts = facts.with_family(known.family.clone(), Arc::clone(&known.loaded.states));
        }
        for known in &self.claims {
            facts = facts.with_claimed(known.read.clone(), Arc::clone(&known.values));
        }
        match question.decide(&self.main.loaded.state, &facts) {
            Ok(decided) => Ok(Ok(decided)),
            Err(Undecided::Refused(refusal)) => Ok(Err(refusal.into())),
            Err(Undecided::Fold(error)) => Err(error.into()),
            Err(Undecided::Encode(error)) => Err(CommandError::Failed(error.into())),
        }
    }

    /// Finds the states of the streams that the command reads beside its own.
    async fn load_facts(&mut self, question: &dyn Question) -> Result<(), CommandError> {
        let reads = question.reads(self.id, &self.main.loaded.state)?;
        let mut known = std::mem::take(&mut self.facts);
        for read in reads.streams() {
            if self.facts.iter().any(|fact| fact.key.stream == read.stream) {
                continue;
            }
            if let Some(at) = known.iter().position(|fact| fact.key.stream == read.stream) {
                self.facts.push(known.swap_remove(at));
                continue;
            }
            let kind = self.kind(read.kind)?;
            let key = StreamKey { stream: read.stream.clone(), ..self.main.key.clone() };
            let mut fact = Known::not_begun(key, &kind, false);
            match self.dispatcher.streams.warm(&fact.key) {
                Some(warm) => fact.loaded = warm,
                None => {
                    self.command.meters.loaded();
                    fact.read(&self.dispatcher.streams).await?;
                }
            }
            self.facts.push(fact);
        }
        self.families.retain(|known| reads.families().iter().any(|read| read.family == known.family));
        for read in reads.families() {
            if self.families.iter().any(|known| known.family == read.family) {
                continue;
            }
            self.command.meters.loaded();
            let (kind, family) = (self.kind(read.kind)?, read.family.clone());
            let loaded = self.dispatcher.streams.read_family(&*kind, &self.main.key, &family).await?;
            self.families.push(KnownFamily { family, kind, loaded });
        }
        self.claims.retain(|known| reads.claims().contains(&known.read));
        for read in reads.claims() {
            if self.claims.iter().any(|known| known.read == *read) {
                continue;
            }
            let values = self.dispatcher.streams.claimed(&self.main.key, read).await?;
            self.claims.push(KnownClaims { read: read.clone(), values });
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> Result<Arc<dyn StreamKind>, CommandError> {
        self.command.kinds.get(name).cloned().ok_or_else(|| {
            let context = self.command.context();
            CommandError::Failed(format!("no command of {context} is about a {name}").into())
        })
    }

    /// Whether the decision stands on what was read of this claim.
    pub(super) fn read_as_fact(&self, change: &ClaimChange) -> bool {
        let ClaimChange::Take { set, value } = change else { return false };
        self.claims.iter().any(|known| known.read.covers(set, value))
    }

    /// What was read of claims does not hold any more.
    pub(super) fn forget_claims(&mut self) {
        self.claims.clear();
    }

    /// Whether what was just decided on is what the log holds.
    ///
    /// One stream needs one reading. Of several, each may have moved while the others were read; a round in which
    /// none has moved shows that all of them were so together when the round began.
    pub(super) async fn confirm(&mut self) -> Result<Confirmed, CommandError> {
        let alone = self.facts.is_empty() && self.families.is_empty() && self.claims.is_empty();
        if alone && self.main.fresh {
            return Ok(Confirmed::Yes);
        }
        let mut moved = false;
        if !self.made {
            moved |= self.main.catch_up(&self.dispatcher.streams).await?;
            self.learn();
        }
        for fact in &mut self.facts {
            moved |= fact.catch_up(&self.dispatcher.streams).await?;
        }
        for known in &mut self.families {
            let streams = &self.dispatcher.streams;
            let loaded = streams.read_family(&*known.kind, &self.main.key, &known.family).await?;
            moved |= loaded.version != known.loaded.version;
            known.loaded = loaded;
        }
        for known in &mut self.claims {
            let values = self.dispatcher.streams.claimed(&self.main.key, &known.read).await?;
            moved |= values != known.values;
            known.values = values;
        }
        Ok(if moved { Confirmed::No } else { Confirmed::Yes })
    }

    /// The log says that this stream is at another version than it was decided at.
    pub(super) async fn moved(
        &mut self,
        stream: &StreamName,
        actual: StreamVersion,
    ) -> Result<(), CommandError> {
        let streams = &self.dispatcher.streams;
        if *stream == self.main.key.stream {
            self.main.follow(streams, actual).await?;
            self.learn();
        }
        for fact in &mut self.facts {
            if fact.key.stream == *stream {
                fact.follow(streams, actual).await?;
            }
        }
        // Read again before the next decision.
        self.families.retain(|known| known.family.name() != *stream);
        Ok(())
    }

    /// What is to be appended: the events with their places, and everything that the decision stands on as guards.
    pub(super) fn append_of(&self, decided: Decided, once: Option<OnceKey>) -> Append {
        let stream = &self.main.key.stream;
        let before = self.main.loaded.version;
        let events = decided.events.into_iter().enumerate().map(|(index, encoded)| NewEvent {
            id: EventId(Uuid::now_v7()),
            event_type: encoded.event_type.into(),
            stream: stream.clone(),
            version: before.plus(index as u64 + 1),
            schema: encoded.schema,
            payload: encoded.payload,
            metadata: EventMetadata {
                correlation_id: self.request.correlation_id,
                causation_id: self.request.causation_id,
                command_id: self.command_id,
                actor: self.request.actor.clone(),
                traceparent: self.request.traceparent.clone(),
            },
        });
        let mut guards = Vec::with_capacity(1 + self.facts.len() + self.families.len());
        guards.push(self.main.guard());
        // A command may read its own stream as a fact; it is guarded already.
        guards.extend(self.facts.iter().filter(|fact| fact.key.stream != *stream).map(Known::guard));
        guards.extend(self.families.iter().map(KnownFamily::guard));
        Append {
            stream: stream.clone(),
            guards,
            events: events.collect(),
            claims: decided.claims,
            once,
            beside: Beside::nothing(),
        }
    }

    /// One line for those who follow single commands.
    pub(super) fn say(&self, receipt: &Receipt) {
        debug!(
            command = self.command.full_name(),
            command_id = %self.command_id,
            correlation_id = %self.request.correlation_id,
            stream = %receipt.stream,
            sequence = %receipt.log.at(receipt.sequence),
            trace_id = traces::trace_id(self.request.traceparent.as_deref()),
            "recorded a command"
        );
    }

    /// Keeps the state after what was recorded, for the next command. What cannot be kept is read again.
    pub(super) fn recorded(mut self, question: &dyn Question, receipt: &Receipt, bytes: u64) {
        let Some((last, _)) = receipt.events.last() else { return };
        let streams = &self.dispatcher.streams;
        // From here on the state is nobody else's, and changed in place unless another command is reading it.
        streams.forget(&self.main.key);
        self.facts.clear();
        let Known { key, kind, mut loaded, .. } = self.main;
        match question.evolve(loaded.state) {
            Ok(state) => {
                loaded.state = state;
                loaded.version = receipt.version;
                loaded.last = Some(*last);
                loaded.weight += bytes;
                streams.keep(&*kind, key, loaded);
            }
            Err(error) => error!(stream = %key.stream, %error, "a recorded decision does not fold"),
        }
    }
}

impl KnownFamily {
    fn guard(&self) -> Guard {
        Guard { stream: self.family.name(), version: self.loaded.version }
    }
}

impl Known {
    fn not_begun(key: StreamKey, kind: &Arc<dyn StreamKind>, fresh: bool) -> Self {
        Self { key, kind: Arc::clone(kind), loaded: Streams::not_begun(&**kind), fresh }
    }

    fn guard(&self) -> Guard {
        Guard { stream: self.key.stream.clone(), version: self.loaded.version }
    }

    async fn read(&mut self, streams: &Streams) -> Result<(), CommandError> {
        self.loaded = streams.read(&*self.kind, &self.key).await?;
        self.fresh = true;
        if self.loaded.version > StreamVersion::ZERO {
            streams.keep(&*self.kind, self.key.clone(), self.loaded.clone());
        }
        Ok(())
    }

    /// Brings it up to date with the log; `true` when it had moved.
    async fn catch_up(&mut self, streams: &Streams) -> Result<bool, CommandError> {
        if self.loaded.version == StreamVersion::ZERO {
            self.read(streams).await?;
            return Ok(self.loaded.version > StreamVersion::ZERO);
        }
        let moved = streams.catch_up(&*self.kind, &self.key, &mut self.loaded).await?;
        self.fresh = true;
        if moved {
            streams.keep(&*self.kind, self.key.clone(), self.loaded.clone());
        }
        Ok(moved)
    }

    /// Goes to where the log says that it is.
    async fn follow(&mut self, streams: &Streams, actual: StreamVersion) -> Result<(), CommandError> {
        if actual < self.loaded.version {
            // The log is behind what was known: another history, restored under a running service.
            streams.forget(&self.key);
            return self.read(streams).await;
        }
        self.catch_up(streams).await.map(drop)
    }
}
