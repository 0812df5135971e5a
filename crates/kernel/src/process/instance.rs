//! One instance of a process: its state, the steps it took and how they ended, its timers.
//!
//! ```text
//! running ──compensate──► compensating: answers awaited, then undone one by one ──nothing left──► running
//!    │                                                                                               │
//!    └──────────────────────────────────────── done ─────────────────────────────────────────────► ended
//! ```
//!
//! Pure: whoever runs instances keeps them, sends what [`Instance::unsent`] says, and tells answers and timers.
//! An answer that was heard before, or that nobody waits for, changes nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::command::Undo;
use super::{Effect, Outgoing, Process, ProcessFacts, ProcessInput, Step};
use crate::Timestamp;

/// The longest name of a step or timer, in bytes.
const LONGEST_NAME: usize = 100;
/// Steps that an instance may take in its life.
const STEPS_MOST: usize = 10_000;
/// Timers that an instance may wait for.
const TIMERS_MOST: usize = 1_000;

/// An instance as it is kept between two inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance<S> {
    /// The process's own state.
    pub state: S,
    /// Where it is in its life.
    pub phase: Phase,
    /// Every step, in the order in which they were taken.
    pub steps: Vec<SentStep>,
    /// The timers that it waits for.
    pub timers: BTreeMap<String, Timestamp>,
}

/// Where an instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It goes on.
    Running,
    /// What it did is being undone.
    Compensating,
    /// It has ended.
    Ended,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentStep {
    /// Its name.
    pub step: String,
    /// What was sent.
    pub command: Outgoing,
    /// What undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// How it ended.
    pub outcome: Outcome,
    /// The outcome of an attempt was not known.
    #[serde(default)]
    pub doubtful: bool,
    /// Whether it is undone.
    pub undoing: Undoing,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Outcome {
    /// It has not yet.
    Open,
    /// It was carried out.
    Done,
    /// A rule refused it.
    Refused {
        /// The rule.
        code: String,
    },
    /// It cannot be carried out as it is: an operator retries or skips it.
    Impossible {
        /// Why.
        why: String,
    },
    /// An operator went on without it.
    Skipped,
    /// An operator had everything undone while it was impossible.
    GivenUp,
}

/// Whether a step is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Undoing {
    /// Nobody asked for it.
    No,
    /// It is being undone.
    Open,
    /// It is undone, or an operator says so.
    Done,
    /// What undoes it was refused, and is repeated.
    Refused {
        /// Why, the last time.
        why: String,
    },
}

/// Names a command of an instance: a step, or what undoes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKey {
    /// The step itself.
    Step(String),
    /// What undoes it.
    Undo(String),
}

impl fmt::Display for StepKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(step) => out.write_str(step),
            Self::Undo(step) => write!(out, "{step}/undo"),
        }
    }
}

impl StepKey {
    /// From its text.
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix("/undo") {
            Some(step) => Self::Undo(step.to_owned()),
            None => Self::Step(text.to_owned()),
        }
    }
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Reply {
    /// It was carried out.
    Done,
    /// A rule refused it.
    Refused {
        /// The rule.
        code: String,
    },
    /// It is not known; it is repeated until it is.
    Unknown,
    /// It makes no sense to the command side and will not: its body is wrong, there is no such command.
    Impossible {
        /// Why.
        why: String,
    },
}

/// A mistake in a process, which its tests show: the input that brought it out is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Two commands under one name.
    #[error("the step {0} was taken before with another command")]
    StepTwice(String),
    /// Names are 1 to 100 visible ASCII characters without a slash: they stand in once-only keys.
    #[error("a step or timer has a name that cannot be used")]
    Name,
    /// What it did would stay as it is, with nobody to undo it.
    #[error("an instance cannot end while it compensates")]
    EndsUndone,
    /// A process that never ends.
    #[error("an instance may take 10000 steps and wait for 1000 timers")]
    TooMany,
}

impl<S> Instance<S> {
    /// The commands that have no definite outcome yet.
    pub fn unsent(&self) -> Vec<(StepKey, &Outgoing)> {
        let steps = self.steps.iter().filter(|step| step.outcome == Outcome::Open);
        let steps = steps.map(|step| (StepKey::Step(step.step.clone()), &step.command));
        let undoing = self.steps.iter().filter(|step| step.is_being_undone()).filter_map(|step| {
            step.undo.as_ref().map(|undo| (StepKey::Undo(step.step.clone()), &undo.command))
        });
        steps.chain(undoing).collect()
    }

