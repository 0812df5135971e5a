//! Serving HTTP/1.1 until asked to stop.
//!
//! ```text
//! serving ──token──► leaving ──linger, or nobody left──► closing ──all answered, or the deadline──► done
//! ```
//!
//! *Leaving*: connections are still accepted and every answer carries `Connection: close`, so that a request that
//! was on its way when the stop came is answered. *Closing*: the port is free, idle connections are closed,
//! requests in flight are answered. At the deadline what is left is cut off.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{debug, info, warn};

use crate::Listener;

mod pace;

use pace::{Pace, Paced};

/// How long requests in flight may take after a stop was asked for, unless a service has reasons to differ.
/// Orchestrators commonly kill after 30 s.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Most connections at once; further ones wait in the system's backlog until one closes.
const MAX_CONNECTIONS: usize = 10_000;
/// A connection that idles this long is closed. Longer than clients and load balancers keep idle connections (60 to
/// 90 s), so that they close first and never send a request into a closing connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Within this time a request's head must be complete that was begun.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Within this time both sides must have agreed on how to speak TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Most headers of a request, and most bytes of its head; beyond it the answer is a bare 431.
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Most bytes that are buffered of one connection.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// How long requests that are on their way are still taken in after a stop was asked for.
const LINGER: Duration = Duration::from_millis(200);
/// How long to stay off `accept` when the system refuses (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end of a request's connection: in the extensions of each request. Behind a proxy it is the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Serves until `token` is cancelled, then drains for at most `drain_timeout`. Requests in flight are answered;
/// whatever takes longer is cut off. Cancel the token of what the handlers use only after this has returned.
pub async fn serve(
    listener: Listener,
    router: Router,
    token: CancellationToken,
    drain_timeout: Duration,
) -> io::Result<()> {
    let Listener { tcp, tls } = listener;
    let follow = tls.as_ref().map(|tls| Arc::clone(&tls.shown));
    let times = Times { linger: LINGER, head: HEAD_TIMEOUT };
    let serving = serve_within(tcp, tls.map(|tls| tls.acceptor), router, token, drain_timeout, times);
    match follow {
        None => serving.await,
        Some(shown) => tokio::select! {
            served = serving => served,
            () = shown.follow() => Ok(()),
        },
    }
}

/// What tests need not wait for.
#[derive(Debug, Clone, Copy)]
struct Times {
    linger: Duration,
    head: Duration,
}

async fn serve_within(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    token: CancellationToken,
    drain_timeout: Duration,
    times: Times,
) -> io::Result<()> {
    let server = Server {
        router,
        tls,
        head: times.head,
        leaving: token,
        closing: CancellationToken::new(),
        cut: CancellationToken::new(),
        connections: TaskTracker::new(),
        slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
    };
    while let Some((stream, slot)) = server.leaving.run_until_cancelled(server.accept(&listener)).await {
        server.start(stream, slot);
    }
    let deadline = Instant::now() + drain_timeout;
    server.linger(&listener, deadline.min(Instant::now() + times.linger)).await;
    drop(listener);
    server.drain(deadline).await;
    Ok(())
}

struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    /// How long a head may take.
    head: Duration,
    leaving: CancellationToken,
    closing: CancellationToken,
    cut: CancellationToken,
    connections: TaskTracker,
    slots: Arc<Semaphore>,
}

impl Server {
    /// The next connection, once there is room for it.
    async fn accept(&self, listener: &TcpListener) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed, so that there always is a permit.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            match listener.accept().await {
                Ok((stream, _peer)) => return (stream, slot),
                Err(error) if is_the_peers(&error) => debug!(%error, "a connection was gone before it began"),
                Err(error) => {
                    warn!(%error, "cannot accept connections, trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn start(&self, stream: TcpStream, slot: Option<OwnedSemaphorePermit>) {
        // Answers are small and written at once: waiting to fill a segment would only add delay.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let conversation = Conversation {
            router: self.router.clone(),
            peer: stream.peer_addr().ok().map(Peer),
            head: self.head,
            leaving: self.leaving.clone(),
            closing: self.closing.clone(),
            cut: self.cut.clone(),
        };
        let tls = self.tls.clone();
        self.connections.spawn(async move {
            match tls {
                None => conversation.over(stream).await,
                Some(acceptor) => {
                    if let Some(stream) = conversation.agreed(&acceptor, stream).await {
                        conversation.over(stream).await;
                    }
                }
            }
            drop(slot);
        });
    }

    /// Takes in what was on its way, until `until` or until nobody is left and nobody new has come.
    async fn linger(&self, listener: &TcpListener, until: Instant) {
        self.connections.close();
        loop {
            let quiet = async {
                self.connections.wait().await;
                tokio::task::yield_now().await;
                tokio::time::sleep(Duration::from_millis(1)).await;
            };
            tokio::select! {
                biased;
                (stream, slot) = self.accept(listener) => self.start(stream, slot),
                () = quiet => return,
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    async fn drain(&self, deadline: Instant) {
        self.closing.cancel();
        if tokio::time::timeout_at(deadline, self.connections.wait()).await.is_err() {
            warn!(
                connections = self.connections.len(),
                "requests outlasted the drain deadline, cutting them off"
            );
            self.cut.cancel();
            self.connections.wait().await;
        }
        info!("all connections are closed");
    }
}

/// One connection from its first request to its last answer.
struct Conversation {
    router: Router,
    peer: Option<Peer>,
    head: Duration,
    leaving: CancellationToken,
    closing: CancellationToken,
    cut: CancellationToken,
}

impl Conversation {
    /// The connection within TLS; none where the peer did not agree in time. One that has not by the time the service
    /// stops has asked nothing yet.
    async fn agreed(&self, tls: &TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let agreeing = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
        match self.closing.run_until_cancelled(agreeing).await? {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                debug!(%error, "a peer did not come to terms on TLS");
                None
            }
            Err(_elapsed) => None,
        }
    }

    async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { router, peer, head, leaving, closing, cut } = self;
        let pace = Pace::begin();
        let stream = Paced::new(stream, pace.clone());
        let answering = pace.clone();
        let service = service_fn(move |request| {
            answering.answering();
            let answer = answer(router.clone(), request, peer, leaving.clone());
            let answering = answering.clone();
            async move {
                let answer = answer.await;
                answering.answered();
                answer
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEAD_BYTES)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = pace.overdue(head) => return debug!("a request's head did not come to its end in time"),
            () = closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = pace.overdue(head) => return,
                    () = cut.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            // A client that hung up or talked nonsense: its trouble, already answered where that was possible.
            debug!(%error, "a connection ended early");
        }
    }
}

fn answer(
    mut router: Router,
    mut request: hyper::Request<Incoming>,
    peer: Option<Peer>,
    leaving: CancellationToken,
) -> impl Future<Output = Result<Response, Infallible>> {
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let answer = router.call(request);
    async move {
        let mut response = answer.await?;
        if leaving.is_cancelled() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests;
