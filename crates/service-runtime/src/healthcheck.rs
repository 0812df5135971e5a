//! How a service's binary asks the running service whether it is ready: for containers, where there is nothing else to
//! ask with.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use crate::config::ListenConfig;
use crate::tls::provider;

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
pub(crate) fn report(config: Result<ListenConfig, clap::Error>) -> i32 {
    let healthy = match config {
        Ok(config) => {
            ask(config.listen, config.tls.files().is_some()).map_err(|unhealthy| unhealthy.to_string())
        }
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
pub(crate) fn ask(listen: SocketAddr, tls: bool) -> Result<(), Unhealthy> {
    let address = reachable(listen);
    let answer = exchange(address, tls).map_err(|source| Unhealthy::Silent { address, source })?;
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

fn exchange(address: SocketAddr, tls: bool) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if tls {
        question(StreamOwned::new(connection(address)?, stream), address)
    } else {
        question(stream, address)
    }
}

fn question(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<Vec<u8>> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(LONGEST_ANSWER).read_to_end(&mut answer) {
        // Closed without TLS' own goodbye, after the answer.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !answer.is_empty() => Ok(answer),
        read => read.map(|_| answer),
    }
}

fn connection(address: SocketAddr) -> io::Result<ClientConnection> {
    let provider = provider();
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), ServerName::from(address.ip())).map_err(io::Error::other)
}

/// Whoever listens on this machine's own address is asked, whatever name its certificate is for: the question holds no
/// secret, and the answer is believed no more than that of a plain connection.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
