//! Ports on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::LocalServerError;

/// Where a server shall listen, on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// There, or not at all.
    Fixed(u16),
    /// Wherever nobody listens.
    Free,
}

impl Port {
    pub(crate) fn is_free_choice(self) -> bool {
        matches!(self, Self::Free)
    }
}

/// Settles on a port for `server`, which nobody listens on now; another program may still be quicker.
pub fn claim_port(port: Port, server: &'static str) -> Result<u16, LocalServerError> {
    let wanted = match port {
        Port::Fixed(number) => number,
        Port::Free => 0,
    };
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => LocalServerError::PortTaken { server, port: wanted },
        _ => LocalServerError::Io { doing: "listen on port", path: wanted.to_string().into(), source },
    })
}
