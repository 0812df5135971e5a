//! The projectors, as an operator asks them over HTTP.

use std::time::Duration;

use anyhow::{Context, bail};
use http_api::{AuthConfig, OperatorConfig, OperatorTokens};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_runtime::config::{ExposeSecret, TrustConfig};

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
    #[command(flatten)]
    trust: TrustConfig,
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
        Projectors::at_urls(urls, &self.operator, &self.auth, &self.trust, home)
    }
}

impl Projectors {
    /// Services at these URLs, asked as an operator.
    pub(crate) fn at_urls(
        urls: Vec<String>,
        operator: &OperatorConfig,
        auth: &AuthConfig,
        trust: &TrustConfig,
        home: &HomeArgs,
    ) -> anyhow::Result<Self> {
        let mut auth = auth.clone();
        let is_told =
            auth.secret()?.is_some() || operator.ops_token.is_some() || operator.ops_token_file.is_some();
        if !is_told {
            auth.jwt_secret = Some(home.key()?);
        }
        let tokens = OperatorTokens::new(operator, &auth)?;
        let client = trust.http_client()?.timeout(ANSWER_TIMEOUT).build()?;
        Ok(Self { client, urls, tokens })
    }

    /// Asks each of them the same.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        Ok(self.ask(path).await?.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Asks each of them the same; says whose answer it is.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<(String, T)>> {
        let mut answers = Vec::with_capacity(self.urls.len());
        for url in &self.urls {
            let path = format!("{}{path}", url.trim_end_matches('/'));
            answers.push((url.clone(), self.send(&path, self.client.get(&path)).await?));
        }
        Ok(answers)
    }

    /// Each of them, to be asked by itself.
    pub(crate) fn each(&self) -> impl Iterator<Item = Projector<'_>> {
        self.urls.iter().map(|url| Projector { all: self, url: url.trim_end_matches('/') })
    }

    /// The one with this URL.
    pub(crate) fn at<'a>(&'a self, url: &'a str) -> Projector<'a> {
        Projector { all: self, url: url.trim_end_matches('/') }
    }

    async fn send<T: DeserializeOwned>(&self, url: &str, request: RequestBuilder) -> anyhow::Result<T> {
        let answer = self.answer(url, request).await?;
        Self::read(url, answer).await
    }

    async fn answer(&self, url: &str, request: RequestBuilder) -> anyhow::Result<Response> {
        let token = self.tokens.token()?;
        let answer = request.bearer_auth(token.expose_secret()).send().await;
        answer.with_context(|| format!("cannot reach {url}; is the system up?"))
    }

    async fn read<T: DeserializeOwned>(url: &str, answer: Response) -> anyhow::Result<T> {
        let status = answer.status();
        if !status.is_success() {
            let problem: serde_json::Value = answer.json().await.unwrap_or_default();
            let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or_default();
            bail!("{url} answered {status}: {detail}");
        }
        answer.json().await.with_context(|| format!("{url} answered something else than was expected"))
    }
}

/// One projector.
pub(crate) struct Projector<'a> {
    all: &'a Projectors,
    url: &'a str,
}

impl Projector<'_> {
    /// Asks it with these parameters.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.url);
        let mut whole: Url = url.parse().with_context(|| format!("{url} is not a url"))?;
        whole.query_pairs_mut().extend_pairs(query);
        self.all.send(&url, self.all.client.get(whole)).await
    }

    /// Asks it for something that it may not have.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        let url = format!("{}{path}", self.url);
        let answer = self.all.answer(&url, self.all.client.get(&url)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Projectors::read(&url, answer).await.map(Some)
    }

    /// Tells it something.
    pub(crate) async fn tell<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.url);
        let json = serde_json::to_vec(body)?;
        let request = self.all.client.post(&url).header(CONTENT_TYPE, "application/json").body(json);
        self.all.send(&url, request).await
    }
}
