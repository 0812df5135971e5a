//! TLS: what this service shows whoever asks it, and whom it believes where it asks others.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser, ValueParser};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate of this service's own HTTP. Without one it speaks plain HTTP.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsConfig {
    /// PEM file with this service's certificate, and after it those between it and its authority. With it, HTTP is
    /// served over TLS and over nothing else. A file that is replaced is taken up within half a minute.
    #[arg(long, env = "TWOFOLD_TLS_CERT", value_name = "PATH", requires = "tls_key",
        value_parser = pem(certificates))]
    pub tls_cert: Option<PathBuf>,
    /// PEM file with its private key.
    #[arg(long, env = "TWOFOLD_TLS_KEY", value_name = "PATH", requires = "tls_cert",
        value_parser = pem(private_key))]
    pub tls_key: Option<PathBuf>,
}

impl TlsConfig {
    /// Both files, where they were named.
    pub(crate) fn files(&self) -> Option<(&Path, &Path)> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }
}

/// Whom this service believes over `https`.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustConfig {
    /// PEM file of authorities that are believed beside the system's, by whatever this service asks over `https`: the
    /// command-service, the process-manager, the registry, a token key set. Read at start.
    #[arg(long, env = "TWOFOLD_HTTP_CA_FILE", value_name = "PATH", value_parser = pem(certificates))]
    pub http_ca_file: Option<PathBuf>,
}

/// The authorities' file is not what it was when the configuration was read.
#[derive(Debug, thiserror::Error)]
#[error("TWOFOLD_HTTP_CA_FILE ({path}): {why}")]
pub struct TrustError {
    path: PathBuf,
    why: String,
}

impl TrustConfig {
    /// A client of HTTP services that believes them.
    pub fn http_client(&self) -> Result<reqwest::ClientBuilder, TrustError> {
        let client = reqwest::Client::builder();
        let Some(path) = &self.http_ca_file else { return Ok(client) };
        let wrong = |why: String| TrustError { path: path.clone(), why };
        let read = |certificate: CertificateDer<'static>| reqwest::Certificate::from_der(&certificate);
        let believed: Result<Vec<_>, _> = certificates(path).map_err(wrong)?.into_iter().map(read).collect();
        Ok(client.tls_certs_merge(believed.map_err(|error| wrong(error.to_string()))?))
    }
}

/// Every certificate of a PEM file; there is at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    certificates_in(&std::fs::read(path).map_err(|error| error.to_string())?)
}

pub(crate) fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(found) if found.is_empty() => Err("holds no certificate in PEM".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("holds no certificate in PEM: {error}")),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    private_key_in(&std::fs::read(path).map_err(|error| error.to_string())?)
}

/// What is wrong with a key is not said in its words: they may be the key's.
pub(crate) fn private_key_in(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "holds no private key in PEM".to_owned())
}

/// A path whose file was looked at, so that what is wrong with it is told with all other mistakes.
pub(super) fn pem<T: 'static>(read: fn(&Path) -> Result<T, String>) -> ValueParser {
    ValueParser::new(PathBufValueParser::new().try_map(move |path| read(&path).map(|_| path)))
}
