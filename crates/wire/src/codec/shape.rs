//! A schema as the codec walks it: references resolved, and only what events use.

use apache_avro::Schema;
use apache_avro::schema::{Name, UuidSchema};
use serde_json::Value;

use super::writing::default_bytes;
use crate::schema::SchemaError;

/// One type. A tree, since events are not recursive.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    Enum {
        symbols: Vec<String>,
        default: Option<String>,
    },
    List(Box<Shape>),
    Map(Box<Shape>),
    /// A union of null and one other type; null stands at this index.
    Optional {
        null: u8,
        some: Box<Shape>,
    },
    Record(RecordShape),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RecordShape {
    pub(crate) name: String,
    pub(crate) fields: Vec<FieldShape>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldShape {
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) shape: Shape,
    /// The default as it would stand in a body.
    pub(crate) default: Option<Vec<u8>>,
}

/// Deeper schemas are refused, so that walking one cannot exhaust the stack.
const DEEPEST: usize = 32;

/// Larger schemas are refused, types and bytes of defaults counted together: a type that is used twice by a type
/// that is used twice, and so on, is a short text and a tree without end.
const MOST_PARTS: usize = 100_000;

impl RecordShape {
    /// The shape of an event's schema.
    pub(crate) fn of(schema: &Schema) -> Result<Self, SchemaError> {
        let mut builder = Builder { named: Vec::new(), open: Vec::new(), parts: 0 };
        match builder.shape(schema)? {
            Shape::Record(record) => Ok(record),
            _ => Err(SchemaError::NotARecord),
        }
    }
}

/// Collects named types on its way; `open` are those that it is inside of.
struct Builder {
    named: Vec<(Name, Shape)>,
    open: Vec<Name>,
    parts: usize,
}

impl Builder {
    fn shape(&mut self, schema: &Schema) -> Result<Shape, SchemaError> {
        self.grow(1)?;
        Ok(match schema {
            Schema::Null => Shape::Null,
            Schema::Boolean => Shape::Boolean,
            Schema::Int | Schema::Date | Schema::TimeMillis => Shape::Int,
            Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => Shape::Long,
            Schema::Float => Shape::Float,
            Schema::Double => Shape::Double,
            Schema::Bytes => Shape::Bytes,
            Schema::String | Schema::Uuid(UuidSchema::String) => Shape::Text,
            Schema::Array(array) => Shape::List(self.item(&array.items)?),
            Schema::Map(map) => Shape::Map(self.inner(&map.types)?),
            Schema::Union(union) => self.optional(union.variants())?,
            Schema::Fixed(fixed) => self.named(&fixed.name, Shape::Fixed(fixed.size)),
            Schema::Enum(symbols) => {
                let shape =
                    Shape::Enum { symbols: symbols.symbols.clone(), default: symbols.default.clone() };
                self.named(&symbols.name, shape)
            }
            Schema::Record(record) => self.record(record)?,
            Schema::Ref { name } => self.reference(name)?,
            Schema::Decimal(_) | Schema::BigDecimal | Schema::Uuid(_) | Schema::Duration(_) => {
                return Err(unsupported("a decimal, a duration or a uuid that is not a string"));
            }
        })
    }

    fn grow(&mut self, parts: usize) -> Result<(), SchemaError> {
        self.parts += parts;
        if self.parts > MOST_PARTS { Err(unsupported("a schema of so many parts")) } else { Ok(()) }
    }

    fn inner(&mut self, schema: &Schema) -> Result<Box<Shape>, SchemaError> {
        self.shape(schema).map(Box::new)
    }

    /// Items that take no bytes would let a few bytes claim any number of them.
    fn item(&mut self, schema: &Schema) -> Result<Box<Shape>, SchemaError> {
        let shape = self.inner(schema)?;
        if takes_no_bytes(&shape) { Err(unsupported("a list of what takes no bytes")) } else { Ok(shape) }
    }

    fn optional(&mut self, variants: &[Schema]) -> Result<Shape, SchemaError> {
        let (null, some) = match variants {
            [Schema::Null, some] => (0, some),
            [some, Schema::Null] => (1, some),
            _ => return Err(unsupported("a union of other than null and one type")),
        };
        Ok(Shape::Optional { null, some: self.inner(some)? })
    }

    fn named(&mut self, name: &Name, shape: Shape) -> Shape {
        self.named.push((name.clone(), shape.clone()));
        shape
    }

    fn record(&mut self, record: &apache_avro::schema::RecordSchema) -> Result<Shape, SchemaError> {
        if self.open.len() >= DEEPEST {
            return Err(unsupported("a schema nested so deep"));
        }
        self.open.push(record.name.clone());
        let mut fields = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let shape = self.shape(&field.schema)?;
            let default = |value: &Value| {
                default_bytes(&shape, value).ok_or_else(|| SchemaError::Unresolvable {
                    at: field.name.clone(),
                    reason: "the default is no value of the field's type".to_owned(),
                })
            };
            let default = field.default.as_ref().map(default).transpose()?;
            self.grow(default.as_ref().map_or(0, Vec::len))?;
            fields.push(FieldShape {
                name: field.name.clone(),
                aliases: field.aliases.clone(),
                shape,
                default,
            });
        }
        self.open.pop();
        let shape = Shape::Record(RecordShape { name: record.name.fullname(None), fields });
        Ok(self.named(&record.name, shape))
    }

    fn reference(&mut self, name: &Name) -> Result<Shape, SchemaError> {
        if self.open.contains(name) {
            return Err(unsupported("a recursive schema"));
        }
        let at = self.named.iter().position(|(known, _)| known == name);
        let at = at.ok_or_else(|| SchemaError::Invalid(format!("{} is not defined", name.fullname(None))))?;
        self.grow(parts(&self.named[at].1))?;
        Ok(self.named[at].1.clone())
    }
}

fn parts(shape: &Shape) -> usize {
    1 + match shape {
        Shape::List(inner) | Shape::Map(inner) | Shape::Optional { some: inner, .. } => parts(inner),
        Shape::Record(record) => record.fields.iter().map(field_parts).sum(),
        _ => 0,
    }
}

fn field_parts(field: &FieldShape) -> usize {
    parts(&field.shape) + field.default.as_ref().map_or(0, Vec::len)
}

fn takes_no_bytes(shape: &Shape) -> bool {
    match shape {
        Shape::Null | Shape::Fixed(0) => true,
        Shape::Record(record) => record.fields.iter().all(|field| takes_no_bytes(&field.shape)),
        _ => false,
    }
}

fn unsupported(what: &str) -> SchemaError {
    SchemaError::Unsupported(what.to_owned())
}
