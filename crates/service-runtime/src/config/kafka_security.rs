//! TLS and SASL towards Kafka.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};

use super::tls::{certificates, pem};

/// How Kafka is spoken to. Plain text unless said otherwise.
#[derive(Debug, Clone, Default, Args)]
pub struct KafkaSecurityConfig {
    /// What brokers speak on the port that is named: `sasl-ssl` where others share the network. Plain text and
    /// `sasl-plaintext` show every event to whoever listens.
    #[arg(long = "kafka-security-protocol", env = "TWOFOLD_KAFKA_SECURITY_PROTOCOL", value_name = "PROTOCOL",
        ignore_case = true, value_parser = protocol)]
    pub protocol: Option<SecurityProtocol>,
    /// PEM file of the authorities that brokers' certificates are believed by; the system's where it is not set.
    #[arg(long = "kafka-ca-file", env = "TWOFOLD_KAFKA_CA_FILE", value_name = "PATH",
        value_parser = pem(certificates), id = "kafka_ca_file")]
    pub ca_file: Option<PathBuf>,
    /// How the password is shown. With SCRAM it never travels; PLAIN is for `sasl-ssl` alone.
    #[arg(
        long = "kafka-sasl-mechanism",
        env = "TWOFOLD_KAFKA_SASL_MECHANISM",
        value_name = "MECHANISM",
        ignore_case = true,
        requires = "kafka_username"
    )]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Who this service is to Kafka.
    #[arg(
        long = "kafka-username",
        env = "TWOFOLD_KAFKA_USERNAME",
        value_name = "NAME",
        id = "kafka_username",
        requires = "kafka_secret"
    )]
    pub username: Option<String>,
    /// The password.
    #[arg(
        long = "kafka-password",
        env = "TWOFOLD_KAFKA_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD",
        id = "kafka_password",
        group = "kafka_secret"
    )]
    pub password: Option<SecretString>,
    /// A file that holds it; a line break at its end does not count. Read at start.
    #[arg(long = "kafka-password-file", env = "TWOFOLD_KAFKA_PASSWORD_FILE", value_name = "PATH",
        id = "kafka_password_file", group = "kafka_secret", value_parser = pem(password_in))]
    pub password_file: Option<PathBuf>,
}

/// What brokers speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecurityProtocol {
    /// Neither TLS nor a password.
    Plaintext,
    /// TLS.
    Ssl,
    /// A password without TLS.
    SaslPlaintext,
    /// TLS and a password.
    SaslSsl,
}

/// How the password is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SaslMechanism {
    /// SCRAM with SHA-256.
    #[value(name = "SCRAM-SHA-256")]
    ScramSha256,
    /// SCRAM with SHA-512.
    #[value(name = "SCRAM-SHA-512")]
    ScramSha512,
    /// As it is.
    #[value(name = "PLAIN")]
    Plain,
}

/// Why Kafka cannot be spoken to as was said. Repeats no password.
#[derive(Debug, thiserror::Error)]
pub enum KafkaSecurityError {
    /// The file cannot be read any more.
    #[error("TWOFOLD_KAFKA_PASSWORD_FILE ({path}): {why}")]
    PasswordFile {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A name without a mechanism, or the other way round.
    #[error("TWOFOLD_KAFKA_SECURITY_PROTOCOL: with {0} a name and a password for Kafka are needed")]
    NoName(&'static str),
    /// A password that nobody would be shown.
    #[error("TWOFOLD_KAFKA_USERNAME: a name is shown to Kafka with sasl-ssl or sasl-plaintext only")]
    NoSasl,
}

impl KafkaSecurityConfig {
    /// The properties that librdkafka knows these things by.
    pub(super) fn properties(&self) -> Result<Vec<(String, String)>, KafkaSecurityError> {
        let mut properties = Vec::new();
        let mut set = |name: &str, value: &str| properties.push((name.to_owned(), value.to_owned()));
        let protocol = self.protocol.or_else(|| self.username.as_ref().map(|_| SecurityProtocol::SaslSsl));
        let Some(protocol) = protocol else { return Ok(properties) };
        set("security.protocol", protocol.name());
        if let Some(path) = &self.ca_file {
            set("ssl.ca.location", &path.to_string_lossy());
        }
        match (&self.username, protocol.shows_a_password()) {
            (None, false) => {}
            (None, true) => return Err(KafkaSecurityError::NoName(protocol.name())),
            (Some(_), false) => return Err(KafkaSecurityError::NoSasl),
            (Some(name), true) => {
                let mechanism = self.sasl_mechanism.unwrap_or(SaslMechanism::ScramSha512);
                set("sasl.mechanism", mechanism.name());
                set("sasl.username", name);
                let password = self.password()?;
                set("sasl.password", password.expose_secret());
            }
        }
        Ok(properties)
    }

    fn password(&self) -> Result<SecretString, KafkaSecurityError> {
        match (&self.password, &self.password_file) {
            (Some(password), _) => Ok(password.clone()),
            (None, Some(path)) => {
                password_in(path).map_err(|why| KafkaSecurityError::PasswordFile { path: path.clone(), why })
            }
            (None, None) => Err(KafkaSecurityError::NoName("a name")),
        }
    }
}

impl SecurityProtocol {
    /// As librdkafka calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    fn shows_a_password(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl SaslMechanism {
    fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::Plain => "PLAIN",
        }
    }
}

/// `sasl-ssl`, and as Kafka itself writes it: `SASL_SSL`.
fn protocol(text: &str) -> Result<SecurityProtocol, &'static str> {
    SecurityProtocol::from_str(&text.replace('_', "-"), true)
        .map_err(|_| "expected plaintext, ssl, sasl-plaintext or sasl-ssl")
}

fn password_in(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err("holds no password".to_owned()) } else { Ok(password.into()) }
}
