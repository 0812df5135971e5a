//! How to read a body that was written with one schema as an event of another: settled once per pair of schemas,
//! so that reading an old event costs no more than reading a new one.

use super::shape::{FieldShape, RecordShape, Shape};
use crate::schema::SchemaError;

/// What to read, in the order of the bytes, and as what to hand it on.
#[derive(Debug)]
pub(crate) enum Plan {
    Null,
    Boolean,
    /// Both `int` and `long`: the bytes are the same, and the reader's type settles the range.
    Integer,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    /// By index as written: the symbol for the reader, where it has one.
    Enum(Vec<Option<String>>),
    List(Box<Plan>),
    Map(Box<Plan>),
    /// Written as a union of null, at this index, and one type.
    Optional {
        null: u8,
        some: Box<Plan>,
    },
    /// Written bare, read as something that may be absent.
    Present(Box<Plan>),
    Record(Vec<Step>),
}

/// One step through a record.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next bytes are this field.
    Read { field: String, plan: Plan },
    /// The next bytes are nothing that the reader has.
    Skip(Plan),
    /// The writer had no such field: it is read from its default.
    Default { field: String, bytes: Vec<u8>, plan: Plan },
}

impl Plan {
    /// How `reader` reads what `writer` wrote, by the specification's rules of schema resolution.
    pub(crate) fn record(writer: &RecordShape, reader: &RecordShape) -> Result<Self, SchemaError> {
        steps(writer, reader, "").map(Plan::Record)
    }
}

fn plan(writer: &Shape, reader: &Shape, at: &str) -> Result<Plan, SchemaError> {
    Ok(match (writer, reader) {
        (Shape::Optional { null, some }, Shape::Optional { some: reader, .. }) => {
            Plan::Optional { null: *null, some: Box::new(plan(some, reader, at)?) }
        }
        (Shape::Optional { .. }, _) => return unresolvable(at, "null was allowed and no longer is"),
        (Shape::Null, Shape::Optional { .. }) => Plan::Null,
        (_, Shape::Optional { some, .. }) => Plan::Present(Box::new(plan(writer, some, at)?)),
        (Shape::Null, Shape::Null) => Plan::Null,
        (Shape::Boolean, Shape::Boolean) => Plan::Boolean,
        (Shape::Int, Shape::Int | Shape::Long | Shape::Float | Shape::Double)
        | (Shape::Long, Shape::Long | Shape::Float | Shape::Double) => Plan::Integer,
        (Shape::Float, Shape::Float | Shape::Double) => Plan::Float,
        (Shape::Double, Shape::Double) => Plan::Double,
        (Shape::Bytes, Shape::Bytes) => Plan::Bytes,
        (Shape::Text, Shape::Text) => Plan::Text,
        (Shape::Fixed(written), Shape::Fixed(read)) if written == read => Plan::Fixed(*written),
        (Shape::Enum { symbols: written, .. }, Shape::Enum { symbols: read, default }) => {
            let known =
                |symbol: &String| if read.contains(symbol) { Some(symbol.clone()) } else { default.clone() };
            let symbols: Vec<_> = written.iter().map(known).collect();
            match written.iter().zip(&symbols).find(|(_, read)| read.is_none()) {
                Some((symbol, _)) => return unresolvable(at, &format!("symbol {symbol} is not known")),
                None => Plan::Enum(symbols),
            }
        }
        (Shape::List(written), Shape::List(read)) => Plan::List(Box::new(plan(written, read, at)?)),
        (Shape::Map(written), Shape::Map(read)) => Plan::Map(Box::new(plan(written, read, at)?)),
        (Shape::Record(written), Shape::Record(read)) => Plan::Record(steps(written, read, at)?),
        _ => return unresolvable(at, "the type is another"),
    })
}

fn steps(writer: &RecordShape, reader: &RecordShape, at: &str) -> Result<Vec<Step>, SchemaError> {
    let mut steps = Vec::with_capacity(reader.fields.len());
    for written in &writer.fields {
        steps.push(match reader.fields.iter().find(|read| source(writer, read) == Some(written)) {
            Some(read) => Step::Read {
                field: read.name.clone(),
                plan: plan(&written.shape, &read.shape, &path(at, &read.name))?,
            },
            None => Step::Skip(plan(&written.shape, &written.shape, at)?),
        });
    }
    for read in reader.fields.iter().filter(|read| source(writer, read).is_none()) {
        let at = path(at, &read.name);
        let Some(bytes) = read.default.clone() else {
            return unresolvable(&at, "it was not written and has no default");
        };
        steps.push(Step::Default {
            field: read.name.clone(),
            bytes,
            plan: plan(&read.shape, &read.shape, &at)?,
        });
    }
    Ok(steps)
}

/// The written field that a reader's field is read from: by its name, else by one of its aliases.
fn source<'a>(writer: &'a RecordShape, read: &FieldShape) -> Option<&'a FieldShape> {
    let named = |name: &String| writer.fields.iter().find(|field| field.name == *name);
    named(&read.name).or_else(|| read.aliases.iter().find_map(named))
}

fn path(at: &str, field: &str) -> String {
    if at.is_empty() { field.to_owned() } else { format!("{at}.{field}") }
}

fn unresolvable<T>(at: &str, reason: &str) -> Result<T, SchemaError> {
    Err(SchemaError::Unresolvable { at: at.to_owned(), reason: reason.to_owned() })
}
