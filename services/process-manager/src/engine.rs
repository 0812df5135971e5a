//! A process with its types erased: an instance as JSON and what it hears, then the instance as JSON and what it wants.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kernel::{
    Instance, Outgoing, Phase, Process, ProcessFacts, ProcessInput, Reply, StepKey, TenantId, Timestamp,
};
use serde_json::Value;
use uuid::Uuid;

use crate::inbox::Arrived;

/// Most inputs that an instance hears in one step.
pub(crate) const INPUTS_MOST: usize = 100;

/// One process.
pub(crate) trait Engine: Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The context that it hears.
    fn context(&self) -> &'static str;
    /// An instance that has heard nothing yet.
    fn begin(&self) -> Result<Value, Broken>;
    /// Hears the inputs in order, as many as can be: behind one that brings out a fault, and behind one after which an
    /// operator is needed, none.
    fn step(&self, of: &Of<'_>, kept: Value, inputs: &[Input]) -> Result<Stepped, Broken>;
    /// Does what an operator says.
    fn operate(&self, of: &Of<'_>, kept: Value, action: Action) -> Result<Stepped, Broken>;
}

/// Which instance, and what time it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) instance: Uuid,
    pub(crate) now: Timestamp,
}

/// Something that an instance is to hear.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    /// When it came about.
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    Event(Box<Arrived>),
    Answer { key: String, reply: Reply, event_id: Option<Uuid> },
    Timer { name: String },
}

/// What an operator does with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Retry,
    Skip,
    Compensate,
}

/// An instance after a step.
#[derive(Debug)]
pub(crate) struct Stepped {
    pub(crate) kept: Value,
    pub(crate) phase: Phase,
    /// How many of the inputs it heard.
    pub(crate) heard: usize,
    pub(crate) stuck: Option<String>,
    pub(crate) parked: bool,
    /// Commands to be sent, or sent again: those that are not on their way.
    pub(crate) unsent: Vec<(String, Outgoing)>,
    /// Before this it was an impossible command that kept it, and not a fault.
    pub(crate) was_impossible: bool,
    /// Every timer, where they changed.
    pub(crate) timers: Option<BTreeMap<String, Timestamp>>,
}

/// What is kept of an instance is not what this program keeps.
#[derive(Debug, thiserror::Error)]
#[error("what is kept of the instance does not read: {0}")]
pub(crate) struct Broken(String);

impl Broken {
    fn at(error: &serde_json::Error) -> Self {
        Self(format!("at {}:{}", error.line(), error.column()))
    }
}

pub(crate) struct Engines<P: Process> {
    context: &'static str,
    settings: P::Settings,
}

impl<P: Process> Engines<P> {
    pub(crate) fn new(context: &'static str, settings: P::Settings) -> Self {
        Self { context, settings }
    }

    fn facts<'a>(&'a self, of: &Of<'a>, now: Timestamp) -> ProcessFacts<'a, P::Settings> {
        ProcessFacts { instance: of.instance, tenant: of.tenant, now, settings: &self.settings }
    }

    fn hear(&self, of: &Of<'_>, instance: &mut Instance<P::State>, input: &Input) -> Result<(), String> {
        let fault = |fault: kernel::Fault| fault.to_string();
        match &input.what {
            What::Event(arrived) => {
                let recorded = arrived.recorded(of.tenant).map_err(|error| error.to_string())?;
                let facts = self.facts(of, input.at);
                instance.hear::<P>(&ProcessInput::Event(recorded), &facts).map_err(fault)
            }
            What::Answer { key, reply, .. } => {
                let facts = self.facts(of, input.at);
                instance.answered::<P>(&StepKey::parse(key), reply.clone(), &facts).map_err(fault)
            }
            What::Timer { name } => instance.woken::<P>(name, &self.facts(of, of.now)).map_err(fault),
        }
    }

