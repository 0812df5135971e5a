//! A command's body: read at full speed when it is right, explained in full when it is wrong.
//!
//! Right bodies go straight into the command's struct. Only a body that does not fit is looked at again, with the
//! command's JSON Schema, to find everything that is wrong with it and not just the first thing.

mod explain;
mod fault;
mod mend;

use kernel::{Command, FieldError, Violations};

pub(crate) use explain::BodySchema;
pub use explain::SchemaError;

/// Errors listed in one answer, at most: a body of a million unknown fields gets no answer of a million lines.
const ERRORS_MAX: usize = 100;

/// Why a body is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is no JSON.
    #[error("the body is not well-formed JSON: {0}")]
    Malformed(String),
    /// It is JSON, but something in it has the wrong type.
    #[error("the body has values of the wrong type")]
    Mistyped(Vec<FieldError>),
    /// It has the right types, but does not make sense.
    #[error("the body is not valid")]
    Invalid(Vec<FieldError>),
}

/// Reads a body as the command and checks all that can be checked without a state.
pub(crate) fn read<C: Command>(schema: &BodySchema, body: &[u8]) -> Result<C, BodyError> {
    // serde also reads structs from arrays, which the schema forbids. Only a body with a bracket can be one.
    if body.contains(&b'[')
        && let Some(error) = schema.mismatch::<C>(body)
    {
        return Err(error);
    }
    let command: C = serde_json::from_slice(body).map_err(|error| schema.explain::<C>(body, &error))?;
    let mut violations = Violations::default();
    command.validate(&mut violations);
    if violations.is_empty() {
        return Ok(command);
    }
    Err(BodyError::Invalid(listed(violations.into_errors())))
}

/// Sorted by field, each once, and not too many.
fn listed(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.sort();
    errors.dedup();
    errors.truncate(ERRORS_MAX);
    errors
}

#[cfg(test)]
mod tests;
