//! How a service's binary asks the running service whether it is ready: for containers, where there is nothing else to
//! ask with.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long each of connecting, writing and reading may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes that are read of the answer.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Why a service does not count as healthy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unhealthy {
    /// Nobody answers.
    #[error("no answer from {address}: {source}")]
    Silent {
        /// Who was asked.
        address: SocketAddr,
        /// What happened instead.
        source: io::Error,
    },
    /// The service answers that it is not ready; or it is something else that answers.
    #[error("{0}")]
    NotReady(String),
}

/// Asks, says on standard error why not, and answers the exit code.
pub(crate) fn report(address: Result<SocketAddr, clap::Error>) -> i32 {
    let healthy = match address {
        Ok(address) => ask(address).map_err(|unhealthy| unhealthy.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match healthy {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{}", why.trim_end());
            1
        }
    }
}

/// Asks the service that listens on `listen` for `/readyz`.
pub(crate) fn ask(listen: SocketAddr) -> Result<(), Unhealthy> {
    let address = reachable(listen);
    let answer = exchange(address).map_err(|source| Unhealthy::Silent { address, source })?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Err(Unhealthy::NotReady(format!("{}: {body}", head.lines().next().unwrap_or("no answer"))))
}

/// A service that listens on every address is asked on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn exchange(address: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests;
