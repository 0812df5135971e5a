//! Bodies made from a schema alone, by another implementation of Avro.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::UuidSchema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use uuid::Uuid;

/// How many bodies are made of each schema: with and without what is optional, with lists empty and full, with
/// one symbol and another.
pub(crate) const SEEDS: u64 = 24;

/// A body of the schema in which no two fields say the same.
pub(crate) fn body(json: &str, seed: u64) -> Vec<u8> {
    let schema = Schema::parse_str(json).unwrap();
    let mut samples = Samples { seed, made: 0, named: HashMap::new() };
    let value = samples.value(&schema, "");
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value).unwrap()
}

/// What a body says.
pub(crate) fn read(json: &str, body: &[u8]) -> Value {
    let schema = Schema::parse_str(json).unwrap();
    let mut rest = body;
    let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut rest).unwrap();
    assert!(rest.is_empty(), "bytes are left over");
    value
}

struct Samples<'s> {
    seed: u64,
    made: u64,
    named: HashMap<String, &'s Schema>,
}

impl<'s> Samples<'s> {
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made + self.seed
    }

    fn value(&mut self, schema: &'s Schema, field: &str) -> Value {
        if let (Some(name), false) = (schema.name(), matches!(schema, Schema::Ref { .. })) {
            self.named.insert(name.fullname(None), schema);
        }
        let number = self.next();
        let small = i32::try_from(number).unwrap();
        match schema {
            Schema::Null => Value::Null,
            Schema::Boolean => Value::Boolean(number.is_multiple_of(2)),
            Schema::Int => Value::Int(small),
            Schema::Date => Value::Date(small),
            Schema::Long => Value::Long(small.into()),
            Schema::TimestampMicros => Value::TimestampMicros(1_790_000_000_000_001 + i64::from(small)),
            Schema::Float => Value::Float(f32::from(u8::try_from(number % 200).unwrap()) + 0.5),
            Schema::Double => Value::Double(f64::from(small) + 0.25),
            Schema::Bytes => Value::Bytes(number.to_be_bytes().into()),
            Schema::String => Value::String(text(field, number)),
            Schema::Uuid(UuidSchema::String) => Value::Uuid(Uuid::from_u128(u128::from(number) << 64 | 7)),
            Schema::Array(array) => {
                let count = self.seed % 3;
                Value::Array((0..count).map(|_| self.value(&array.items, field)).collect())
            }
            Schema::Map(map) => {
                let count = self.seed % 3;
                let entry = |key| (format!("key-{key}"), self.value(&map.types, field));
                Value::Map((0..count).map(entry).collect())
            }
            Schema::Union(union) => {
                let variants = union.variants();
                let chosen = usize::try_from(number).unwrap() % variants.len();
                Value::Union(u32::try_from(chosen).unwrap(), Box::new(self.value(&variants[chosen], field)))
            }
            Schema::Enum(symbols) => {
                let chosen = usize::try_from(number).unwrap() % symbols.symbols.len();
                Value::Enum(u32::try_from(chosen).unwrap(), symbols.symbols[chosen].clone())
            }
            Schema::Record(record) => {
                let fields = record.fields.iter();
                let named = |field: &'s apache_avro::schema::RecordField| {
                    (field.name.clone(), self.value(&field.schema, &field.name))
                };
                Value::Record(fields.map(named).collect())
            }
            Schema::Ref { name } => self.value(self.named[&name.fullname(None)], field),
            other => panic!("no sample of {other:?}: say here what one looks like"),
        }
    }
}

/// A text as the field's Rust type takes it.
fn text(field: &str, number: u64) -> String {
    match field {
        "currency" => ["EUR", "JPY", "KWD"][usize::try_from(number % 3).unwrap()].to_owned(),
        _ => format!("{field} nº {number}"),
    }
}
