//! Lists, maps and records.

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
};

use super::{WriteError, put_count, write};
use crate::codec::shape::{RecordShape, Shape};

/// The items of a list or a map, in one block.
pub(super) struct Items<'a> {
    item: &'a Shape,
    out: &'a mut Vec<u8>,
    begin: usize,
    said: Option<usize>,
    count: usize,
}

impl<'a> Items<'a> {
    pub(super) fn new(item: &'a Shape, out: &'a mut Vec<u8>, said: Option<usize>) -> Self {
        let begin = out.len();
        if let Some(count @ 1..) = said {
            put_count(count, out);
        }
        Self { item, out, begin, said, count: 0 }
    }

    fn finish(self) -> Result<(), WriteError> {
        match self.said {
            Some(said) if said != self.count => return Err(WriteError::custom("a length was not kept")),
            None if self.count > 0 => {
                let items = self.out.split_off(self.begin);
                put_count(self.count, self.out);
                self.out.extend_from_slice(&items);
            }
            _ => {}
        }
        put_count(0, self.out);
        Ok(())
    }
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        self.count += 1;
        write(self.item, value, self.out)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish()
    }
}

impl SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish()
    }
}

impl SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish()
    }
}

impl SerializeMap for Items<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), WriteError> {
        self.count += 1;
        write(&Shape::Text, key, self.out)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WriteError> {
        write(self.item, value, self.out)
    }

    fn end(self) -> Result<(), WriteError> {
        self.finish()
    }
}

/// The fields of a record. They come in the order of the Rust struct and leave in the order of the schema.
pub(super) struct Fields<'a> {
    record: &'a RecordShape,
    out: &'a mut Vec<u8>,
    /// How many fields of the schema are in `out`.
    written: usize,
    /// Fields that came before their turn, by their place.
    early: Vec<(usize, Vec<u8>)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(record: &'a RecordShape, out: &'a mut Vec<u8>) -> Self {
        Self { record, out, written: 0, early: Vec::new() }
    }

    fn take_early(&mut self) -> bool {
        let Some(place) = self.early.iter().position(|(field, _)| *field == self.written) else {
            return false;
        };
        let (_, bytes) = self.early.swap_remove(place);
        self.out.extend_from_slice(&bytes);
        self.written += 1;
        true
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = WriteError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), WriteError> {
        let inside = |error: WriteError| WriteError(format!("{name}: {error}"));
        while !self.early.is_empty() && self.take_early() {}
        if let Some(field) = self.record.fields.get(self.written).filter(|field| field.name == name) {
            self.written += 1;
            return write(&field.shape, value, self.out).map_err(inside);
        }
        let place = self.record.fields.iter().position(|field| field.name == name);
        let Some(place) = place.filter(|place| *place > self.written) else {
            return Err(inside(WriteError::custom("the schema has no such field")));
        };
        let mut bytes = Vec::new();
        write(&self.record.fields[place].shape, value, &mut bytes).map_err(inside)?;
        self.early.push((place, bytes));
        Ok(())
    }

    /// Fields that the value leaves out are written as their defaults.
    fn end(mut self) -> Result<(), WriteError> {
        while let Some(field) = self.record.fields.get(self.written) {
            if self.take_early() {
                continue;
            }
            let Some(default) = &field.default else {
                return Err(WriteError(format!("{}: the value leaves it out", field.name)));
            };
            self.out.extend_from_slice(default);
            self.written += 1;
        }
        Ok(())
    }
}
