//! Finds everything that is wrong with a body.

use jsonschema::Validator;
use kernel::{Command, Currency, Timestamp, Violations};
use serde_json::Value;

use super::fault::Fault;
use super::mend::mend;
use super::{BodyError, listed};

/// Faults that only the command's types show come one at a time; so many are looked for.
const MENDS_MAX: usize = 16;

/// A command's JSON Schema, ready to judge bodies.
#[derive(Debug)]
pub(crate) struct BodySchema {
    json: Value,
    validator: Validator,
}

/// A command's schema cannot judge bodies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is no JSON Schema.
    #[error("the body's JSON Schema is not valid: {0}")]
    Invalid(String),
    /// An object of it would ignore unknown fields.
    #[error("unknown fields would be ignored at {0:?}: add #[serde(deny_unknown_fields)]")]
    Open(String),
}

impl BodySchema {
    /// The schema of this command.
    pub(crate) fn of<C: Command>() -> Result<Self, SchemaError> {
        let json = schemars::schema_for!(C).to_value();
        if let Some(open) = open_object(&json, String::new()) {
            return Err(SchemaError::Open(open));
        }
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_format("uuid", |text: &str| text.parse::<uuid::Uuid>().is_ok())
            .with_format("date-time", |text: &str| text.parse::<Timestamp>().is_ok())
            .with_format("currency", |text: &str| text.parse::<Currency>().is_ok())
            .build(&json)
            .map_err(|error| SchemaError::Invalid(error.to_string()))?;
        Ok(Self { json, validator })
    }

    /// The schema's text as a value.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// What is wrong with a well-formed body that serde might take but the schema does not.
    pub(super) fn mismatch<C: Command>(&self, body: &[u8]) -> Option<BodyError> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let faults = self.faults(&value);
        (!faults.is_empty()).then(|| self.everything_wrong::<C>(body, value, faults))
    }

    /// Everything that is wrong with a body that serde refused with `error`.
    pub(super) fn explain<C: Command>(&self, body: &[u8], error: &serde_json::Error) -> BodyError {
        if body.is_empty() {
            return BodyError::Malformed("the body is empty".to_owned());
        }
        if !error.is_data() {
            return BodyError::Malformed(error.to_string());
        }
        match serde_json::from_slice(body) {
            Ok(value) => {
                let faults = self.faults(&value);
                self.everything_wrong::<C>(body, value, faults)
            }
            Err(error) => BodyError::Malformed(error.to_string()),
        }
    }

    fn faults(&self, body: &Value) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.validator.iter_errors(body).for_each(|error| Fault::of_schema(&error, &mut faults));
        faults
    }

    fn everything_wrong<C: Command>(
        &self,
        body: &[u8],
        mut value: Value,
        mut faults: Vec<Fault>,
    ) -> BodyError {
        let mends_max = faults.len() + MENDS_MAX;
        let mut mended = 0;
        let mut errors = Vec::new();
        while faults.len() <= mends_max {
            mend(&mut value, &self.json, &faults[mended..]);
            mended = faults.len();
            match serde_path_to_error::deserialize::<_, C>(&value) {
                Ok(command) => {
                    let mut violations = Violations::default();
                    command.validate(&mut violations);
                    errors = violations.into_errors();
                    errors.retain(|error| !faults.iter().any(|fault| fault.covers(&error.field)));
                    break;
                }
                Err(error) => {
                    let fault = Fault::of_types(error.path(), &error.inner().to_string());
                    if faults.contains(&fault) {
                        break;
                    }
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() {
            // What is wrong is gone once the text has become a value: a field that comes twice.
            let text = &mut serde_json::Deserializer::from_slice(body);
            if let Err(error) = serde_path_to_error::deserialize::<_, C>(text) {
                faults.push(Fault::of_types(error.path(), &error.inner().to_string()));
            }
        }
        let mistyped = faults.iter().any(Fault::mistyped);
        errors.extend(faults.iter().map(Fault::to_error));
        let errors = listed(errors);
        if mistyped { BodyError::Mistyped(errors) } else { BodyError::Invalid(errors) }
    }
}

/// Where an object with named fields lets others through.
fn open_object(shape: &Value, at: String) -> Option<String> {
    match shape {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                return Some(at);
            }
            members
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "examples" | "default" | "enum" | "const"))
                .find_map(|(name, inner)| open_object(inner, format!("{at}/{name}")))
        }
        Value::Array(shapes) => {
            shapes.iter().enumerate().find_map(|(index, inner)| open_object(inner, format!("{at}/{index}")))
        }
        _ => None,
    }
}
