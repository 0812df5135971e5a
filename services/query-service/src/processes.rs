//! How processes stand: asked of the process-manager, with the caller's own token, for the caller's own tenant.
//!
//! What a process is in the middle of is no view: it changes with answers and timers that no log has. So it is asked for
//! where it is kept, and while that is away there is no answer.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http_api::headers::TRACEPARENT;
use http_api::{Problem, ProblemType};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: far above what an instance of a hundred steps is.
const LARGEST_ANSWER: usize = 4 << 20;

/// Where the process-manager is.
#[derive(Debug, Clone, clap::Args)]
pub struct ProcessManagerConfig {
    /// `http(s)://host:port` of a process-manager, or of what balances several. While it is away, queries for how
    /// processes stand are answered 503; all others do not need it.
    #[arg(
        long = "process-manager-url",
        env = "TWOFOLD_PROCESS_MANAGER_URL",
        default_value = "http://127.0.0.1:8086",
        value_name = "URL",
        id = "process_manager_url"
    )]
    pub url: String,
}

/// Asks the process-manager. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    base: Url,
    http: Client,
}

impl Processes {
    /// It need not be there.
    pub(crate) fn new(http: ClientBuilder, config: &ProcessManagerConfig) -> anyhow::Result<Self> {
        let base: Url = config.url.trim().parse().ok().context("TWOFOLD_PROCESS_MANAGER_URL is no URL")?;
        ensure!(
            matches!(base.scheme(), "http" | "https") && !base.cannot_be_a_base(),
            "TWOFOLD_PROCESS_MANAGER_URL is not an http URL"
        );
        let http = http.connect_timeout(CONNECT_TIMEOUT).build()?;
        Ok(Self { base, http })
    }

    /// How an instance stands; none where the tenant of the token has no such instance.
    pub(crate) async fn instance<T: DeserializeOwned>(
        &self,
        process: &str,
        instance: Uuid,
        token: &HeaderValue,
        traceparent: Option<&str>,
    ) -> Result<Option<T>, Problem> {
        let asked = self.ask(process, instance, token, traceparent);
        match timeout_at(Instant::now() + PATIENCE, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(away().cause(format!("the process-manager: {error:#}"))),
            Err(_) => Err(away().cause("the process-manager gave no answer in time")),
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        process: &str,
        instance: Uuid,
        token: &HeaderValue,
        traceparent: Option<&str>,
    ) -> anyhow::Result<Option<T>> {
        let url = self.base.join(&format!("v1/processes/{process}/{instance}"))?;
        let mut request = self.http.get(url).header(AUTHORIZATION, token);
        if let Some(trace) = traceparent {
            request = request.header(TRACEPARENT, trace);
        }
        let mut response = request.send().await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => bail!("it answered {status}"),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(body.len() + chunk.len() <= LARGEST_ANSWER, "its answer is too large");
            body.extend_from_slice(&chunk);
        }
        Ok(Some(serde_json::from_slice(&body).context("its answer makes no sense")?))
    }
}

fn away() -> Problem {
    Problem::new(ProblemType::Unavailable).detail("how the process stands cannot be asked for at the moment")
}
