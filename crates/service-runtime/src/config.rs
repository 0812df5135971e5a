//! Configuration pieces, one struct per concern; a service flattens those that it uses.
//!
//! Every value has an environment variable and a flag. A value that does not parse stops the process with a
//! sentence about it. Secrets are [`SecretString`]s: no `Debug` output shows them.

use std::fmt::Debug;
use std::net::SocketAddr;

use clap::{Arg, ArgAction, Args, Command};

mod databases;
mod kafka;
mod parking;

pub use databases::{LogDatabaseConfig, LogServiceConfig, RedisConfig, ViewsDatabaseConfig};
pub use kafka::{KafkaConfig, RegistryConfig};
pub use parking::ParkingConfig;
pub use secrecy::{ExposeSecret, SecretString};

/// Where a service listens.
#[derive(Debug, Clone, Args)]
pub struct ListenConfig {
    /// Address and port of this service's HTTP. A port that is taken stops the start.
    #[arg(long, env = "TWOFOLD_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
}

/// What a service says about itself while it runs.
#[derive(Debug, Clone, Args)]
pub struct TelemetryConfig {
    /// Which log lines are written, as `level` or `target=level,…`. `debug` costs throughput; above `warn`,
    /// refusals to start and lost dependencies go unseen.
    #[arg(long = "log", env = "TWOFOLD_LOG", default_value = "info", value_name = "FILTER")]
    pub filter: String,
    /// How log lines look: `text` for people, `json` for collectors.
    #[arg(long = "log-format", env = "TWOFOLD_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub format: LogFormat,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How many lanes new tenants are spread over.
#[derive(Debug, Clone, Copy, Args)]
pub struct LanesConfig {
    /// Lanes per context, and so partitions per topic. May grow, never shrink: tenants stay where they are.
    /// More lanes spread tenants over more projectors; each costs a head row, a partition and a lease.
    #[arg(long, env = "TWOFOLD_LANES", default_value_t = 12, value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub lanes: u16,
}

impl Default for LanesConfig {
    fn default() -> Self {
        Self { lanes: 12 }
    }
}

/// Reads a service's configuration from flags and environment, or ends the process with a sentence about what
/// is wrong. `listen` is where the service listens unless it is told otherwise: `"0.0.0.0:8080"`.
/// `--print-config` prints the values that would be used, secrets redacted, and ends the process.
pub fn parse<C: Args + Debug>(service: &'static str, listen: &'static str) -> C {
    let matches = command::<C>(service, listen).get_matches();
    match C::from_arg_matches(&matches) {
        Ok(config) if matches.get_flag(PRINT_CONFIG) => {
            println!("{config:#?}");
            std::process::exit(0)
        }
        Ok(config) => config,
        Err(error) => error.exit(),
    }
}

const PRINT_CONFIG: &str = "print_config";

fn command<C: Args>(service: &'static str, listen: &'static str) -> Command {
    let command = C::augment_args(Command::new(service).version(env!("CARGO_PKG_VERSION"))).arg(
        Arg::new(PRINT_CONFIG)
            .long("print-config")
            .action(ArgAction::SetTrue)
            .help("Print the values that would be used, secrets redacted, and exit"),
    );
    if !command.get_arguments().any(|arg| arg.get_id() == "listen") {
        return command;
    }
    command.mut_arg("listen", |arg| arg.required(false).default_value(listen))
}

#[cfg(test)]
mod tests;
