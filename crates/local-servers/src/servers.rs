//! The servers of one folder together: started side by side, stopped together, watched together.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use crate::child::{Launch, as_account, run};
use crate::port::{Port, claim_port};
use crate::{Home, LocalServerError, Secured, Server, kafka, nisshi, postgres, redis};

/// How often a server is started on another free port when somebody was quicker at the first.
const FREE_PORT_ATTEMPTS: u32 = 4;

/// Which program speaks the Kafka protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    /// Apache Kafka, on Java.
    Kafka,
    /// nisshi, which keeps its log in the Postgres beside it.
    Nisshi,
}

impl Broker {
    /// The one that this machine has all of, Kafka before nisshi. Fetches Kafka's jars where it has the means.
    pub async fn available(home: &Home) -> Result<Self, LocalServerError> {
        let Err(missing) = kafka::available(home).await else { return Ok(Self::Kafka) };
        if !nisshi::is_installed(home) {
            return Err(missing);
        }
        tracing::warn!(reason = %missing, "Kafka cannot be had here, nisshi takes its place");
        Ok(Self::Nisshi)
    }
}

/// Which servers shall run, and where. What is `None` is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Postgres.
    pub postgres: Option<Port>,
    /// Redis.
    pub redis: Option<Port>,
    /// A broker. nisshi needs the local Postgres.
    pub broker: Option<(Broker, Port)>,
}

/// Servers that run and answer.
#[derive(Debug, Default)]
pub struct Servers {
    /// The URL of Postgres, password and all, with the right to make databases.
    pub postgres: Option<String>,
    /// The URL of Redis.
    pub redis: Option<String>,
    /// The broker's bootstrap address.
    pub kafka: Option<String>,
    running: Vec<Server>,
}

impl Servers {
    /// Starts them side by side. When one cannot be started, the others are stopped and its error is given.
    pub async fn start(home: &Home, wanted: Wanted) -> Result<Self, LocalServerError> {
        Self::start_with(home, wanted, None).await
    }

    /// The same, but with TLS and passwords. Nisshi has neither.
    pub async fn start_secured(
        home: &Home,
        wanted: Wanted,
        secured: &Secured,
    ) -> Result<Self, LocalServerError> {
        Self::start_with(home, wanted, Some(secured)).await
    }

    async fn start_with(
        home: &Home,
        wanted: Wanted,
        secured: Option<&Secured>,
    ) -> Result<Self, LocalServerError> {
        let mut servers = Self::default();
        match servers.start_all(home, wanted, secured).await {
            Ok(()) => Ok(servers),
            Err(error) => {
                servers.stop().await;
                Err(error)
            }
        }
    }

    async fn start_all(
        &mut self,
        home: &Home,
        wanted: Wanted,
        secured: Option<&Secured>,
    ) -> Result<(), LocalServerError> {
        let store = start_one(wanted.postgres, "postgres", |port| postgres::prepare(home, port, secured));
        let cache = start_one(wanted.redis, "redis", async |port| redis::prepare(home, port, secured));
        let (apache, other) = match wanted.broker {
            Some((Broker::Kafka, port)) => (Some(port), None),
            Some((Broker::Nisshi, port)) => (None, Some(port)),
            None => (None, None),
        };
        let broker = start_one(apache, "kafka", |port| kafka::prepare(home, port, secured));
        let (store, cache, broker) = tokio::join!(store, cache, broker);
        // All that started are kept before any error is given, so that they can be stopped.
        let mut keep = |started: Result<Option<(Server, String)>, LocalServerError>| {
            started.map(|started| {
                started.map(|(server, url)| {
                    self.running.push(server);
                    url
                })
            })
        };
        let (store, cache, broker) = (keep(store), keep(cache), keep(broker));
        (self.postgres, self.redis, self.kafka) = (store?, cache?, broker?);
        if let Some(port) = other {
            let database = self.database_of_nisshi(home).await?;
            let prepare = async |port| nisshi::prepare(home, port, &database);
            if let Some((server, url)) = start_one(Some(port), "nisshi", prepare).await? {
                self.running.push(server);
                self.kafka = Some(url);
            }
        }
        Ok(())
    }

    /// nisshi keeps its log in a database of its own in the local Postgres.
    async fn database_of_nisshi(&self, home: &Home) -> Result<String, LocalServerError> {
        let server = self.postgres.as_deref().ok_or_else(|| {
            LocalServerError::Data(
                "nisshi keeps its log in the local Postgres, which is not started".to_owned(),
            )
        })?;
        let find = "SELECT count(*) FROM pg_database WHERE datname = 'broker'";
        if psql(home, server, find).await?.trim() == "0" {
            psql(home, server, "CREATE DATABASE broker").await?;
        }
        let (before, _) = server.rsplit_once('/').unwrap_or((server, ""));
        Ok(format!("{before}/broker"))
    }

    /// The servers, to look at or to hurt one in a test.
    pub fn running(&mut self) -> &mut [Server] {
        &mut self.running
    }

    /// Waits until one has ended, which none should: gives its place in [`Servers::running`] and how it ended.
    /// Can be cancelled.
    pub async fn one_ended(&mut self) -> (usize, String) {
        if self.running.is_empty() {
            return pending().await;
        }
        let waits = self.running.iter_mut().map(|server| Box::pin(server.ended()));
        first(waits.collect()).await
    }

    /// Stops them all, the broker before what it may keep its log in. What goes wrong is logged: the rest is
    /// stopped all the same.
    pub async fn stop(mut self) {
        while let Some(server) = self.running.pop() {
            let (name, started) = (server.name(), Instant::now());
            match server.stop().await {
                Ok(()) => {
                    let millis = started.elapsed().as_millis();
                    tracing::debug!(server = name, millis, "local server stopped");
                }
                Err(error) => tracing::error!(server = name, %error, "cannot stop a local server"),
            }
        }
    }
}

async fn first<T>(mut waits: Vec<Pin<Box<impl Future<Output = T>>>>) -> (usize, T) {
    poll_fn(|context| {
        for (index, wait) in waits.iter_mut().enumerate() {
            if let Poll::Ready(value) = wait.as_mut().poll(context) {
                return Poll::Ready((index, value));
            }
        }
        Poll::Pending
    })
    .await
}

async fn start_one(
    wanted: Option<Port>,
    name: &'static str,
    prepare: impl AsyncFn(u16) -> Result<(Launch, String), LocalServerError>,
) -> Result<Option<(Server, String)>, LocalServerError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let mut attempt = 1;
    loop {
        let (launch, url) = prepare(claim_port(wanted, name)?).await?;
        match Server::start(launch).await {
            Ok(server) => return Ok(Some((server, url))),
            Err(LocalServerError::PortTaken { .. })
                if wanted.is_free_choice() && attempt < FREE_PORT_ATTEMPTS =>
            {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn psql(home: &Home, server: &str, statement: &str) -> Result<String, LocalServerError> {
    let mut command = as_account(home.as_account(), None, "psql".as_ref());
    // The password not as an argument: those are for every user of the machine to see.
    let (server, password) = without_password(server);
    command.args(["-X", "-A", "-t", "-q", "-c", statement, &server]).current_dir("/");
    command.env("PGPASSWORD", password);
    run("asking Postgres (psql)", command).await
}

/// The URL that `prepare` made, in two parts.
fn without_password(url: &str) -> (String, String) {
    let parts = url.split_once("://postgres:").and_then(|(scheme, rest)| {
        let (password, place) = rest.split_once('@')?;
        Some((format!("{scheme}://postgres@{place}"), password.to_owned()))
    });
    parts.unwrap_or_else(|| (url.to_owned(), String::new()))
}
