//! A proxy before a server, for making it go away.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Passes everything on while it is up.
pub(crate) struct Proxy {
    pub(crate) address: String,
    /// The token of the connections that are open; none while the server is away.
    up: Arc<Mutex<Option<CancellationToken>>>,
}

impl Proxy {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let up = Arc::new(Mutex::new(Some(CancellationToken::new())));
        let accepting = Arc::clone(&up);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Some(token) = accepting.lock().unwrap().clone() else { continue };
                let server = server.clone();
                tokio::spawn(async move {
                    token.run_until_cancelled(pass(client, server)).await;
                });
            }
        });
        Self { address, up }
    }

    /// Cuts every connection, and every new one at once.
    pub(crate) fn cut(&self) {
        if let Some(token) = self.up.lock().unwrap().take() {
            token.cancel();
        }
    }

    pub(crate) fn restore(&self) {
        *self.up.lock().unwrap() = Some(CancellationToken::new());
    }
}

async fn pass(mut client: TcpStream, server: String) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
