//! The id of one request.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use crate::headers::X_REQUEST_ID;

/// The client's `X-Request-Id` where it sent a usable one, else one made for the request. In the request's
/// extensions, in the answer's `X-Request-Id`, in every problem as `instance`, and in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    const LONGEST: usize = 128;

    /// Takes over what the client sent, when it is 1 to 128 characters that can stand anywhere, else makes one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sent = headers.get(X_REQUEST_ID).map(HeaderValue::as_bytes);
        let usable = sent.filter(|id| (1..=Self::LONGEST).contains(&id.len()) && id.iter().all(is_plain));
        match usable.and_then(|id| str::from_utf8(id).ok()) {
            Some(id) => Self(id.into()),
            None => Self::new(),
        }
    }

    /// A UUIDv7. Not a secret, so its random part need not come from the system.
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut random = [0; 10];
        fastrand::fill(&mut random);
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        Self((&*id.hyphenated().encode_lower(&mut Uuid::encode_buffer())).into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header_value(&self) -> HeaderValue {
        // Only plain characters are taken in.
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Characters that mean nothing in a URL, a header, a log line or a shell.
fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}
