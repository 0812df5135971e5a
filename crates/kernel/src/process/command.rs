//! Commands as a process sends them: what goes over the wire, since contexts do not know each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A command of some context, as `POST /v1/{context}/{name}` takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The context: `catalog`.
    pub context: String,
    /// The command: `reserve-stock`.
    pub name: String,
    /// Its body.
    pub body: Value,
}

impl Outgoing {
    /// This command of this context. The body is best made with [`json!`](crate::json).
    pub fn new(context: &str, name: &str, body: Value) -> Self {
        Self { context: context.to_owned(), name: name.to_owned(), body }
    }
}

/// A command that a process wants sent, under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Names the command among all that the instance ever sends; its once-only key is made from instance and name.
    pub name: String,
    /// The command.
    pub command: Outgoing,
    /// What undoes it.
    pub undo: Option<Undo>,
}

/// What undoes a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The command.
    pub command: Outgoing,
    /// Codes of refusals that say there is nothing to undo any more.
    pub settled_by: Vec<String>,
}

impl Step {
    /// Sends this command; nothing undoes it.
    pub fn new(name: impl Into<String>, command: Outgoing) -> Self {
        Self { name: name.into(), command, undo: None }
    }

    /// When the instance compensates, this command undoes it: where it was carried out, and where it was refused
    /// after an attempt whose outcome was not known, which may still arrive. It is repeated until it succeeds.
    #[must_use]
    pub fn undone_by(mut self, command: Outgoing) -> Self {
        self.undo = Some(Undo { command, settled_by: Vec::new() });
        self
    }

    /// A refusal of what undoes it with this code says that there is nothing to undo any more.
    #[must_use]
    pub fn or_settled_by(mut self, code: &str) -> Self {
        if let Some(undo) = &mut self.undo {
            undo.settled_by.push(code.to_owned());
        }
        self
    }
}
