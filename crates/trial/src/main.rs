//! The trial: the whole system as processes of its own, clients at work, faults by a schedule, and a checker that
//! holds every answer against the log, the topics and the views.

mod check;
mod client;
mod evenness;
mod faults;
mod history;
mod observed;
mod proof;
mod proxy;
mod run;
mod schedule;
mod system;
mod verdict;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum as _};

use tokio::signal::unix::{SignalKind, signal};

use run::Plan;
use schedule::Kind;

/// Ends with 0 where everything held, with 1 where something did not, with 2 where the trial could not be made.
#[derive(Debug, Parser)]
#[command(name = "trial")]
struct Args {
    /// What decides everything that is left to chance; another one with each run, and told.
    #[arg(long)]
    seed: Option<u64>,
    /// How long clients are at work.
    #[arg(long, default_value_t = 3.0, value_name = "MINUTES")]
    minutes: f64,
    /// How many there are.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    clients: u32,
    /// Only these kinds of fault; `--faults=` for none.
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    faults: Option<Vec<String>>,
    /// Where a folder for each run goes: its history, its schedule, its verdict, what the services said.
    #[arg(long, default_value = "target/trial", value_name = "FOLDER")]
    keep: PathBuf,
    /// Make the faults of an earlier run again, whose folder this is.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["seed", "minutes", "clients", "faults"])]
    replay: Option<PathBuf>,
    /// The program under trial; the `twofold` beside this one without.
    #[arg(long, value_name = "PROGRAM")]
    twofold: Option<PathBuf>,
    /// Awaken this bug in a program that was built with the feature `seeded-bugs`, to see the trial find it.
    #[arg(long, value_name = "BUG")]
    bug: Option<String>,
    /// Try each bug in turn with each of these seeds, and print how often it was found: 0 where always.
    #[arg(long, value_delimiter = ',', value_name = "SEEDS", conflicts_with_all = ["seed", "minutes", "replay"])]
    prove: Option<Vec<u64>>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Everything that runs ends with this process, however that ends.
    let ended = tokio::select! {
        ended = Box::pin(try_out(args)) => ended,
        interrupted = interrupted() => Err(interrupted),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("trial: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn interrupted() -> anyhow::Error {
    let listening = signal(SignalKind::terminate());
    let Ok(mut terminate) = listening else { return anyhow::anyhow!("cannot listen for signals") };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    anyhow::anyhow!("interrupted")
}

/// Whether everything held.
async fn try_out(args: Args) -> anyhow::Result<bool> {
    let twofold = match args.twofold {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("twofold"),
    };
    ensure!(twofold.exists(), "{} is not there: ./scripts/trial builds it", twofold.display());
    let kinds = kinds(args.faults.as_deref())?;
    if let Some(seeds) = &args.prove {
        let bugs = args.bug.as_deref().map_or(proof::BUGS.to_vec(), |bugs| bugs.split(',').collect());
        return Box::pin(proof::prove(&bugs, seeds, args.clients, &kinds, &twofold, &args.keep)).await;
    }
    let plan = match &args.replay {
        Some(folder) => Plan::read(folder)?,
        None => {
            ensure!(args.minutes > 0.0 && args.minutes <= 24.0 * 60.0, "a trial takes some minutes");
            let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
            Plan::new(seed, args.clients, args.minutes, &kinds)
        }
    };
    let name = format!("{}-{}", plan.seed, history::now() / 1_000_000);
    let folder = args.keep.join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    plan.write(&folder)?;
    let verdict = Box::pin(run::run(&plan, &twofold, &folder, args.bug.as_deref())).await?;
    let page = verdict.to_string();
    std::fs::write(folder.join("verdict.txt"), &page)?;
    std::fs::write(folder.join("verdict.json"), serde_json::to_vec_pretty(&verdict)?)?;
    print!("{page}");
    println!("Kept in {}", folder.display());
    Ok(verdict.findings.hold())
}

fn kinds(named: Option<&[String]>) -> anyhow::Result<Vec<Kind>> {
    let Some(named) = named else { return Ok(Kind::value_variants().to_vec()) };
    let of_name = |name: &String| {
        let all = || Kind::value_variants().iter().filter_map(|kind| kind.to_possible_value());
        let known = || all().map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        Kind::from_str(name, false).map_err(|_| anyhow::anyhow!("no fault {name}; there are: {}", known()))
    };
    named.iter().filter(|name| !name.is_empty()).map(of_name).collect()
}
