//! Records: what is sent and what is received.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers as _};

/// A record to be sent; the client copies it when it takes it. Where it goes is the sender's decision, not a
/// hash's, so topic and partition are named beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutgoingRecord<'a> {
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; none is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [(&'a str, Bytes)],
    /// Milliseconds since 1970; none lets the client take the time of sending.
    pub timestamp_ms: Option<i64>,
}

/// A record as a partition holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingRecord {
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition; places may be left out.
    pub offset: i64,
    /// Milliseconds since 1970; -1 where the record has none.
    pub timestamp_ms: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
    /// Its value.
    pub value: Option<Bytes>,
}

/// The headers of a record that was received; a header without a value reads as an empty one.
///
/// Names and values share one buffer with the record's key and value, so that a record costs two allocations
/// whatever it carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers {
    buffer: Bytes,
    places: Vec<(Range<u32>, Range<u32>)>,
}

impl Headers {
    /// Name and value of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.places.iter().map(|(name, value)| (self.name(name), self.bytes(value)))
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn bytes(&self, place: &Range<u32>) -> &[u8] {
        self.buffer.get(place.start as usize..place.end as usize).unwrap_or_default()
    }

    fn name(&self, place: &Range<u32>) -> &str {
        std::str::from_utf8(self.bytes(place)).unwrap_or_default()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut packing = Packing::default();
        let places = headers
            .into_iter()
            .map(|(name, value)| (packing.add(name.as_ref().as_bytes()), packing.add(value.as_ref())))
            .collect();
        Self { buffer: Bytes::from(packing.buffer), places }
    }
}

impl IncomingRecord {
    /// How many bytes of key, value and headers it holds.
    pub fn size(&self) -> usize {
        let key = self.key.as_ref().map_or(0, Bytes::len);
        let value = self.value.as_ref().map_or(0, Bytes::len);
        key + value + self.headers.places.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }

    pub(crate) fn copy_of(message: &BorrowedMessage<'_>) -> Self {
        let (key, value) = (message.key(), message.payload());
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        let mut packing = Packing { buffer: Vec::with_capacity(size + 1024) };
        let places = copy_headers(message, &mut packing);
        let key = key.map(|bytes| packing.add(bytes));
        let value = value.map(|bytes| packing.add(bytes));
        let buffer = Bytes::from(packing.buffer);
        let part = |place: Range<u32>| buffer.slice(place.start as usize..place.end as usize);
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
            key: key.map(part),
            value: value.map(part),
            headers: Headers { buffer, places },
        }
    }
}

/// The client library panics on a header name that is not UTF-8. Such a record is foreign; it arrives here
/// without headers, so that whoever expects headers refuses it instead of the process ending.
fn copy_headers(message: &BorrowedMessage<'_>, packing: &mut Packing) -> Vec<(Range<u32>, Range<u32>)> {
    let Some(headers) = message.headers() else { return Vec::new() };
    let mut places = Vec::with_capacity(headers.count());
    let copied = catch_unwind(AssertUnwindSafe(|| {
        for header in headers.iter() {
            let name = packing.add(header.key.as_bytes());
            places.push((name, packing.add(header.value.unwrap_or_default())));
        }
    }));
    if copied.is_err() { Vec::new() } else { places }
}

#[derive(Default)]
struct Packing {
    buffer: Vec<u8>,
}

impl Packing {
    /// Kafka's own limits keep a record far below 4 GiB.
    fn add(&mut self, bytes: &[u8]) -> Range<u32> {
        let start = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.buffer.extend_from_slice(bytes);
        start..u32::try_from(self.buffer.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