    /// `answered` are the commands whose answers it heard: what wants one of them sent, wants it sent again.
    fn stepped(
        instance: &Instance<P::State>,
        before: &Instance<P::State>,
        answered: &[&str],
        heard: usize,
        fault: Option<String>,
    ) -> Result<Stepped, Broken> {
        let on_their_way: HashSet<StepKey> = before.unsent().into_iter().map(|(key, _)| key).collect();
        let unsent = instance.unsent().into_iter().filter_map(|(key, command)| {
            let (name, is_old) = (key.to_string(), on_their_way.contains(&key));
            (!is_old || answered.contains(&name.as_str())).then(|| (name, command.clone()))
        });
        Ok(Stepped {
            unsent: unsent.collect(),
            was_impossible: before.is_parked(),
            kept: serde_json::to_value(instance).map_err(|error| Broken::at(&error))?,
            phase: instance.phase,
            heard,
            parked: fault.is_some() || instance.is_parked(),
            stuck: fault.or_else(|| instance.stuck()),
            timers: (instance.timers != before.timers).then(|| instance.timers.clone()),
        })
    }
}

impl<P: Process> Engine for Engines<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn context(&self) -> &'static str {
        self.context
    }

    fn begin(&self) -> Result<Value, Broken> {
        serde_json::to_value(Instance::<P::State>::default()).map_err(|error| Broken::at(&error))
    }

    fn step(&self, of: &Of<'_>, kept: Value, inputs: &[Input]) -> Result<Stepped, Broken> {
        let before: Instance<P::State> = serde_json::from_value(kept).map_err(|error| Broken::at(&error))?;
        let mut instance = before.clone();
        let mut answered: Vec<&str> = Vec::new();
        for (heard, input) in inputs.iter().enumerate() {
            let mut next = instance.clone();
            let outcome = catch_unwind(AssertUnwindSafe(|| self.hear(of, &mut next, input)));
            match outcome.unwrap_or_else(|_| Err("the process panicked: a fault of the program".to_owned())) {
                Ok(()) => instance = next,
                Err(fault) => {
                    let fault = format!("{}: {fault}", input.what.describe());
                    return Self::stepped(&instance, &before, &answered, heard, Some(fault));
                }
            }
            if let What::Answer { key, reply, .. } = &input.what
                && *reply != Reply::Unknown
            {
                answered.push(key);
            }
            if instance.is_parked() {
                return Self::stepped(&instance, &before, &answered, heard + 1, None);
            }
        }
        Self::stepped(&instance, &before, &answered, inputs.len(), None)
    }

    fn operate(&self, of: &Of<'_>, kept: Value, action: Action) -> Result<Stepped, Broken> {
        let before: Instance<P::State> = serde_json::from_value(kept).map_err(|error| Broken::at(&error))?;
        let mut instance = before.clone();
        let facts = self.facts(of, of.now);
        let outcome = catch_unwind(AssertUnwindSafe(|| match action {
            Action::Retry => {
                instance.retry();
                Ok(())
            }
            Action::Skip => instance.skip::<P>(&facts),
            Action::Compensate => instance.compensate::<P>(&facts),
        }));
        let failed = match outcome {
            Ok(Ok(())) => {
                let again: Vec<String> =
                    before.unsent().into_iter().map(|(key, _)| key.to_string()).collect();
                let again: Vec<&str> = again.iter().map(String::as_str).collect();
                return Self::stepped(&instance, &before, &again, 0, None);
            }
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "the process panicked: a fault of the program".to_owned(),
        };
        let why = format!("what an operator asked for failed: {failed}");
        Self::stepped(&before, &before, &[], 0, Some(why))
    }
}

impl What {
    /// For people; nothing of what it says.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Event(arrived) => {
                format!("event {} {}={}", arrived.event_type, arrived.stream, arrived.sequence)
            }
            Self::Answer { key, reply: Reply::Done, .. } => format!("done {key}"),
            Self::Answer { key, reply: Reply::Refused { code }, .. } => format!("refused {key}: {code}"),
            Self::Answer { key, reply: Reply::Unknown, .. } => format!("unknown {key}"),
            Self::Answer { key, reply: Reply::Impossible { why }, .. } => format!("impossible {key}: {why}"),
            Self::Timer { name } => format!("woken {name}"),
        }
    }
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Compensate => "compensate",
        }
    }
}
