//! Avro bodies to Rust values by a [`Plan`], without a tree of values between.
//!
//! Text is handed on as a slice of the body. Nothing is allocated for what a length claims before the bytes are
//! seen to be there.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::plan::{Plan, Step};

/// Why bytes are not what the plan expects. Holds no values of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError(String);

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    // The usual wordings quote the value, which may be personal.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self(format!("not {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self(format!("not {expected}"))
    }
}

/// Reads a whole body.
pub(crate) fn read<'de, T: Deserialize<'de>>(plan: &'de Plan, body: &'de [u8]) -> Result<T, ReadError> {
    let mut input = Input(body);
    let value = T::deserialize(Reader { plan, input: &mut input })?;
    if input.0.is_empty() { Ok(value) } else { Err(ReadError::custom("bytes are left over")) }
}

/// What is left of a body.
struct Input<'de>(&'de [u8]);

impl<'de> Input<'de> {
    fn byte(&mut self) -> Result<u8, ReadError> {
        let (first, rest) = self.0.split_first().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, length: usize) -> Result<&'de [u8], ReadError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(too_short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(too_short)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let mut bits = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // The tenth byte holds one bit.
                if shift == 63 && byte > 1 {
                    break;
                }
                return Ok((bits >> 1).cast_signed() ^ -((bits & 1).cast_signed()));
            }
        }
        Err(ReadError::custom("an integer is longer than 64 bits"))
    }

    fn bytes(&mut self) -> Result<&'de [u8], ReadError> {
        let length = self.integer()?;
        self.take(usize::try_from(length).map_err(|_| ReadError::custom("a length is negative"))?)
    }

    fn text(&mut self) -> Result<&'de str, ReadError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ReadError::custom("a text is not UTF-8"))
    }

    /// How many items the next block of a list or map has; 0 ends it.
    fn block(&mut self) -> Result<u64, ReadError> {
        let count = self.integer()?;
        if count < 0 {
            // A negative count has the block's length in bytes behind it, for readers that skip.
            self.integer()?;
        }
        Ok(count.unsigned_abs())
    }

    /// Which side of an optional is written.
    fn present(&mut self, null: u8) -> Result<bool, ReadError> {
        match self.integer()? {
            index @ (0 | 1) => Ok(index != i64::from(null)),
            _ => Err(ReadError::custom("a union has no such variant")),
        }
    }

    fn symbol<'p>(&mut self, symbols: &'p [Option<String>]) -> Result<&'p str, ReadError> {
        let index = usize::try_from(self.integer()?).ok();
        let symbol = index.and_then(|index| symbols.get(index)).and_then(Option::as_deref);
        symbol.ok_or_else(|| ReadError::custom("an enum has no such symbol"))
    }

    fn skip(&mut self, plan: &Plan) -> Result<(), ReadError> {
        match plan {
            Plan::Null => {}
            Plan::Boolean => drop(self.byte()?),
            Plan::Integer => drop(self.integer()?),
            Plan::Enum(symbols) => drop(self.symbol(symbols)?),
            Plan::Float => drop(self.take(4)?),
            Plan::Double => drop(self.take(8)?),
            Plan::Bytes | Plan::Text => drop(self.bytes()?),
            Plan::Fixed(size) => drop(self.take(*size)?),
            Plan::List(item) => self.skip_blocks(|input| input.skip(item))?,
            Plan::Map(value) => self.skip_blocks(|input| {
                input.bytes()?;
                input.skip(value)
            })?,
            Plan::Optional { null, some } => {
                if self.present(*null)? {
                    self.skip(some)?;
                }
            }
            Plan::Present(some) => self.skip(some)?,
            Plan::Record(steps) => {
                for step in steps {
                    if let Step::Read { plan, .. } | Step::Skip(plan) = step {
                        self.skip(plan)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn skip_blocks(&mut self, item: impl Fn(&mut Self) -> Result<(), ReadError>) -> Result<(), ReadError> {
        loop {
            let count = self.block()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }
}

fn too_short() -> ReadError {
    ReadError::custom("bytes are missing")
}

/// One value, about to be read.
struct Reader<'a, 'de> {
    plan: &'de Plan,
    input: &'a mut Input<'de>,
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let input = self.input;
        match self.plan {
            Plan::Null => visitor.visit_unit(),
            Plan::Boolean => match input.byte()? {
                byte @ (0 | 1) => visitor.visit_bool(byte == 1),
                _ => Err(ReadError::custom("a boolean is neither 0 nor 1")),
            },
            Plan::Integer => visitor.visit_i64(input.integer()?),
            Plan::Float => visitor.visit_f32(f32::from_le_bytes(input.array()?)),
            Plan::Double => visitor.visit_f64(f64::from_le_bytes(input.array()?)),
            Plan::Bytes => visitor.visit_borrowed_bytes(input.bytes()?),
            Plan::Fixed(size) => visitor.visit_borrowed_bytes(input.take(*size)?),
            Plan::Text => visitor.visit_borrowed_str(input.text()?),
            Plan::Enum(symbols) => visitor.visit_str(input.symbol(symbols)?),
            Plan::List(item) => visitor.visit_seq(Blocks::new(item, input)),
            Plan::Map(value) => visitor.visit_map(Blocks::new(value, input)),
            Plan::Optional { null, some } => {
                if input.present(*null)? {
                    visitor.visit_some(Reader { plan: some, input })
                } else {
                    visitor.visit_none()
                }
            }
            Plan::Present(some) => visitor.visit_some(Reader { plan: some, input }),
            Plan::Record(steps) => {
                let mut fields = Fields { steps: steps.iter(), current: None, input };
                let value = visitor.visit_map(&mut fields)?;
                if fields.steps.as_slice().is_empty() && fields.current.is_none() {
                    return Ok(value);
                }
                Err(ReadError::custom("a record was not read to its end"))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.plan {
            Plan::Null => visitor.visit_none(),
            Plan::Optional { .. } | Plan::Present(_) => self.deserialize_any(visitor),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.plan {
            Plan::Enum(symbols) => visitor.visit_enum(Symbol(self.input.symbol(symbols)?)),
            _ => Err(ReadError::custom("not an enum")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.input.skip(self.plan)?;
        visitor.visit_unit()
    }

    /// Decides between a type's two forms: ids are texts in a schema, times are numbers.
    fn is_human_readable(&self) -> bool {
        !matches!(self.plan, Plan::Integer | Plan::Bytes | Plan::Fixed(_))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

/// The symbol of an enum, for a Rust enum without data.
struct Symbol<'a>(&'a str);

impl<'de> EnumAccess<'de> for Symbol<'_> {
    type Error = ReadError;
    type Variant = UnitOnly;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, UnitOnly), ReadError> {
        Ok((seed.deserialize(self.0.into_deserializer())?, UnitOnly))
    }
}

struct UnitOnly;

impl<'de> serde::de::VariantAccess<'de> for UnitOnly {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, ReadError> {
        Err(ReadError::custom("a variant with data"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::custom("a variant with data"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ReadError> {
        Err(ReadError::custom("a variant with data"))
    }
}

/// The items of a list or map. Each takes a byte or more, so that a count can claim no more than the body holds.
struct Blocks<'a, 'de> {
    item: &'de Plan,
    input: &'a mut Input<'de>,
    left: u64,
    ended: bool,
}

impl<'a, 'de> Blocks<'a, 'de> {
    fn new(item: &'de Plan, input: &'a mut Input<'de>) -> Self {
        Self { item, input, left: 0, ended: false }
    }

    fn advance(&mut self) -> Result<bool, ReadError> {
        if self.left == 0 && !self.ended {
            self.left = self.input.block()?;
            self.ended = self.left == 0;
        }
        if self.ended {
            return Ok(false);
        }
        self.left -= 1;
        Ok(true)
    }

    fn likely(&self) -> Option<usize> {
        usize::try_from(self.left).ok().map(|left| left.min(self.input.0.len()))
    }
}

impl<'de> SeqAccess<'de> for Blocks<'_, 'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if !self.advance()? {
            return Ok(None);
        }
        seed.deserialize(Reader { plan: self.item, input: self.input }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.likely()
    }
}

impl<'de> MapAccess<'de> for Blocks<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        if !self.advance()? {
            return Ok(None);
        }
        seed.deserialize(Reader { plan: &Plan::Text, input: self.input }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        seed.deserialize(Reader { plan: self.item, input: self.input })
    }

    fn size_hint(&self) -> Option<usize> {
        self.likely()
    }
}

/// The fields of a record, in the order in which they were written, then those that were not.
struct Fields<'a, 'de> {
    steps: std::slice::Iter<'de, Step>,
    current: Option<&'de Step>,
    input: &'a mut Input<'de>,
}

impl<'de> MapAccess<'de> for &mut Fields<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for step in self.steps.by_ref() {
            match step {
                Step::Skip(plan) => self.input.skip(plan)?,
                Step::Read { field, .. } | Step::Default { field, .. } => {
                    self.current = Some(step);
                    return seed.deserialize(field.as_str().into_deserializer()).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        match self.current.take() {
            Some(Step::Read { plan, .. }) => seed.deserialize(Reader { plan, input: self.input }),
            Some(Step::Default { bytes, plan, .. }) => {
                seed.deserialize(Reader { plan, input: &mut Input(bytes) })
            }
            Some(Step::Skip(_)) | None => Err(ReadError::custom("a value without its key")),
        }
    }
}
