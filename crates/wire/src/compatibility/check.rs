//! Whether one schema's reader reads what another's writer wrote: all of it, not some.

use std::collections::HashMap;
use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, InnerDecimalSchema, RecordField, RecordSchema, UuidSchema};

use super::Rules;

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatible {
    /// The path of field names; empty for the schema itself.
    pub at: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Incompatible {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() {
            out.write_str(&self.reason)
        } else {
            write!(out, "{}: {}", self.at, self.reason)
        }
    }
}

/// Whether a reader with the first schema reads all that a writer with the second can write.
pub(super) fn can_read(reader: &Schema, writer: &Schema, rules: Rules) -> Result<(), Incompatible> {
    let mut check = Check {
        rules,
        readers: Named::default(),
        writers: Named::default(),
        open: Vec::new(),
        path: Vec::new(),
        steps: 0,
    };
    check.readers.collect(reader);
    check.writers.collect(writer);
    check.fits(reader, writer)
}

/// Comparing recursive unions can branch without end; no schema of real use comes near.
const MOST_STEPS: usize = 100_000;

/// The named types of a schema, by full name.
#[derive(Default)]
struct Named<'s>(HashMap<String, &'s Schema>);

impl<'s> Named<'s> {
    fn collect(&mut self, schema: &'s Schema) {
        if let (Some(name), false) = (schema.name(), matches!(schema, Schema::Ref { .. })) {
            self.0.insert(name.fullname(None), schema);
        }
        match schema {
            Schema::Array(array) => self.collect(&array.items),
            Schema::Map(map) => self.collect(&map.types),
            Schema::Union(union) => union.variants().iter().for_each(|variant| self.collect(variant)),
            Schema::Record(record) => record.fields.iter().for_each(|field| self.collect(&field.schema)),
            _ => {}
        }
    }

    fn resolve(&self, schema: &'s Schema) -> &'s Schema {
        match schema {
            Schema::Ref { name } => self.0.get(&name.fullname(None)).copied().unwrap_or(schema),
            _ => schema,
        }
    }
}

struct Check<'s> {
    rules: Rules,
    readers: Named<'s>,
    writers: Named<'s>,
    /// The pairs of records that are being compared: inside of itself, a pair fits if it fits otherwise.
    open: Vec<(String, String)>,
    path: Vec<String>,
    steps: usize,
}

impl<'s> Check<'s> {
    fn fits(&mut self, reader: &'s Schema, writer: &'s Schema) -> Result<(), Incompatible> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return self.refuse("too intricate to compare");
        }
        let (reader, writer) = (self.readers.resolve(reader), self.writers.resolve(writer));
        match (reader, writer) {
            (_, Schema::Union(writer)) => {
                writer.variants().iter().try_for_each(|variant| self.fits(reader, variant))
            }
            (Schema::Union(reader), _) => {
                if reader.variants().iter().any(|variant| self.attempt(variant, writer)) {
                    return Ok(());
                }
                self.refuse(&format!("no variant of the reader's union is a {}", kind(writer)))
            }
            (Schema::Record(reader), Schema::Record(writer)) => self.records(reader, writer),
            (Schema::Enum(reader), Schema::Enum(writer)) => self.enums(reader, writer),
            (Schema::Array(reader), Schema::Array(writer)) => self.fits(&reader.items, &writer.items),
            (Schema::Map(reader), Schema::Map(writer)) => self.fits(&reader.types, &writer.types),
            _ => self.plain(reader, writer),
        }
    }

    /// One of several ways; failing leaves no trace.
    fn attempt(&mut self, reader: &'s Schema, writer: &'s Schema) -> bool {
        let (open, path) = (self.open.len(), self.path.len());
        let fits = self.fits(reader, writer).is_ok();
        self.open.truncate(open);
        self.path.truncate(path);
        fits
    }

    fn records(&mut self, reader: &'s RecordSchema, writer: &'s RecordSchema) -> Result<(), Incompatible> {
        self.names(&reader.name, reader.aliases.as_ref(), &writer.name)?;
        let pair = (reader.name.fullname(None), writer.name.fullname(None));
        if self.open.contains(&pair) {
            return Ok(());
        }
        self.open.push(pair);
        for field in &reader.fields {
            self.path.push(field.name.clone());
            match source(writer, field) {
                Some(written) => self.fits(&field.schema, &written.schema)?,
                None if field.default.is_some() => {}
                None => return self.refuse("the writer does not have it, and it has no default"),
            }
            self.path.pop();
        }
        self.open.pop();
        Ok(())
    }

    fn enums(&self, reader: &EnumSchema, writer: &EnumSchema) -> Result<(), Incompatible> {
        self.names(&reader.name, reader.aliases.as_ref(), &writer.name)?;
        let unknown = writer.symbols.iter().find(|symbol| !reader.symbols.contains(symbol));
        match unknown {
            Some(symbol) if reader.default.is_none() => {
                self.refuse(&format!("the reader does not know the symbol {symbol}"))
            }
            _ => Ok(()),
        }
    }

    fn plain(&self, reader: &Schema, writer: &Schema) -> Result<(), Incompatible> {
        if self.rules == Rules::Events {
            return self.same(reader, writer);
        }
        use Base::{Bytes, Double, Fixed, Float, Int, Long, String};
        match (base(reader), base(writer)) {
            (Fixed(reader), Fixed(writer)) => {
                self.names(&reader.name, reader.aliases.as_ref(), &writer.name)?;
                if reader.size == writer.size { Ok(()) } else { self.refuse("the size is another") }
            }
            (Long | Float | Double, Int)
            | (Float | Double, Long)
            | (Double, Float)
            | (Bytes, String)
            | (String, Bytes) => self.decimals(reader, writer),
            (reader_base, writer_base) if reader_base.is(&writer_base) => self.decimals(reader, writer),
            _ => self.refuse(&format!("a {} is read as a {}", kind(writer), kind(reader))),
        }
    }

    fn decimals(&self, reader: &Schema, writer: &Schema) -> Result<(), Incompatible> {
        match (reader, writer) {
            (Schema::Decimal(reader), Schema::Decimal(writer))
                if (reader.precision, reader.scale) != (writer.precision, writer.scale) =>
            {
                self.refuse("the decimal's precision or scale is another")
            }
            _ => Ok(()),
        }
    }

    /// The same type in every respect, logical type included.
    fn same(&self, reader: &Schema, writer: &Schema) -> Result<(), Incompatible> {
        if let (Schema::Fixed(reader), Schema::Fixed(writer)) = (reader, writer) {
            self.names(&reader.name, None, &writer.name)?;
        }
        // Equality is that of the canonical form, which knows no logical types; the kind of schema does.
        if kind(reader) == kind(writer) && reader == writer {
            return Ok(());
        }
        self.refuse(&format!("a {} is read as a {}", kind(writer), kind(reader)))
    }

    fn names(
        &self,
        reader: &apache_avro::schema::Name,
        aliases: Option<&Vec<apache_avro::schema::Alias>>,
        writer: &apache_avro::schema::Name,
    ) -> Result<(), Incompatible> {
        let written = writer.fullname(None);
        let same = match self.rules {
            Rules::Events => reader.fullname(None) == written,
            Rules::Avro => {
                reader.name() == writer.name()
                    || aliases
                        .is_some_and(|aliases| aliases.iter().any(|alias| alias.fullname(None) == written))
            }
        };
        if same { Ok(()) } else { self.refuse(&format!("{written} is read as {}", reader.fullname(None))) }
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, Incompatible> {
        Err(Incompatible { at: self.path.join("."), reason: reason.to_owned() })
    }
}

