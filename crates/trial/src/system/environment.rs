//! What services are told: where their peers are, and the rest that does not change.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;

use super::{LANES, TOPICS};

/// How long a payment may stay silent: orders have to end before the trial does.
const PAYMENT_DEADLINE_SECONDS: u32 = 15;

/// Where things are, with or without a proxy before them.
pub(super) struct Ports {
    pub(super) postgres: u16,
    pub(super) redis: u16,
    pub(super) kafka: u16,
    pub(super) registry: u16,
    pub(super) commands: u16,
}

impl Ports {
    pub(super) fn of(&self, peer: &str) -> u16 {
        match peer {
            "postgres" => self.postgres,
            "redis" => self.redis,
            "kafka" => self.kafka,
            "schema-registry" => self.registry,
            _ => self.commands,
        }
    }
}

/// What a service is told that finds its peers at these ports.
pub(super) fn environment(
    ports: &Ports,
    postgres: &str,
    addresses: &BTreeMap<&'static str, SocketAddr>,
    key: &Path,
    bug: Option<&str>,
) -> anyhow::Result<Vec<(String, String)>> {
    let database = |name| database_url(postgres, ports.postgres, name);
    let http = |port: u16| format!("http://127.0.0.1:{port}");
    let own = |name: &str| format!("http://{}", addresses[name]);
    let settings = format!(r#"{{"fulfilment":{{"payment_deadline_seconds":{PAYMENT_DEADLINE_SECONDS}}}}}"#);
    let mut told = vec![
        ("TWOFOLD_LOG_URL", database("log")?),
        ("TWOFOLD_INLINE_URL", database("log")?),
        ("TWOFOLD_VIEWS_URL", database("views")?),
        ("TWOFOLD_REGISTRY_DATABASE_URL", database("registry")?),
        ("TWOFOLD_PROCESSES_URL", database("processes")?),
        ("TWOFOLD_REDIS_URL", format!("redis://127.0.0.1:{}", ports.redis)),
        ("TWOFOLD_REDIS_PREFIX", TOPICS.to_owned()),
        ("TWOFOLD_KAFKA", format!("127.0.0.1:{}", ports.kafka)),
        ("TWOFOLD_TOPIC_PREFIX", TOPICS.to_owned()),
        ("TWOFOLD_REGISTRY_URL", http(ports.registry)),
        ("TWOFOLD_LOG_SERVICE_URL", http(ports.commands)),
        ("TWOFOLD_PROCESS_MANAGER_URL", own("process-manager")),
        ("TWOFOLD_PROJECTORS", format!("{},{}", own("projector-postgres"), own("projector-redis"))),
        ("TWOFOLD_PROCESS_SETTINGS", settings),
        ("TWOFOLD_LANES", LANES.to_string()),
        ("TWOFOLD_JWT_SECRET_FILE", key.display().to_string()),
        ("TWOFOLD_LOG", "warn".to_owned()),
    ];
    if let Some(bug) = bug {
        told.push(("TWOFOLD_SEEDED_BUG", bug.to_owned()));
    }
    Ok(told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn port_of(url: &str) -> anyhow::Result<u16> {
    let (_, after) = url.rsplit_once(':').context("a server's address has no port")?;
    let digits = after.split('/').next().unwrap_or(after);
    Ok(digits.parse()?)
}

/// The server's URL, at another port and with another database.
pub(super) fn database_url(server: &str, port: u16, database: &str) -> anyhow::Result<String> {
    let (before, _) = server.rsplit_once(':').context("a server's URL has no port")?;
    Ok(format!("{before}:{port}/{database}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_url_is_turned_to_another_port_and_database() {
        let server = "postgres://postgres:secret@127.0.0.1:5432/postgres";
        assert_eq!(port_of(server).unwrap(), 5432);
        assert_eq!(port_of("127.0.0.1:9092").unwrap(), 9092);
        let other = database_url(server, 6000, "log").unwrap();
        assert_eq!(other, "postgres://postgres:secret@127.0.0.1:6000/log");
    }
}
