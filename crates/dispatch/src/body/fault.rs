//! One thing that is wrong with a body, and the stable code it has.

use std::fmt::Write;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use kernel::FieldError;
use serde_path_to_error::Segment;

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

/// What is wrong where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) path: Vec<Step>,
    pub(super) code: &'static str,
}

pub(super) const MISSING: &str = "missing";
pub(super) const UNKNOWN_FIELD: &str = "unknown-field";
pub(super) const WRONG_TYPE: &str = "wrong-type";

impl Fault {
    pub(super) fn mistyped(&self) -> bool {
        self.code == WRONG_TYPE
    }

    pub(super) fn to_error(&self) -> FieldError {
        FieldError { field: field_name(&self.path), code: self.code }
    }

    /// Whether a field of this name is the faulty one or lies inside it.
    pub(super) fn covers(&self, field: &str) -> bool {
        let own = field_name(&self.path);
        field
            .strip_prefix(own.as_str())
            .is_some_and(|rest| own.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
    }

    /// What the schema has to say.
    pub(super) fn of_schema(error: &ValidationError<'_>, faults: &mut Vec<Self>) {
        let path: Vec<Step> = error
            .instance_path()
            .iter()
            .map(|segment| match segment {
                LocationSegment::Property(name) => Step::Field(name.into_owned()),
                LocationSegment::Index(index) => Step::Index(index),
            })
            .collect();
        match error.kind() {
            Kind::Required { property } => {
                let field = property.as_str().unwrap_or_default().to_owned();
                faults.push(Self { path: inside(&path, field), code: MISSING });
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let unknown = unexpected.iter().map(|field| inside(&path, field.clone()));
                faults.extend(unknown.map(|path| Self { path, code: UNKNOWN_FIELD }));
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                Self::of_nearest_branch(path, context, faults);
            }
            kind => faults.extend(code_of(kind).map(|code| Self { path, code })),
        }
    }

    /// Of several shapes that a value may have, explains the one that it comes nearest to.
    fn of_nearest_branch(
        path: Vec<Step>,
        branches: &[Vec<ValidationError<'static>>],
        faults: &mut Vec<Self>,
    ) {
        let nearest = branches
            .iter()
            .map(|errors| {
                let mut found = Vec::new();
                errors.iter().for_each(|error| Self::of_schema(error, &mut found));
                found
            })
            .filter(|found| !found.iter().any(|fault| fault.path == path && fault.mistyped()))
            .min_by_key(Vec::len);
        match nearest {
            Some(found) => faults.extend(found),
            None => faults.push(Self { path, code: WRONG_TYPE }),
        }
    }

    /// What the schema cannot say and the command's own types do.
    pub(super) fn of_types(path: &serde_path_to_error::Path, message: &str) -> Self {
        let mut path: Vec<Step> = path
            .iter()
            .filter_map(|segment| match segment {
                Segment::Seq { index } => Some(Step::Index(*index)),
                Segment::Map { key } => Some(Step::Field(key.clone())),
                Segment::Enum { .. } | Segment::Unknown => None,
            })
            .collect();
        let quoted = || message.split('`').nth(1).unwrap_or_default().to_owned();
        let code = if message.starts_with("missing field") {
            path.push(Step::Field(quoted()));
            MISSING
        } else if message.starts_with("unknown field") {
            // The path already ends at the unknown field where the format tells its name.
            if path.last() != Some(&Step::Field(quoted())) {
                path.push(Step::Field(quoted()));
            }
            UNKNOWN_FIELD
        } else if message.starts_with("duplicate field") {
            if path.last() != Some(&Step::Field(quoted())) {
                path.push(Step::Field(quoted()));
            }
            "duplicate-field"
        } else if message.starts_with("invalid type") {
            WRONG_TYPE
        } else if message.starts_with("invalid value: integer") || message.starts_with("number out of range")
        {
            "out-of-range"
        } else {
            "invalid"
        };
        Self { path, code }
    }
}

/// How long and how large values may be is said by the command itself, with codes of its own: what the schema says
/// about that is for readers.
fn code_of(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Type { .. } => Some(WRONG_TYPE),
        Kind::Format { format } => Some(match format.as_str() {
            "uuid" => "not-a-uuid",
            "date-time" => "not-a-time",
            "date" => "not-a-date",
            "email" => "not-an-email",
            "currency" => "unknown-currency",
            _ => "bad-format",
        }),
        Kind::Enum { .. } | Kind::Constant { .. } => Some("unknown-value"),
        Kind::FalseSchema => Some(UNKNOWN_FIELD),
        _ => None,
    }
}

fn inside(path: &[Step], field: String) -> Vec<Step> {
    let mut path = path.to_vec();
    path.push(Step::Field(field));
    path
}

/// `items[2].quantity`.
fn field_name(path: &[Step]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            Step::Field(field) => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(field);
            }
            Step::Index(index) => {
                let _ = write!(name, "[{index}]");
            }
        }
    }
    name
}
