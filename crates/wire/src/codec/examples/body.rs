//! The body of a made-up event.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, UuidSchema};

use super::super::writing::{put_bytes, put_count, put_integer};

/// Ids that are used in turn for everything that is one.
const IDS: u64 = 3;
/// Texts and numbers that are used in turn.
const FEW: u64 = 3;
const NUMBERS: u64 = 20;
/// 2026-09-21, in microseconds and in days since 1970.
pub(super) const TIME: i64 = 1_790_000_000_000_000;
const DAY: i64 = 20_717;
const HOUR: i64 = 3_600_000_000;

/// What texts are like whose names tell nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Words,
    Ids,
    Dates,
    Times,
}

impl Flavour {
    /// In the order in which they are tried: a type may refuse a text that is not one of its own.
    pub(super) const ALL: [Self; 4] = [Self::Words, Self::Ids, Self::Dates, Self::Times];
}

/// A number from a number and a text, which must stay what it is for all time.
pub(super) fn scatter(seed: u64, text: &str) -> u64 {
    let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// None where the schema has what events do not use.
pub(super) fn of(schema: &Schema, seed: u64, flavour: Flavour) -> Option<Vec<u8>> {
    let mut maker = Maker { flavour, named: HashMap::new(), body: Vec::new() };
    maker.learn(schema);
    maker.value(schema, "", seed)?;
    Some(maker.body)
}

struct Maker<'a> {
    flavour: Flavour,
    /// What is referred to by its name.
    named: HashMap<&'a Name, &'a Schema>,
    body: Vec<u8>,
}

impl<'a> Maker<'a> {
    fn learn(&mut self, schema: &'a Schema) {
        match schema {
            Schema::Fixed(fixed) => drop(self.named.insert(&fixed.name, schema)),
            Schema::Enum(symbols) => drop(self.named.insert(&symbols.name, schema)),
            Schema::Array(list) => self.learn(&list.items),
            Schema::Map(map) => self.learn(&map.types),
            Schema::Union(union) => union.variants().iter().for_each(|variant| self.learn(variant)),
            Schema::Record(record) => {
                self.named.insert(&record.name, schema);
                record.fields.iter().for_each(|field| self.learn(&field.schema));
            }
            _ => {}
        }
    }

    fn value(&mut self, schema: &'a Schema, name: &str, seed: u64) -> Option<()> {
        match schema {
            Schema::Null => {}
            Schema::Boolean => self.body.push(u8::from(seed.is_multiple_of(2))),
            Schema::Int | Schema::Long | Schema::TimeMillis | Schema::TimeMicros => {
                self.integer(1 + few(seed, NUMBERS));
            }
            Schema::Date => self.integer(DAY + few(seed, FEW) + if is_end(name) { 3 } else { 0 }),
            Schema::TimestampMicros | Schema::LocalTimestampMicros => self.integer(time(name, seed)),
            Schema::TimestampMillis | Schema::LocalTimestampMillis => self.integer(time(name, seed) / 1_000),
            Schema::TimestampNanos | Schema::LocalTimestampNanos => self.integer(time(name, seed) * 1_000),
            Schema::Float => self.body.extend_from_slice(&1.5_f32.to_le_bytes()),
            Schema::Double => self.body.extend_from_slice(&2.5_f64.to_le_bytes()),
            Schema::Bytes => put_bytes(&seed.to_be_bytes(), &mut self.body),
            Schema::String => {
                let text = self.text(name, seed);
                put_bytes(text.as_bytes(), &mut self.body);
            }
            Schema::Uuid(UuidSchema::String) => put_bytes(id(seed).as_bytes(), &mut self.body),
            Schema::Fixed(fixed) => self.body.extend(std::iter::repeat_n(7, fixed.size)),
            Schema::Enum(symbols) => self.integer(few(seed, symbols.symbols.len() as u64)),
            Schema::Array(list) => self.block(seed, |maker, number| {
                maker.value(&list.items, name, scatter(seed.wrapping_add(number), "item"))
            })?,
            Schema::Map(map) => self.block(seed, |maker, number| {
                put_bytes(format!("key {number}").as_bytes(), &mut maker.body);
                maker.value(&map.types, name, scatter(seed.wrapping_add(number), "item"))
            })?,
            Schema::Union(union) => self.optional(union.variants(), name, seed)?,
            Schema::Record(record) => {
                for field in &record.fields {
                    self.value(&field.schema, &field.name, scatter(seed, &field.name))?;
                }
            }
            Schema::Ref { name: named } => {
                let known = *self.named.get(named)?;
                self.value(known, name, seed)?;
            }
            Schema::Decimal(_) | Schema::BigDecimal | Schema::Uuid(_) | Schema::Duration(_) => return None,
        }
        Some(())
    }

    /// One in four is null.
    fn optional(&mut self, variants: &'a [Schema], name: &str, seed: u64) -> Option<()> {
        let is_null = seed.is_multiple_of(4);
        let index = variants.iter().position(|variant| matches!(variant, Schema::Null) == is_null)?;
        put_count(index, &mut self.body);
        self.value(&variants[index], name, scatter(seed, "some"))
    }

    fn block(&mut self, seed: u64, mut item: impl FnMut(&mut Self, u64) -> Option<()>) -> Option<()> {
        let count = 1 + few(seed, 2);
        self.integer(count);
        (0..count.unsigned_abs()).try_for_each(|number| item(self, number))?;
        self.integer(0);
        Some(())
    }

    fn text(&self, name: &str, seed: u64) -> String {
        let pick = few(seed, FEW);
        if name == "currency" {
            return "EUR".to_owned();
        }
        if name.contains("email") {
            return format!("someone-{pick}@example.org");
        }
        match self.flavour {
            Flavour::Words => format!("word {pick}"),
            Flavour::Ids => id(seed),
            Flavour::Dates => format!("2026-09-{:02}", 10 + pick),
            Flavour::Times => format!("2026-09-{:02}T10:00:00Z", 10 + pick),
        }
    }

    fn integer(&mut self, number: i64) {
        put_integer(number, &mut self.body);
    }
}

fn time(name: &str, seed: u64) -> i64 {
    TIME + HOUR * (few(seed, 48) + if is_end(name) { 48 } else { 0 })
}

/// What ends does so after it began.
fn is_end(name: &str) -> bool {
    name == "to" || name == "until" || name.starts_with("end") || name.starts_with("last")
}

/// Less than `most`, from other bits than those that choose between two.
fn few(seed: u64, most: u64) -> i64 {
    i64::try_from((seed >> 8) % most.max(1)).unwrap_or_default()
}

fn id(seed: u64) -> String {
    format!("00000000-0000-7000-8000-00000000000{}", 1 + (seed >> 8) % IDS)
}
