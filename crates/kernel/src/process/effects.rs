//! What a process wants done.

use super::Step;
use crate::Timestamp;

/// One thing that a process wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send a command. It is repeated with the same key until its outcome is definite.
    Send(Step),
    /// Wake me at a time; setting a name again replaces it.
    Wake {
        /// The timer's name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// Do not wake me any more.
    Forget {
        /// The timer's name.
        name: String,
    },
    /// Undo every step that declares how, the last first, once every outcome is definite.
    Compensate,
    /// The instance has ended.
    Done,
}

/// Everything that a process wants done about an input, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends a command.
    #[must_use]
    pub fn send(mut self, step: Step) -> Self {
        self.0.push(Effect::Send(step));
        self
    }

    /// Sends each of these commands; they are under way at the same time.
    #[must_use]
    pub fn send_all(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.0.extend(steps.into_iter().map(Effect::Send));
        self
    }

    /// Wakes the process at a time.
    #[must_use]
    pub fn wake(mut self, name: &str, at: Timestamp) -> Self {
        self.0.push(Effect::Wake { name: name.to_owned(), at });
        self
    }

    /// Does not wake it any more.
    #[must_use]
    pub fn forget(mut self, name: &str) -> Self {
        self.0.push(Effect::Forget { name: name.to_owned() });
        self
    }

    /// Undoes every step that declares how, the last first; then the process hears
    /// [`Compensated`](super::ProcessInput::Compensated).
    #[must_use]
    pub fn compensate(mut self) -> Self {
        self.0.push(Effect::Compensate);
        self
    }

    /// Ends the instance.
    #[must_use]
    pub fn done(mut self) -> Self {
        self.0.push(Effect::Done);
        self
    }

    /// The effects, in order.
    pub fn into_vec(self) -> Vec<Effect> {
        self.0
    }
}
