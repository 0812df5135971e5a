//! Servers as they stand in a network that is not trusted: TLS, and passwords on all of them.

use std::fmt;
use std::path::PathBuf;

use crate::port::{Port, claim_port};
use crate::{Home, LocalServerError};

/// What servers show of themselves and whom they let in, for tests of whoever connects to them. Postgres then takes no
/// connection without TLS; Redis and Kafka have a port for it beside their plain one.
#[derive(Clone)]
pub struct Secured {
    certificate: String,
    key: String,
    user: String,
    password: String,
    redis: u16,
    kafka: u16,
}

impl Secured {
    /// Servers that show this certificate, with this key (both PEM), and know one user.
    pub fn new(certificate: &str, key: &str, user: &str, password: &str) -> Result<Self, LocalServerError> {
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            redis: claim_port(Port::Free, "redis over TLS")?,
            kafka: claim_port(Port::Free, "kafka over TLS")?,
        })
    }

    /// Where Redis speaks TLS.
    pub fn redis_port(&self) -> u16 {
        self.redis
    }

    /// Where Kafka speaks TLS and asks for the password by SCRAM.
    pub fn kafka_port(&self) -> u16 {
        self.kafka
    }

    /// Both in files in the server's folder: the certificate, and its key.
    fn files(&self, home: &Home, server: &'static str) -> Result<(PathBuf, PathBuf), LocalServerError> {
        let folder = home.server_folder(server)?;
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        home.write(&certificate, &self.certificate)?;
        home.write(&key, &self.key)?;
        Ok((certificate, key))
    }

    pub(crate) fn of_postgres(&self, home: &Home) -> Result<Vec<String>, LocalServerError> {
        let (certificate, key) = self.files(home, "postgres")?;
        let rules = home.server_folder("postgres")?.join("hba.conf");
        home.write(&rules, "hostssl all all 127.0.0.1/32 scram-sha-256\n")?;
        Ok(vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", certificate.display()),
            format!("ssl_key_file={}", key.display()),
            format!("hba_file={}", rules.display()),
        ])
    }

    pub(crate) fn of_redis(&self, home: &Home) -> Result<Vec<String>, LocalServerError> {
        let (certificate, key) = self.files(home, "redis")?;
        let paths = [certificate, key].map(|path| path.display().to_string());
        let [certificate, key] = &paths;
        let settings = [
            ("--tls-port", &*self.redis.to_string()),
            ("--tls-cert-file", certificate),
            ("--tls-key-file", key),
            // Only for clients that show a certificate, which none is asked to.
            ("--tls-ca-cert-file", certificate),
            ("--tls-auth-clients", "no"),
            ("--user", &self.user),
        ];
        let rights = ["on".to_owned(), format!(">{}", self.password), "~*".to_owned(), "&*".to_owned()];
        let settings = settings.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
        Ok(settings.chain(rights).chain(["+@all".to_owned()]).collect())
    }

    /// The broker's settings, to be put after the plain ones; each name is there once.
    pub(crate) fn of_kafka(&self, home: &Home) -> Result<String, LocalServerError> {
        let folder = home.server_folder("kafka")?;
        let shown = folder.join("tls.pem");
        home.write(&shown, &format!("{}{}", self.key, self.certificate))?;
        Ok(format!(
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={}
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
",
            shown.display()
        ))
    }

    /// How Kafka is told of the user when its storage is made.
    pub(crate) fn users_of_kafka(&self) -> [String; 4] {
        let (name, password) = (&self.user, &self.password);
        let user = |mechanism: &str| format!("{mechanism}=[name={name},password={password}]");
        let add = || "--add-scram".to_owned();
        [add(), user("SCRAM-SHA-256"), add(), user("SCRAM-SHA-512")]
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secured")
            .field("redis", &self.redis)
            .field("kafka", &self.kafka)
            .finish_non_exhaustive()
    }
}
