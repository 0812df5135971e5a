//! The port that a service is asked on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::ListenConfig;
use crate::tls::{Shown, TlsError};

/// An open port, and what connections to it begin with.
#[derive(Debug)]
pub struct Listener {
    pub(crate) tcp: TcpListener,
    pub(crate) tls: Option<Tls>,
}

/// TLS on a port.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) shown: Arc<Shown>,
    pub(crate) acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shown.fmt(out)
    }
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("port {} is taken: another process listens on {address}", address.port())]
    Taken {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The system refused for another reason.
    #[error("cannot listen on {address}: {source}")]
    Refused {
        /// What was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The certificate or its key does not do.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Opens a port, with TLS where a certificate was named; port 0 takes a free one.
pub async fn bind(config: &ListenConfig) -> Result<Listener, BindError> {
    let tls = match config.tls.files() {
        Some((certificate, key)) => {
            let shown = Shown::read(certificate, key).await?;
            let acceptor = shown.server_config()?.into();
            Some(Tls { shown, acceptor })
        }
        None => None,
    };
    let address = config.listen;
    let tcp = TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address },
        _ => BindError::Refused { address, source },
    })?;
    Ok(Listener { tcp, tls })
}

impl Listener {
    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
