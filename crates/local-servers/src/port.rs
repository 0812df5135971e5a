//! Ports on loopback.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

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

/// Where free ports are looked for: below those that systems hand to outgoing connections, so that none of these
/// takes the port between this choice and the server's start.
const CHOSEN: std::ops::Range<u16> = 20_000..32_000;
const TRIES: u16 = 200;

/// Settles on a port for `server`, which nobody listens on now and which this process has not chosen before; another
/// program may still be quicker.
pub fn claim_port(port: Port, server: &'static str) -> Result<u16, LocalServerError> {
    let free = match port {
        Port::Fixed(number) => listen(number).map(|()| number),
        Port::Free => free_port(),
    };
    free.map_err(|(port, source)| match source.kind() {
        io::ErrorKind::AddrInUse => LocalServerError::PortTaken { server, port },
        _ => LocalServerError::Io { doing: "listen on port", path: port.to_string().into(), source },
    })
}

fn free_port() -> Result<u16, (u16, io::Error)> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::process::id().wrapping_mul(97) as u16;
    let mut tried = Err((CHOSEN.start, io::ErrorKind::AddrInUse.into()));
    for _ in 0..TRIES {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = CHOSEN.start + first.wrapping_add(step) % (CHOSEN.end - CHOSEN.start);
        tried = listen(port).map(|()| port);
        if tried.is_ok() {
            break;
        }
    }
    tried
}

fn listen(port: u16) -> Result<(), (u16, io::Error)> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|source| (port, source))
}