/// The written field that a reader's field is read from: by its name, else by one of its aliases.
fn source<'a>(writer: &'a RecordSchema, field: &RecordField) -> Option<&'a RecordField> {
    let named = |name: &String| writer.fields.iter().find(|written| written.name == *name);
    named(&field.name).or_else(|| field.aliases.iter().find_map(named))
}

/// What is written, whatever it means.
enum Base<'a> {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(&'a apache_avro::schema::FixedSchema),
    Other,
}

impl Base<'_> {
    fn is(&self, other: &Self) -> bool {
        !matches!(self, Self::Other) && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn base(schema: &Schema) -> Base<'_> {
    match schema {
        Schema::Null => Base::Null,
        Schema::Boolean => Base::Boolean,
        Schema::Int | Schema::Date | Schema::TimeMillis => Base::Int,
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => Base::Long,
        Schema::Float => Base::Float,
        Schema::Double => Base::Double,
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => Base::Bytes,
        Schema::String | Schema::Uuid(UuidSchema::String) => Base::String,
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
            Base::Fixed(fixed)
        }
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Bytes => Base::Bytes,
            InnerDecimalSchema::Fixed(fixed) => Base::Fixed(fixed),
        },
        _ => Base::Other,
    }
}

/// The name of a kind of schema, logical types told apart.
fn kind(schema: &Schema) -> &'static str {
    match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Int => "int",
        Schema::Long => "long",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::Bytes => "bytes",
        Schema::String => "string",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        Schema::Union(_) => "union",
        Schema::Record(_) => "record",
        Schema::Enum(_) => "enum",
        Schema::Fixed(_) => "fixed",
        Schema::Decimal(_) => "decimal",
        Schema::BigDecimal => "big-decimal",
        Schema::Uuid(_) => "uuid",
        Schema::Date => "date",
        Schema::TimeMillis => "time-millis",
        Schema::TimeMicros => "time-micros",
        Schema::TimestampMillis => "timestamp-millis",
        Schema::TimestampMicros => "timestamp-micros",
        Schema::TimestampNanos => "timestamp-nanos",
        Schema::LocalTimestampMillis => "local-timestamp-millis",
        Schema::LocalTimestampMicros => "local-timestamp-micros",
        Schema::LocalTimestampNanos => "local-timestamp-nanos",
        Schema::Duration(_) => "duration",
        Schema::Ref { .. } => "reference",
    }
}
