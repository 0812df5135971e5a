//! The certificate that a service shows, as its files say at the moment.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use std::{fmt, io};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use crate::config::tls::{certificates_in, private_key_in};

/// How often the files are looked at. Issuers replace them long before they expire.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why a service cannot show a certificate. Says nothing of a key but that it does not do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {why}")]
    Useless {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// This machine's TLS does not do what is needed.
    #[error("cannot speak TLS: {0}")]
    Provider(#[from] rustls::Error),
}

/// A certificate and its key, followed while they are replaced.
pub(crate) struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Read>,
}

struct Read {
    /// As they were read, to see a change by.
    files: Files,
    key: Arc<CertifiedKey>,
}

#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Shown {
    /// Reads both files.
    pub(crate) async fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let files = Files::read(certificate, key).await?;
        let current = RwLock::new(Read { key: files.pair(certificate, key)?, files });
        Ok(Arc::new(Self { certificate: certificate.to_owned(), key: key.to_owned(), current }))
    }

    /// What connections are accepted with.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Takes up what the files say now. Says whether that is something else than before; where it does not do, what was
    /// there before is shown on.
    pub(crate) async fn look(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.certificate, &self.key).await?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).files == files {
            return Ok(false);
        }
        let key = files.pair(&self.certificate, &self.key)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Read { files, key };
        Ok(true)
    }

    /// Looks again and again.
    pub(crate) async fn follow(&self) {
        let mut told = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.look().await {
                Ok(false) => {}
                Ok(true) => {
                    told = None;
                    info!(certificate = %self.certificate.display(), "took up a replaced certificate");
                }
                // Once for each trouble. Half of a pair may have been replaced a moment ago.
                Err(error) if told.as_ref() != Some(&error.to_string()) => {
                    warn!(%error, "cannot take up a certificate, the one before is shown on");
                    told = Some(error.to_string());
                }
                Err(_) => {}
            }
        }
    }
}

impl Files {
    async fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = async |path: &Path| {
            tokio::fs::read(path)
                .await
                .map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
        };
        Ok(Self { certificate: read(certificate).await?, key: read(key).await? })
    }

    fn pair(&self, certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
        let useless = |path: &Path, why: String| TlsError::Useless { path: path.to_owned(), why };
        let chain = certificates_in(&self.certificate).map_err(|why| useless(certificate, why))?;
        let private = private_key_in(&self.key).map_err(|why| useless(key, why))?;
        let pair = CertifiedKey::from_der(chain, private, &provider())
            .map_err(|error| useless(key, format!("does not go with {}: {error}", certificate.display())))?;
        Ok(Arc::new(pair))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shown").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[cfg(test)]
pub(crate) mod tests;
