//! What goes back to a client.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_api::headers::{TWOFOLD_PARKED, TWOFOLD_SEQUENCE, sequence_value};
use http_api::{ETag, Problem, ProblemType};
use kernel::{LaneToken, Sequence};
use sha2::{Digest, Sha256};

use crate::asked::Asked;

/// How many bytes of a body's hash make its tag.
const TAG_BYTES: usize = 16;

/// A JSON text and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) body: String,
    pub(crate) reflects: LaneToken,
    /// From which sequence on it lacks events.
    pub(crate) parked: Option<Sequence>,
}

impl Answer {
    /// The answer, or 304 where the client has it already.
    pub(crate) fn to<C>(self, asked: &Asked<C>) -> Response {
        let tag = self.tag(asked);
        let mut response = if asked.if_none_match.has(&tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.body)
                .into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, tag.header_value());
        headers.insert(TWOFOLD_SEQUENCE, sequence_value(&self.reflects));
        mark_parked(headers, self.parked);
        // It may be kept, by this client only, and has to be asked for again each time.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("authorization"));
        response
    }

    /// Of the bytes themselves, whichever store they come from, and of the tenant: what one tenant knows says
    /// nothing of another's answers.
    fn tag<C>(&self, asked: &Asked<C>) -> ETag {
        let digest = Sha256::new()
            .chain_update(asked.tenant.as_str())
            .chain_update([0])
            .chain_update(&self.body)
            .finalize();
        let digest: &[u8] = &digest;
        ETag::of_text(&hex::encode(digest.get(..TAG_BYTES).unwrap_or(digest)))
    }
}

/// Says that the answer lacks events, where it does.
pub(crate) fn mark_parked(headers: &mut HeaderMap, parked: Option<Sequence>) {
    if let Some(since) = parked {
        headers.insert(TWOFOLD_PARKED, HeaderValue::from(since.number()));
    }
}

/// The tenant has no such thing, as far as the answer reflects and up to where it lacks events.
pub(crate) fn not_found(
    code: &'static str,
    detail: &'static str,
    reflects: &LaneToken,
    parked: Option<Sequence>,
) -> Problem {
    let problem = Problem::new(ProblemType::NotFound)
        .code(code)
        .detail(detail)
        .header(TWOFOLD_SEQUENCE, sequence_value(reflects));
    match parked {
        Some(since) => problem.header(TWOFOLD_PARKED, HeaderValue::from(since.number())),
        None => problem,
    }
}
