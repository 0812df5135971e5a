//! The projectors, as an operator asks them over HTTP.

use std::time::Duration;

use anyhow::{Context, bail};
use http_api::{AuthConfig, OperatorConfig, OperatorTokens};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use service_runtime::config::ExposeSecret;

use crate::home::HomeArgs;

/// How long a projector may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Which projectors, and the token that they are shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ProjectorsArgs {
    /// A projector's URL, one of each kind. Without it, the local system's.
    #[arg(long = "projector", env = "TWOFOLD_PROJECTORS", value_delimiter = ',', value_name = "URL")]
    urls: Vec<String>,
    #[command(flatten)]
    operator: OperatorConfig,
    #[command(flatten)]
    auth: AuthConfig,
}

/// Some projectors.
pub(crate) struct Projectors {
    client: Client,
    urls: Vec<String>,
    tokens: OperatorTokens,
}

impl ProjectorsArgs {
    pub(crate) fn open(&self, home: &HomeArgs) -> anyhow::Result<Projectors> {
        let mut urls = self.urls.clone();
        if urls.is_empty() {
            urls = home.system()?.projectors;
        }
        let mut auth = self.auth.clone();
        let is_told = auth.secret()?.is_some()
            || self.operator.ops_token.is_some()
            || self.operator.ops_token_file.is_some();
        if !is_told {
            auth.jwt_secret = Some(home.key()?);
        }
        let tokens = OperatorTokens::new(&self.operator, &auth)?;
        let client = Client::builder().timeout(ANSWER_TIMEOUT).build()?;
        Ok(Projectors { client, urls, tokens })
    }
}

impl Projectors {
    /// Asks each of them the same.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut answers = Vec::with_capacity(self.urls.len());
        for url in &self.urls {
            let url = format!("{}{path}", url.trim_end_matches('/'));
            answers.push(self.send(&url, self.client.get(&url)).await?);
        }
        Ok(answers)
    }

    async fn send<T: DeserializeOwned>(&self, url: &str, request: RequestBuilder) -> anyhow::Result<T> {
        let token = self.tokens.token()?;
        let answer = request.bearer_auth(token.expose_secret()).send().await;
        let answer = answer.with_context(|| format!("cannot reach {url}; is the system up?"))?;
        let status = answer.status();
        if !status.is_success() {
            let problem: serde_json::Value = answer.json().await.unwrap_or_default();
            let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or_default();
            bail!("{url} answered {status}: {detail}");
        }
        answer.json().await.with_context(|| format!("{url} answered something else than was expected"))
    }
}
