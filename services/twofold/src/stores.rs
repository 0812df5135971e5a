//! The stores that the commands about views look into.

use service_runtime::config::SecretString;

use crate::home::HomeArgs;

/// Which stores.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StoresArgs {
    /// The views' database. Without it, the local system's.
    #[arg(long, env = "TWOFOLD_VIEWS_URL", hide_env_values = true, value_name = "URL")]
    views_url: Option<SecretString>,
    /// The views' Redis. Without it, the local system's.
    #[arg(long, env = "TWOFOLD_REDIS_URL", hide_env_values = true, value_name = "URL")]
    redis_url: Option<SecretString>,
    /// What keys in Redis begin with. Without it, what those of the local system begin with, else `twofold`.
    #[arg(long, env = "TWOFOLD_REDIS_PREFIX", value_name = "PREFIX")]
    redis_prefix: Option<String>,
}

/// Where they are.
pub(crate) struct Places {
    pub(crate) views_url: SecretString,
    pub(crate) redis_url: SecretString,
    pub(crate) redis_prefix: String,
}

impl StoresArgs {
    pub(crate) fn places(&self, home: &HomeArgs) -> anyhow::Result<Places> {
        let (views_url, redis_url, prefix) = match (&self.views_url, &self.redis_url) {
            (Some(views), Some(redis)) => (views.clone(), redis.clone(), "twofold".to_owned()),
            (views, redis) => {
                let system = home.system()?;
                (
                    views.clone().unwrap_or_else(|| system.views_url.into()),
                    redis.clone().unwrap_or_else(|| system.redis_url.into()),
                    system.redis_prefix,
                )
            }
        };
        let redis_prefix = self.redis_prefix.clone().unwrap_or(prefix);
        Ok(Places { views_url, redis_url, redis_prefix })
    }
}
