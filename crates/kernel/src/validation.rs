//! Whether a well-formed command body makes sense by itself, before any state is looked at.

use serde::Serialize;

/// One thing wrong with one field of a command's body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct FieldError {
    /// The field, with dots and indices for what lies inside: `items[2].quantity`.
    pub field: String,
    /// The stable name of what is wrong, in kebab-case: `not-positive`.
    pub code: &'static str,
}

/// Everything that is wrong with a command's body, gathered in one go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<FieldError>);

impl Violations {
    /// Notes that `field` is wrong.
    pub fn add(&mut self, field: impl Into<String>, code: &'static str) {
        self.0.push(FieldError { field: field.into(), code });
    }

    /// Notes that `field` is wrong unless `holds`.
    pub fn require(&mut self, holds: bool, field: impl Into<String>, code: &'static str) {
        if !holds {
            self.add(field, code);
        }
    }

    /// A text of one line: not blank, at most `longest` characters, no control characters.
    pub fn line(&mut self, field: &str, text: &str, longest: usize) {
        if text.trim().is_empty() {
            self.add(field, "empty");
        }
        self.length(field, text, longest);
        self.require(!text.chars().any(char::is_control), field, "control-character");
    }

    /// A longer text: may be empty and have line breaks and tabs, but no other control characters.
    pub fn prose(&mut self, field: &str, text: &str, longest: usize) {
        self.length(field, text, longest);
        let forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
        self.require(!text.chars().any(forbidden), field, "control-character");
    }

    /// A number that must be above 0 and at most `largest`.
    pub fn positive(&mut self, field: &str, number: i64, largest: i64) {
        self.require(number > 0, field, "not-positive");
        self.require(number <= largest, field, "too-large");
    }

    fn length(&mut self, field: &str, text: &str, longest: usize) {
        self.require(text.chars().count() <= longest, field, "too-long");
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.0
    }

    /// What is wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0
    }
}
