//! `twofold migrate`: the tables of every database that is named, made or brought up to date. Services do the same for
//! theirs at start; a deployment does it before, once, with a role that may.
//!
//! Migrations only go forward, and services of the release before go on with what is there afterwards. Repeating it
//! changes nothing; several at once wait for each other; killed, it leaves each migration done or not begun.

use anyhow::{Context, ensure};
use event_log::EventLog;
use read_store::{let_read_postgres, migrate_postgres};
use service_runtime::config::{SecretString, url};

use crate::log::connect;
use crate::output::line;

/// Which databases. Those that are not named are left alone.
#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// The log's database.
    #[arg(long, env = "TWOFOLD_LOG_URL", hide_env_values = true, value_name = "URL", value_parser = url::postgres)]
    log_url: Option<SecretString>,
    /// The views' database. The tables of the views themselves are made by their projector.
    #[arg(long, env = "TWOFOLD_VIEWS_URL", hide_env_values = true, value_name = "URL", value_parser = url::postgres)]
    views_url: Option<SecretString>,
    /// The processes' database.
    #[arg(long, env = "TWOFOLD_PROCESSES_URL", hide_env_values = true, value_name = "URL",
        value_parser = url::postgres)]
    processes_url: Option<SecretString>,
    /// The built-in registry's database, where that is used.
    #[arg(long, env = "TWOFOLD_REGISTRY_DATABASE_URL", hide_env_values = true, value_name = "URL",
        value_parser = url::postgres)]
    registry_database_url: Option<SecretString>,
    /// The role of the command-service, which is then allowed to append to the log and can neither change nor take away
    /// what was recorded. It must exist, as the others do. Once a role is named, databases
    /// are closed to all that are neither named nor their owner.
    #[arg(long, env = "TWOFOLD_WRITER_ROLE", value_name = "ROLE")]
    writer: Option<String>,
    /// The role of the relay: it reads events, and moves cursors and leases.
    #[arg(long, env = "TWOFOLD_RELAY_ROLE", value_name = "ROLE")]
    relay: Option<String>,
    /// The role of the query-service: it reads what is served, of the log's and of the views' database, and nothing
    /// else.
    #[arg(long, env = "TWOFOLD_READER_ROLE", value_name = "ROLE")]
    reader: Option<String>,
}

/// Does it, and says what was done.
pub(crate) async fn run(args: &MigrateArgs) -> anyhow::Result<()> {
    let urls = [&args.log_url, &args.views_url, &args.processes_url, &args.registry_database_url];
    ensure!(
        urls.iter().any(|url| url.is_some()),
        "no database is named: set TWOFOLD_LOG_URL, TWOFOLD_VIEWS_URL, TWOFOLD_PROCESSES_URL or \
         TWOFOLD_REGISTRY_DATABASE_URL"
    );
    let names_roles = args.writer.is_some() || args.relay.is_some() || args.reader.is_some();
    if let Some(url) = &args.log_url {
        command_service::migrate(url).await.context("migrate the log's database")?;
        let pool = connect(url, "the log's database").await?;
        if let Some(role) = &args.writer {
            EventLog::let_append(&pool, role).await.context("let the command-service append to the log")?;
        }
        if let Some(role) = &args.relay {
            EventLog::let_publish(&pool, role).await.context("let the relay publish the log")?;
        }
        if let Some(role) = &args.reader {
            EventLog::let_read(&pool, role).await.context("let the reader read the log's database")?;
        }
        if names_roles {
            EventLog::close_to_others(&pool).await.context("close the log's database to all other roles")?;
        }
        line("log: up to date")?;
    }
    if let Some(url) = &args.views_url {
        let pool = connect(url, "the views' database").await?;
        migrate_postgres(&pool).await.context("migrate the views' database")?;
        if let Some(role) = &args.reader {
            let_read_postgres(&pool, role).await.context("let the reader read the views' database")?;
        }
        line("views: up to date")?;
    }
    if let Some(url) = &args.processes_url {
        process_manager::migrate(url).await.context("migrate the processes' database")?;
        if names_roles {
            process_manager::close_to_others(url)
                .await
                .context("close the processes' database to other roles")?;
        }
        line("processes: up to date")?;
    }
    if let Some(url) = &args.registry_database_url {
        schema_registry::migrate(url).await.context("migrate the registry's database")?;
        line("registry: up to date")?;
    }
    Ok(())
}