    /// Why it cannot go on by itself.
    pub fn stuck(&self) -> Option<String> {
        self.steps.iter().find_map(|step| match (&step.outcome, &step.undoing) {
            (Outcome::Impossible { why }, _) if self.phase != Phase::Ended => {
                Some(format!("{}: {why}", step.step))
            }
            (_, Undoing::Refused { why }) => Some(format!("{} cannot be undone: {why}", step.step)),
            _ => None,
        })
    }

    /// Whether it takes nothing in until an operator has said what to do. What is undone is repeated all the same.
    pub fn is_parked(&self) -> bool {
        let impossible = |step: &SentStep| matches!(step.outcome, Outcome::Impossible { .. });
        self.phase != Phase::Ended && self.steps.iter().any(impossible)
    }

    fn find(&mut self, name: &str) -> Option<&mut SentStep> {
        self.steps.iter_mut().find(|step| step.step == name)
    }
}

impl SentStep {
    fn is_being_undone(&self) -> bool {
        matches!(self.undoing, Undoing::Open | Undoing::Refused { .. })
    }

    /// Whether it may have had an effect that is to be undone.
    fn is_to_be_undone(&self) -> bool {
        let happened = match self.outcome {
            Outcome::Done => true,
            Outcome::Refused { .. } | Outcome::Impossible { .. } | Outcome::GivenUp => self.doubtful,
            Outcome::Open | Outcome::Skipped => false,
        };
        happened && self.undo.is_some() && self.undoing == Undoing::No
    }
}

impl<S: Default> Default for Instance<S> {
    fn default() -> Self {
        Self { state: S::default(), phase: Phase::Running, steps: Vec::new(), timers: BTreeMap::new() }
    }
}

impl<S: Default> Instance<S> {
    /// Takes in an event. After a fault the instance is good for nothing: the one from before is to be kept.
    pub fn hear<P: Process<State = S>>(
        &mut self,
        input: &ProcessInput<P::Event>,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        if self.phase == Phase::Ended {
            return Ok(());
        }
        self.state = P::evolve(std::mem::take(&mut self.state), input);
        for effect in P::react(&self.state, input, facts).into_vec() {
            self.carry_out(effect)?;
        }
        self.compensate_further::<P>(facts)
    }

    /// Takes in what came of a command.
    pub fn answered<P: Process<State = S>>(
        &mut self,
        key: &StepKey,
        reply: Reply,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        match key {
            StepKey::Step(step) => self.step_answered::<P>(step, reply, facts),
            StepKey::Undo(step) => {
                self.undo_answered(step, reply);
                self.compensate_further::<P>(facts)
            }
        }
    }

    /// A timer is due. One that was replaced or forgotten wakes nobody.
    pub fn woken<P: Process<State = S>>(
        &mut self,
        name: &str,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        match self.timers.get(name) {
            Some(at) if *at <= facts.now => {
                self.timers.remove(name);
                self.hear::<P>(&ProcessInput::Woken { name: name.to_owned() }, facts)
            }
            _ => Ok(()),
        }
    }

    /// An operator has it undone, whatever it waits for.
    pub fn compensate<P: Process<State = S>>(
        &mut self,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        for step in &mut self.steps {
            if let Outcome::Impossible { .. } = step.outcome {
                step.outcome = Outcome::GivenUp;
            }
        }
        self.carry_out(Effect::Compensate)?;
        self.compensate_further::<P>(facts)
    }

    /// An operator has the steps that are stuck tried again.
    pub fn retry(&mut self) {
        for step in &mut self.steps {
            if let Outcome::Impossible { .. } = step.outcome {
                step.outcome = Outcome::Open;
            }
            if let Undoing::Refused { .. } = step.undoing {
                step.undoing = Undoing::Open;
            }
        }
    }

