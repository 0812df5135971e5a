//! Rust values to Avro bodies by a [`Shape`], without a tree of values between.

mod composite;
mod defaults;

use std::fmt;

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::shape::Shape;
use composite::{Fields, Items};

pub(crate) use defaults::default_bytes;

/// Why a value does not fit its shape. Says where, and not which value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteError(String);

impl fmt::Display for WriteError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

impl serde::ser::Error for WriteError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn mismatch<T>(what: &str) -> Result<T, WriteError> {
    Err(WriteError(format!("the schema has no {what} here")))
}

/// Writes a value behind what `out` holds.
pub(crate) fn write<T: Serialize + ?Sized>(
    shape: &Shape,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    value.serialize(Writer { shape, out })
}

pub(super) fn put_integer(number: i64, out: &mut Vec<u8>) {
    let mut bits = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while bits >= 0x80 {
        out.push(bits.to_le_bytes()[0] | 0x80);
        bits >>= 7;
    }
    out.push(bits.to_le_bytes()[0]);
}

pub(super) fn put_count(count: usize, out: &mut Vec<u8>) {
    // No collection in memory is longer than half of the address space.
    put_integer(i64::try_from(count).unwrap_or(i64::MAX), out);
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// One value, about to be written.
struct Writer<'a> {
    shape: &'a Shape,
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// The same without the optional around it: a value that is there.
    fn present(self) -> Self {
        match self.shape {
            Shape::Optional { null, some } => {
                put_integer(i64::from(1 - *null), self.out);
                Self { shape: some, out: self.out }
            }
            _ => self,
        }
    }

    fn integer(self, number: i64) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Int if i32::try_from(number).is_err() => mismatch("integer of 64 bits"),
            Shape::Int | Shape::Long => {
                put_integer(number, this.out);
                Ok(())
            }
            _ => mismatch("integer"),
        }
    }

    fn list(self, length: Option<usize>) -> Result<Items<'a>, WriteError> {
        let this = self.present();
        match this.shape {
            Shape::List(item) => Ok(Items::new(item, this.out, length)),
            _ => mismatch("list"),
        }
    }
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = WriteError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Impossible<(), WriteError>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), WriteError>;

    fn serialize_bool(self, value: bool) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Boolean => {
                this.out.push(u8::from(value));
                Ok(())
            }
            _ => mismatch("boolean"),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), WriteError> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), WriteError> {
        self.integer(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), WriteError> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => mismatch("integer beyond 63 bits"),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Float => this.out.extend_from_slice(&value.to_le_bytes()),
            Shape::Double => this.out.extend_from_slice(&f64::from(value).to_le_bytes()),
            _ => return mismatch("number with a fraction"),
        }
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Double => {
                this.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            _ => mismatch("number with a fraction"),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), WriteError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Text => {
                put_bytes(value.as_bytes(), this.out);
                Ok(())
            }
            Shape::Enum { symbols, .. } => match symbols.iter().position(|symbol| symbol == value) {
                Some(index) => {
                    put_count(index, this.out);
                    Ok(())
                }
                None => mismatch("such symbol"),
            },
            _ => mismatch("text"),
        }
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Bytes => put_bytes(value, this.out),
            Shape::Fixed(size) if *size == value.len() => this.out.extend_from_slice(value),
            _ => return mismatch("bytes of this length"),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), WriteError> {
        match self.shape {
            Shape::Optional { null, .. } => put_integer(i64::from(*null), self.out),
            Shape::Null => {}
            _ => return mismatch("null"),
        }
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WriteError> {
        value.serialize(self.present())
    }

    fn serialize_unit(self) -> Result<(), WriteError> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WriteError> {
        mismatch("record without fields")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Enum { .. } => this.serialize_str(variant),
            _ => mismatch("enum"),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), WriteError> {
        mismatch("variant with data")
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items<'a>, WriteError> {
        self.list(length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Items<'a>, WriteError> {
        self.list(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items<'a>, WriteError> {
        self.list(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WriteError> {
        mismatch("variant with data")
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Items<'a>, WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Map(value) => Ok(Items::new(value, this.out, length)),
            _ => mismatch("map"),
        }
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, WriteError> {
        let this = self.present();
        match this.shape {
            Shape::Record(record) => Ok(Fields::new(record, this.out)),
            _ => mismatch("record"),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WriteError> {
        mismatch("variant with data")
    }

    /// Decides between a type's two forms: ids are texts in a schema, times are numbers.
    fn is_human_readable(&self) -> bool {
        let shape = match self.shape {
            Shape::Optional { some, .. } => some,
            shape => shape,
        };
        !matches!(shape, Shape::Int | Shape::Long | Shape::Bytes | Shape::Fixed(_))
    }
}
