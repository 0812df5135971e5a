//! The `twofold` command line: runs the whole platform on one machine and looks after it, wherever it runs.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod begin_anew;
mod dead_letters;
mod decode;
mod events;
mod from_log;
mod home;
mod kafka;
mod lag;
mod log;
mod migrate;
mod output;
mod processes;
mod projections;
mod projectors;
mod rebuild;
mod refold;
mod replay;
mod servers;
mod service;
mod stores;
mod token;
mod up;
mod verify;

/// Runs Twofold on one machine and looks after it, wherever it runs.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Twofold {
    #[command(flatten)]
    home: home::HomeArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything on this machine until interrupted.
    Up(Box<up::UpArgs>),
    /// Run one service as this process.
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Print a token for the running system, and nothing else.
    Token(token::TokenArgs),
    /// How far publishing and each view are behind the log.
    Lag(lag::LagArgs),
    /// How every view stands in every store: its version, how far each lane has come, and what keeps it.
    Projections(projections::ProjectionsArgs),
    /// Events that did not get into a row, and what is to be done with them.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// How processes stand, and what is to be done with those that are stuck.
    #[command(subcommand)]
    Processes(processes::ProcessesCommand),
    /// Build a view anew beside the build that is read, and read it when it is complete and was checked.
    Rebuild(rebuild::RebuildArgs),
    /// Go back to the build of a view that was read before.
    Rollback(rebuild::RollbackArgs),
    /// What happened, as JSON.
    #[command(subcommand)]
    Events(events::EventsCommand),
    /// Check that history is what was recorded.
    #[command(subcommand)]
    Verify(verify::VerifyCommand),
    /// Publish a stretch of the log to its topic once more, beside the relay that runs.
    Replay(replay::ReplayArgs),
    /// Begin a new history, after the log's database was restored from a backup that lacks its last events.
    BeginAnew(begin_anew::BeginAnewArgs),
    /// Make the tables of databases, or bring them up to date, before services of a new release start.
    Migrate(migrate::MigrateArgs),
    /// Local Postgres, Redis and Kafka by themselves.
    #[command(subcommand)]
    Servers(servers::ServersCommand),
}

fn main() -> ExitCode {
    let Twofold { home, command } = Twofold::parse();
    let apart = match &command {
        Command::Service(service) => service.threads_apart(),
        _ => 0,
    };
    let done = match service_runtime::runtime(apart) {
        Ok(runtime) => runtime.block_on(run(home, command)),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(code) => code,
        Err(error) if output::is_unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twofold: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(home: home::HomeArgs, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(args) => Box::pin(up::run(&home, *args)).await.map(|()| ExitCode::SUCCESS),
        Command::Service(service) => service::run(service).await.map(|()| ExitCode::SUCCESS),
        Command::Token(args) => token::run(&home, &args).map(|()| ExitCode::SUCCESS),
        Command::Lag(args) => lag::run(&home, &args).await.map(|()| ExitCode::SUCCESS),
        Command::Projections(args) => projections::run(&home, &args).await.map(|()| ExitCode::SUCCESS),
        Command::DeadLetters(command) => dead_letters::run(&home, command).await.map(|()| ExitCode::SUCCESS),
        Command::Processes(command) => processes::run(&home, command).await.map(|()| ExitCode::SUCCESS),
        Command::Rebuild(args) => rebuild::run(&home, &args).await,
        Command::Rollback(args) => rebuild::roll_back(&home, &args).await.map(|()| ExitCode::SUCCESS),
        Command::Events(command) => events::run(&home, command).await.map(|()| ExitCode::SUCCESS),
        Command::Verify(command) => verify::run(&home, command).await,
        Command::BeginAnew(args) => begin_anew::run(&home, &args).await.map(|()| ExitCode::SUCCESS),
        Command::Replay(args) => Box::pin(replay::run(&home, args)).await.map(|()| ExitCode::SUCCESS),
        Command::Migrate(args) => migrate::run(&args).await.map(|()| ExitCode::SUCCESS),
        Command::Servers(command) => servers::run(command).await,
    }
}