    /// An operator goes on without what is stuck: the process hears that the steps are done, and nothing undoes them.
    pub fn skip<P: Process<State = S>>(
        &mut self,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        let mut skipped = Vec::new();
        for step in &mut self.steps {
            if let Outcome::Impossible { .. } = step.outcome {
                step.outcome = Outcome::Skipped;
                skipped.push(step.step.clone());
            }
            if let Undoing::Refused { .. } = step.undoing {
                step.undoing = Undoing::Done;
            }
        }
        for step in skipped {
            self.hear::<P>(&ProcessInput::Done { step }, facts)?;
        }
        self.compensate_further::<P>(facts)
    }

    fn step_answered<P: Process<State = S>>(
        &mut self,
        name: &str,
        reply: Reply,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        let Some(sent) = self.find(name).filter(|sent| sent.outcome == Outcome::Open) else {
            return Ok(());
        };
        let step = name.to_owned();
        let input = match reply {
            Reply::Done => {
                sent.outcome = Outcome::Done;
                ProcessInput::Done { step }
            }
            Reply::Refused { code } => {
                sent.outcome = Outcome::Refused { code: code.clone() };
                ProcessInput::Refused { step, code }
            }
            Reply::Unknown if sent.doubtful => return Ok(()),
            Reply::Unknown => {
                sent.doubtful = true;
                ProcessInput::Unknown { step }
            }
            Reply::Impossible { why } => {
                sent.outcome = Outcome::Impossible { why };
                return self.compensate_further::<P>(facts);
            }
        };
        self.hear::<P>(&input, facts)
    }

    fn undo_answered(&mut self, name: &str, reply: Reply) {
        let Some(sent) = self.find(name).filter(|sent| sent.is_being_undone()) else { return };
        let settled = |code: &str| {
            sent.undo.as_ref().is_some_and(|undo| undo.settled_by.iter().any(|settled| settled == code))
        };
        sent.undoing = match reply {
            Reply::Done => Undoing::Done,
            Reply::Refused { code } if settled(&code) => Undoing::Done,
            Reply::Refused { code } => Undoing::Refused { why: code },
            Reply::Impossible { why } => Undoing::Refused { why },
            Reply::Unknown => return,
        };
    }

    pub(super) fn carry_out(&mut self, effect: Effect) -> Result<(), Fault> {
        match effect {
            Effect::Send(step) => self.take_step(step)?,
            Effect::Wake { name, at } => {
                check_name(&name)?;
                self.timers.insert(name, at);
                if self.timers.len() > TIMERS_MOST {
                    return Err(Fault::TooMany);
                }
            }
            Effect::Forget { name } => drop(self.timers.remove(&name)),
            Effect::Compensate => {
                if self.phase == Phase::Running {
                    self.phase = Phase::Compensating;
                }
            }
            Effect::Done if self.phase == Phase::Compensating => return Err(Fault::EndsUndone),
            Effect::Done => {
                self.phase = Phase::Ended;
                self.timers.clear();
            }
        }
        Ok(())
    }

    /// The same step once more changes nothing.
    fn take_step(&mut self, step: Step) -> Result<(), Fault> {
        let Step { name, command, undo } = step;
        check_name(&name)?;
        if let Some(sent) = self.find(&name) {
            return if sent.command == command { Ok(()) } else { Err(Fault::StepTwice(name)) };
        }
        if self.steps.len() >= STEPS_MOST {
            return Err(Fault::TooMany);
        }
        self.steps.push(SentStep {
            step: name,
            command,
            undo,
            outcome: Outcome::Open,
            doubtful: false,
            undoing: Undoing::No,
        });
        Ok(())
    }

    /// Undoes the last step that is to be, where every outcome is definite and nothing is being undone; and says so
    /// when nothing is left.
    fn compensate_further<P: Process<State = S>>(
        &mut self,
        facts: &ProcessFacts<'_, P::Settings>,
    ) -> Result<(), Fault> {
        let waits = |step: &SentStep| step.outcome == Outcome::Open || step.is_being_undone();
        if self.phase != Phase::Compensating || self.steps.iter().any(waits) {
            return Ok(());
        }
        match self.steps.iter_mut().rev().find(|step| step.is_to_be_undone()) {
            Some(step) => {
                step.undoing = Undoing::Open;
                Ok(())
            }
            None => {
                self.phase = Phase::Running;
                self.hear::<P>(&ProcessInput::Compensated, facts)
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), Fault> {
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    let fits = fits && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if fits { Ok(()) } else { Err(Fault::Name) }
}
