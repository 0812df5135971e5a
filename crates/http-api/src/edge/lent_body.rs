//! A request's body, lent to the handler.
//!
//! A handler that refuses a request has often not read its body: the token was wrong, the body too long. Answered and
//! closed then, the connection is reset, and a client that was still sending may never read the answer. So the edge
//! takes back what was not read and throws it away first, within bounds.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use futures::{Stream, StreamExt};

/// How much of an unread body is thrown away at most, and for how long; beyond it the client is reset.
const DISCARD_BYTES: usize = 8 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(5);

pub(super) struct LentBody(Arc<Mutex<State>>);

struct State {
    stream: BodyDataStream,
    /// Whether the client sends without being asked to, or has been asked.
    coming: bool,
    ended: bool,
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        self.coming = true;
        let polled = self.stream.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.ended = true;
        }
        polled
    }
}

/// Reads one chunk of a body that is shared, but only ever read by one side at a time.
fn chunks(state: Arc<Mutex<State>>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    futures::stream::poll_fn(move |context| {
        state.lock().unwrap_or_else(PoisonError::into_inner).poll(context)
    })
}

impl LentBody {
    /// Puts the body of this request, where it has one, within reach.
    pub(super) fn lend(request: &mut Request) -> Option<Self> {
        if request.body().is_end_stream() {
            return None;
        }
        let coming = !request.headers().contains_key(header::EXPECT);
        let stream = std::mem::take(request.body_mut()).into_data_stream();
        let state = Arc::new(Mutex::new(State { stream, coming, ended: false }));
        *request.body_mut() = Body::from_stream(chunks(Arc::clone(&state)));
        Some(Self(state))
    }

    /// Throws away what the handler has left, unless the client waits to be asked for it.
    pub(super) async fn discard(self) {
        let unread = {
            let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.coming && !state.ended
        };
        if unread {
            let _ = tokio::time::timeout(DISCARD_TIME, read_away(chunks(self.0))).await;
        }
    }
}

async fn read_away(chunks: impl Stream<Item = Result<Bytes, axum::Error>>) {
    let mut chunks = std::pin::pin!(chunks);
    let mut left = DISCARD_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
