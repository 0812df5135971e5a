//! Confluent framing: which schema a value was written with, in front of the value.

use bytes::{BufMut, Bytes, BytesMut};

/// How many bytes stand in front of an Avro body: a zero and the schema id, big-endian.
pub const FRAME_LENGTH: usize = 5;

const MAGIC: u8 = 0;

/// Why a value has no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than a frame.
    #[error("a value of {0} bytes is too short for a schema id")]
    TooShort(usize),
    /// Begins with another byte than 0.
    #[error("a value begins with byte {0} where 0 was expected")]
    WrongMagic(u8),
}

/// The body with its schema's id in front. Copies the body once.
pub fn frame(id: u32, payload: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(FRAME_LENGTH + payload.len());
    framed.put_u8(MAGIC);
    framed.put_u32(id);
    framed.put_slice(payload);
    framed.freeze()
}

/// The schema id and the body behind it; the body shares the value's memory.
pub fn unframe(value: &Bytes) -> Result<(u32, Bytes), FrameError> {
    let Some((&[magic, a, b, c, d], _)) = value.split_first_chunk::<FRAME_LENGTH>() else {
        return Err(FrameError::TooShort(value.len()));
    };
    if magic != MAGIC {
        return Err(FrameError::WrongMagic(magic));
    }
    Ok((u32::from_be_bytes([a, b, c, d]), value.slice(FRAME_LENGTH..)))
}

#[cfg(test)]
mod tests;
