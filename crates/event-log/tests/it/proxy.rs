//! A proxy before Postgres that can lose an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes that mark what is not to be answered.
pub(crate) const MARK: &[u8] = b"lose my answer";

/// Passes everything on, but after it was armed: the connection on which [`MARK`] is sent is cut as soon as the
/// server answers, which it does after the commit.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    armed: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy =
            Self { address: listener.local_addr().unwrap(), armed: Arc::default(), lost: Arc::default() };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(accepting.clone().pass(client, server));
            }
        });
        proxy
    }

    /// Loses the next `answers` answers to what is marked.
    pub(crate) fn lose(&self, answers: usize) {
        self.armed.store(answers, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub(crate) fn lost(&self) -> usize {
        self.lost.load(Ordering::SeqCst)
    }

    async fn pass(self, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let doomed = Arc::new(AtomicBool::new(false));
        let watched = doomed.clone();
        let armed = self.armed.clone();
        let up = async move {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                let sent = &buffer[..length];
                if sent.windows(MARK.len()).any(|window| window == MARK)
                    && armed
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                        .is_ok()
                {
                    watched.store(true, Ordering::SeqCst);
                }
                if to_server.write_all(sent).await.is_err() {
                    break;
                }
            }
        };
        let lost = self.lost.clone();
        let down = async move {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
                if doomed.load(Ordering::SeqCst) {
                    lost.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                if to_client.write_all(&buffer[..length]).await.is_err() {
                    break;
                }
            }
        };
        // Whichever ends first cuts both ways.
        tokio::select! { () = up => {}, () = down => {} }
    }
}
