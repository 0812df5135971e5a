//! One multiplexed connection that comes back by itself.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, ScriptInvocation, ServerErrorKind,
    TlsCertificates,
};

use crate::{ReadError, StoreError};

/// How long Redis may take to answer. A large page of rows is there in milliseconds; beyond this it is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to Redis, made when it is first used and made anew after it was lost or stopped answering.
pub(super) struct RedisConnection {
    client: Client,
    current: Mutex<Option<ConnectionManager>>,
}

impl RedisConnection {
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        let refused = |_| StoreError::Misconfigured("the url of redis was not accepted".to_owned());
        let client = match authorities(url)? {
            Some(pem) => {
                Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
            None => Client::open(url),
        };
        Ok(Self { client: client.map_err(refused)?, current: Mutex::new(None) })
    }

    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.get()?;
        command.query_async(&mut connection).await.map_err(|error| self.failed(&error))
    }

    pub(super) async fn pipeline<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let mut connection = self.get()?;
        pipeline.query_async(&mut connection).await.map_err(|error| self.failed(&error))
    }

    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut connection = self.get()?;
        script.invoke_async(&mut connection).await.map_err(|error| self.failed(&error))
    }

    fn get(&self) -> Result<ConnectionManager, StoreError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*current {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            // Who uses it tries again by itself and tells readiness why.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), config)
            .map_err(|error| store_error(&error))?;
        Ok(current.insert(connection).clone())
    }

    /// A connection that no longer answers is given up: behind a network that drops packets it never would.
    fn failed(&self, error: &RedisError) -> StoreError {
        if error.is_io_error() {
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        store_error(error)
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's own output may show a password.
        out.write_str("RedisConnection")
    }
}

/// Whom to believe over TLS, where the URL names a file: `rediss://…?sslrootcert=/path`, as URLs of Postgres do.
fn authorities(url: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let misconfigured = |why: String| StoreError::Misconfigured(why);
    let Some(parsed) = redis::parse_redis_url(url) else { return Ok(None) };
    if parsed.fragment().is_some() {
        return Err(misconfigured(
            "the url of redis has a fragment: certificates are always checked".to_owned(),
        ));
    }
    let Some((_, path)) = parsed.query_pairs().find(|(name, _)| name == "sslrootcert") else {
        return Ok(None);
    };
    if parsed.scheme() != "rediss" {
        return Err(misconfigured("sslrootcert goes with rediss://, which speaks TLS".to_owned()));
    }
    let read = std::fs::read(&*path);
    read.map(Some).map_err(|error| misconfigured(format!("sslrootcert of redis ({path}): {error}")))
}

fn store_error(error: &RedisError) -> StoreError {
    use ServerErrorKind as Server;
    // A detail may repeat what was sent; a code does not.
    let told = || error.code().map_or_else(|| error.category().to_owned(), str::to_owned);
    match error.kind() {
        ErrorKind::Io => StoreError::Unavailable(error.to_string()),
        ErrorKind::AuthenticationFailed => StoreError::Unavailable("redis refused the password".to_owned()),
        ErrorKind::Server(
            Server::BusyLoading
            | Server::TryAgain
            | Server::ClusterDown
            | Server::MasterDown
            | Server::ReadOnly
            | Server::NotBusy
            | Server::NoScript
            | Server::ExecAbort
            | Server::NoPerm,
        ) => StoreError::Unavailable(told()),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreError::Corrupt(told()),
        ErrorKind::Client | ErrorKind::InvalidClientConfig => StoreError::Misconfigured(told()),
        // Full (OOM), failing to save (MISCONF), short of replicas (NOREPLICAS), busy: passing states, all of them.
        _ if matches!(
            error.code(),
            Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY" | "NOAUTH" | "WRONGPASS")
        ) =>
        {
            StoreError::Unavailable(told())
        }
        _ => StoreError::Refused(told()),
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) | StoreError::Emptied(why) | StoreError::Misconfigured(why) => {
                Self::Away(why)
            }
            StoreError::Moved => Self::Away("moved".to_owned()),
            StoreError::Refused(why) | StoreError::Corrupt(why) | StoreError::Unfoldable(why) => {
                Self::Corrupt(why)
            }
        }
    }
}
