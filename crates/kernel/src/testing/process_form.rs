//! A process in virtual time: events, answers and timers come, then these commands are sent.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use uuid::Uuid;

use crate::{
    EventId, Instance, Lane, Outcome, Outgoing, Phase, Process, ProcessFacts, ProcessInput, Recorded, Reply,
    Route, Sequence, StepKey, StreamName, StreamVersion, TenantId, Timestamp,
};

/// Answers that are given without being asked for in turn, so that nobody waits for ever.
const ANSWERS_MOST: usize = 100_000;

type Script = Box<dyn FnMut(&Outgoing) -> Option<Reply>>;

/// Instances of a process, the commands they sent that wait for an answer, and a clock.
pub struct ProcessCase<P: Process> {
    settings: P::Settings,
    tenant: TenantId,
    now: Timestamp,
    sequence: Sequence,
    versions: BTreeMap<(TenantId, StreamName), u64>,
    instances: BTreeMap<(TenantId, Uuid), Instance<P::State>>,
    /// The instance that is spoken of.
    current: Option<(TenantId, Uuid)>,
    script: Script,
}

/// No instance yet, at the time 0, in the tenant `acme`, with settings as they are where nothing is said. Commands
/// wait for their answers until [`ProcessCase::answering`] says otherwise.
pub fn process<P: Process>() -> ProcessCase<P> {
    ProcessCase {
        settings: P::Settings::default(),
        tenant: tenant("acme"),
        now: Timestamp::from_micros(0),
        sequence: Sequence::ZERO,
        versions: BTreeMap::new(),
        instances: BTreeMap::new(),
        current: None,
        script: Box::new(|_| None),
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap_or_else(|error| panic!("{error}"))
}

impl<P: Process> ProcessCase<P> {
    /// Whoever runs it has decided this.
    #[must_use]
    pub fn settings(mut self, settings: P::Settings) -> Self {
        self.settings = settings;
        self
    }

    /// What follows happens to this tenant.
    #[must_use]
    pub fn tenant(mut self, name: &str) -> Self {
        self.tenant = tenant(name);
        self
    }

    /// From now on commands are answered by this, at once; `None` leaves a command waiting. Those that wait are
    /// answered too.
    #[must_use]
    #[track_caller]
    pub fn answering(mut self, script: impl FnMut(&Outgoing) -> Option<Reply> + 'static) -> Self {
        self.script = Box::new(script);
        self.settle();
        self
    }

    /// This happens now to the stream of `kind` with this id. The instance that it is for is spoken of from here on.
    #[must_use]
    #[track_caller]
    pub fn event(mut self, kind: &'static str, id: Uuid, event: impl Into<P::Event>) -> Self {
        let stream = StreamName::of(kind, id);
        self.sequence = self.sequence.next();
        let version = self.versions.entry((self.tenant.clone(), stream.clone())).or_default();
        *version += 1;
        let recorded = Recorded {
            id: EventId(Uuid::from_u128(u128::from(self.sequence.number()))),
            tenant: self.tenant.clone(),
            lane: Lane::new(0),
            sequence: self.sequence,
            stream,
            version: StreamVersion::new(*version),
            recorded_at: self.now,
            metadata: super::metadata(self.sequence),
            event: event.into(),
        };
        let route = P::route(&recorded);
        let Some(instance) = route.instance() else { return self };
        let at = (self.tenant.clone(), instance);
        if matches!(route, Route::Start(_)) {
            self.instances.entry(at.clone()).or_default();
        }
        if self.instances.contains_key(&at) {
            self.current = Some(at);
            self.change(|instance, facts| instance.hear::<P>(&ProcessInput::Event(recorded), facts));
        }
        self.settle();
        self
    }

    /// The command of this step, which waits for its answer, is carried out.
    #[must_use]
    #[track_caller]
    pub fn done(self, step: &str) -> Self {
        self.answer(step, Reply::Done)
    }

    /// The command of this step, which waits for its answer, is refused.
    #[must_use]
    #[track_caller]
    pub fn refused(self, step: &str, code: &str) -> Self {
        self.answer(step, Reply::Refused { code: code.to_owned() })
    }

    /// It is not known whether the command of this step was carried out.
    #[must_use]
    #[track_caller]
    pub fn unknown(self, step: &str) -> Self {
        self.answer(step, Reply::Unknown)
    }

    /// The command of this step, which waits for its answer, makes no sense to the command side.
    #[must_use]
    #[track_caller]
    pub fn impossible(self, step: &str, why: &str) -> Self {
        self.answer(step, Reply::Impossible { why: why.to_owned() })
    }

    /// What undoes this step, and was sent, is carried out.
    #[must_use]
    #[track_caller]
    pub fn undone(mut self, step: &str) -> Self {
        self.reply(&StepKey::Undo(step.to_owned()), Reply::Done);
        self.settle();
        self
    }

    /// What undoes this step, and was sent, is refused.
    #[must_use]
    #[track_caller]
    pub fn undo_refused(mut self, step: &str, code: &str) -> Self {
        self.reply(&StepKey::Undo(step.to_owned()), Reply::Refused { code: code.to_owned() });
        self.settle();
        self
    }

    /// Time passes; timers come when they are due, each at its time.
    #[must_use]
    #[track_caller]
    pub fn advance(mut self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let until = Timestamp::from_micros(self.now.micros().saturating_add(by));
        let spoken_of = self.current.clone();
        while let Some((at, instance, name)) = self.next_timer().filter(|(at, ..)| *at <= until) {
            self.now = self.now.max(at);
            self.current = Some(instance);
            self.change(|instance, facts| instance.woken::<P>(&name, facts));
            self.settle();
        }
        self.now = until;
        self.current = spoken_of;
        self
    }

    /// An operator has the instance compensate.
    #[must_use]
    #[track_caller]
    pub fn operator_compensates(mut self) -> Self {
        self.change(|instance, facts| instance.compensate::<P>(facts));
        self.settle();
        self
    }

    /// An operator goes on without what is stuck.
    #[must_use]
    #[track_caller]
    pub fn operator_skips(mut self) -> Self {
        self.change(|instance, facts| instance.skip::<P>(facts));
        self.settle();
        self
    }

    /// An operator has what is stuck tried again.
    #[must_use]
    #[track_caller]
    pub fn operator_retries(mut self) -> Self {
        self.change(|instance, _| {
            instance.retry();
            Ok(())
        });
        self.settle();
        self
    }

    /// These commands, and no others, wait for an answer, by the names of their steps; `reserve/undo` undoes
    /// `reserve`.
    #[track_caller]
    pub fn then_waits_for(self, steps: &[&str]) -> Self {
        let waiting: Vec<String> = self.instance().unsent().iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(waiting, steps);
        self
    }

    /// This command was sent in this step, whatever came of it.
    #[track_caller]
    pub fn then_sent(self, step: &str, command: &Outgoing) -> Self {
        assert_eq!(Some(command), self.command(step).as_ref(), "as the step {step}");
        self
    }

    /// No such step was taken.
    #[track_caller]
    pub fn then_not_sent(self, step: &str) -> Self {
        assert_eq!(self.command(step), None, "as the step {step}");
        self
    }

    /// The instance's state is this.
    #[track_caller]
    pub fn then_state(self, expected: &P::State) -> Self {
        assert_eq!(&self.instance().state, expected);
        self
    }

    /// It will be woken then by this timer.
    #[track_caller]
    pub fn then_timer(self, name: &str, at: Timestamp) -> Self {
        assert_eq!(self.instance().timers.get(name), Some(&at), "the timer {name}");
        self
    }

    /// Nothing will wake it.
    #[track_caller]
    pub fn then_no_timer(self) -> Self {
        assert!(self.instance().timers.is_empty(), "waits for {:?}", self.instance().timers);
        self
    }

    /// It has ended, and waits for no answer.
    #[track_caller]
    pub fn then_ended(self) -> Self {
        assert_eq!(self.instance().phase, Phase::Ended, "{:#?}", self.instance().steps);
        self.then_waits_for(&[])
    }

    /// It has not ended.
    #[track_caller]
    pub fn then_goes_on(self) -> Self {
        assert_ne!(self.instance().phase, Phase::Ended);
        self
    }

    /// Every step that was carried out and declares how it is undone is undone, and all others are not.
    #[track_caller]
    pub fn then_all_undone(self) -> Self {
        for step in self.instance().steps.iter().filter(|step| step.undo.is_some()) {
            let undone = step.undoing == crate::Undoing::Done;
            assert_eq!(undone, step.outcome == Outcome::Done || step.doubtful, "{step:#?}");
        }
        self
    }

    /// An operator has to look at it.
    #[track_caller]
    pub fn then_stuck(self) -> Self {
        assert!(self.instance().stuck().is_some(), "{:#?}", self.instance());
        self
    }

    /// Nothing was begun.
    #[track_caller]
    pub fn then_no_instance(self) -> Self {
        assert!(self.instances.is_empty(), "began {:?}", self.instances.keys());
        self
    }

    /// The instance that was spoken of last, for a closer look.
    #[track_caller]
    pub fn instance(&self) -> &Instance<P::State> {
        match self.current.as_ref().and_then(|at| self.instances.get(at)) {
            Some(instance) => instance,
            None => panic!("no event has begun an instance of {}", P::NAME),
        }
    }

    #[track_caller]
    fn answer(mut self, step: &str, reply: Reply) -> Self {
        self.reply(&StepKey::Step(step.to_owned()), reply);
        self.settle();
        self
    }

    #[track_caller]
    fn reply(&mut self, key: &StepKey, reply: Reply) {
        let waits = self.instance().unsent().iter().any(|(waiting, _)| waiting == key);
        assert!(waits, "nothing waits for an answer as {key}: {:#?}", self.instance().steps);
        self.change(|instance, facts| instance.answered::<P>(key, reply, facts));
    }

    /// Gives every answer that the script has.
    #[track_caller]
    fn settle(&mut self) {
        let spoken_of = self.current.clone();
        for _ in 0..ANSWERS_MOST {
            let script = &mut self.script;
            let answer = self.instances.iter().find_map(|(at, instance)| {
                let (key, reply) = instance
                    .unsent()
                    .into_iter()
                    .find_map(|(key, command)| script(command).map(|reply| (key, reply)))?;
                Some((at.clone(), key, reply))
            });
            let Some((at, key, reply)) = answer else {
                self.current = spoken_of;
                return;
            };
            self.current = Some(at);
            self.change(|instance, facts| instance.answered::<P>(&key, reply, facts));
        }
        panic!("{} sends commands for ever", P::NAME);
    }

    /// Every change goes on from what was kept: an instance survives its way through JSON.
    #[track_caller]
    fn change(
        &mut self,
        change: impl FnOnce(&mut Instance<P::State>, &ProcessFacts<'_, P::Settings>) -> Result<(), crate::Fault>,
    ) {
        let Some(at) = self.current.clone() else { panic!("no event has begun an instance of {}", P::NAME) };
        let mut instance = kept(self.instance());
        let facts = ProcessFacts { instance: at.1, tenant: &at.0, now: self.now, settings: &self.settings };
        if let Err(fault) = change(&mut instance, &facts) {
            panic!("{}: {fault}", P::NAME);
        }
        self.instances.insert(at, instance);
    }

    fn next_timer(&self) -> Option<(Timestamp, (TenantId, Uuid), String)> {
        let timers = self.instances.iter().flat_map(|(instance, kept)| {
            kept.timers.iter().map(move |(name, at)| (*at, instance.clone(), name.clone()))
        });
        timers.min()
    }

    #[track_caller]
    fn command(&self, step: &str) -> Option<Outgoing> {
        let (name, undo) = match StepKey::parse(step) {
            StepKey::Step(name) => (name, false),
            StepKey::Undo(name) => (name, true),
        };
        let sent = self.instance().steps.iter().find(|sent| sent.step == name)?;
        if !undo {
            return Some(sent.command.clone());
        }
        let undone = sent.undoing != crate::Undoing::No;
        sent.undo.as_ref().filter(|_| undone).map(|undo| undo.command.clone())
    }
}

#[track_caller]
fn kept<S: Clone + Debug + PartialEq + serde::Serialize + serde::de::DeserializeOwned>(
    instance: &Instance<S>,
) -> Instance<S> {
    let json =
        serde_json::to_string(instance).unwrap_or_else(|error| panic!("no JSON of {instance:?}: {error}"));
    let back: Instance<S> = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"));
    assert_eq!(&back, instance, "after its way through JSON");
    back
}
