//! Whether and where spans are sent, under the names that OpenTelemetry gives these settings.

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret as _, SecretString};
use traces::{Sampler, Sampling};

use super::url;

/// Where spans are sent, and which. What else OpenTelemetry names for its exporter and its queue is read from the
/// environment as well: `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_BSP_*`,
/// `OTEL_RESOURCE_ATTRIBUTES`.
#[derive(Debug, Clone, Args)]
pub struct TracesConfig {
    /// The collector that spans are sent to, by OTLP over HTTP with protobuf: `http://collector:4318`. Without one no
    /// span is made, at no cost.
    #[arg(long = "otlp-endpoint", env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL",
        value_parser = url::http, hide_env_values = true)]
    pub endpoint: Option<SecretString>,
    /// The same for spans alone, with its whole path.
    #[arg(long = "otlp-traces-endpoint", env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL",
        value_parser = url::http, hide_env_values = true)]
    pub traces_endpoint: Option<SecretString>,
    /// Which requests begin a trace, and whether their callers decide. Whatever is done for a request's events later
    /// follows what was decided then.
    #[arg(
        long,
        env = "OTEL_TRACES_SAMPLER",
        default_value = "parentbased_traceidratio",
        value_name = "NAME"
    )]
    pub traces_sampler: SamplerName,
    /// The share of traces that a `traceidratio` keeps, from 0 to 1. Each sampled command costs about ten spans.
    #[arg(long, env = "OTEL_TRACES_SAMPLER_ARG", default_value = "1", value_parser = share, value_name = "SHARE")]
    pub traces_sampler_arg: f64,
    /// What the process is called in traces; its own name unless said.
    #[arg(long, env = "OTEL_SERVICE_NAME", value_name = "NAME")]
    pub otel_service_name: Option<String>,
}

/// The samplers that OpenTelemetry names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum SamplerName {
    /// All, whatever callers say.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share of all, whatever callers say.
    Traceidratio,
    /// As callers say; all where they say nothing.
    ParentbasedAlwaysOn,
    /// As callers say; none where they say nothing.
    ParentbasedAlwaysOff,
    /// As callers say; a share where they say nothing.
    ParentbasedTraceidratio,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            traces_endpoint: None,
            traces_sampler: SamplerName::ParentbasedTraceidratio,
            traces_sampler_arg: 1.0,
            otel_service_name: None,
        }
    }
}

impl TracesConfig {
    /// The URL that spans are posted to; none where there is no collector.
    pub fn url(&self) -> Option<String> {
        if let Some(whole) = &self.traces_endpoint {
            return Some(whole.expose_secret().to_owned());
        }
        let base = self.endpoint.as_ref()?.expose_secret();
        Some(format!("{}/v1/traces", base.trim_end_matches('/')))
    }

    pub(crate) fn sampling(&self) -> Sampling {
        use SamplerName::{
            AlwaysOff, AlwaysOn, ParentbasedAlwaysOff, ParentbasedAlwaysOn, ParentbasedTraceidratio,
            Traceidratio,
        };
        let (sampler, hears_caller) = match self.traces_sampler {
            AlwaysOn => (Sampler::Always, false),
            AlwaysOff => (Sampler::Never, false),
            Traceidratio => (Sampler::Ratio, false),
            ParentbasedAlwaysOn => (Sampler::Always, true),
            ParentbasedAlwaysOff => (Sampler::Never, true),
            ParentbasedTraceidratio => (Sampler::Ratio, true),
        };
        Sampling { sampler, hears_caller, ratio: self.traces_sampler_arg }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}
