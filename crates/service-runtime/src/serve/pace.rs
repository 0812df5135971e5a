//! Whether a peer gets on with what it has begun to say.
//!
//! A connection may be idle for long, but a request's head that was begun has to be complete soon: else a few thousand
//! peers that say a letter a minute would hold every connection there is (slow loris). How long a body may take is the
//! matter of whoever answers.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Nothing was said of the next request.
const IDLE: u64 = u64::MAX;
/// A request is being answered.
const ANSWERING: u64 = u64::MAX - 1;

/// What a connection is in the middle of. All else is the millisecond in which the head under way was begun.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    state: Arc<AtomicU64>,
    began: Instant,
}

impl Pace {
    /// Of a connection that begins now: it was made to say something.
    pub(super) fn begin() -> Self {
        Self { state: Arc::new(AtomicU64::new(0)), began: Instant::now() }
    }

    /// A head is complete.
    pub(super) fn answering(&self) {
        self.state.store(ANSWERING, Ordering::Relaxed);
    }

    /// It has its answer, or the beginning of it.
    pub(super) fn answered(&self) {
        // Where the next head has been read already, that one is being answered.
        let _ = self.state.compare_exchange(ANSWERING, IDLE, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn heard(&self) {
        if self.state.load(Ordering::Relaxed) == IDLE {
            let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
            let _ = self.state.compare_exchange(IDLE, now, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Comes back once a head has been under way for `most`, or somewhat more.
    pub(super) async fn overdue(&self, most: Duration) {
        loop {
            tokio::time::sleep(most / 4).await;
            let since = self.state.load(Ordering::Relaxed);
            if since < ANSWERING && self.began.elapsed() >= Duration::from_millis(since) + most {
                return;
            }
        }
    }
}

/// A connection whose pace is known.
pub(super) struct Paced<S> {
    stream: S,
    pace: Pace,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pace.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
