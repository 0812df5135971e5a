//! What a run prints and keeps.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Value, json};

use crate::load::Round;

/// The figures of one side.
pub(crate) fn side(round: &Round) -> Value {
    let at = |quantile: f64| round.latency_us.value_at_quantile(quantile);
    json!({
        "done": round.done,
        "seconds": round.took.as_secs_f64(),
        "per_second": round.rate().round(),
        "latency_us": {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": round.latency_us.max()},
    })
}

/// How many times as long as theirs ours took.
pub(crate) fn latency_ratio(ours: &Round, theirs: &Round) -> Value {
    let ratio = |quantile: f64| {
        let at = |round: &Round| {
            u32::try_from(round.latency_us.value_at_quantile(quantile)).map_or(0.0, f64::from)
        };
        at(ours) / at(theirs)
    };
    json!({"p50": ratio(0.5), "p99": ratio(0.99)})
}

/// The machine and what durability was paid for, as far as they matter to a figure.
pub(crate) async fn conditions(postgres: &str) -> anyhow::Result<Value> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let pool = sqlx::PgPool::connect(postgres).await.context("connect to the run's Postgres")?;
    let (version, fsync, commit): (String, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')",
    )
    .fetch_one(&pool)
    .await?;
    pool.close().await;
    Ok(json!({
        "cores": cores,
        "load_average_before": load.split_whitespace().next().unwrap_or_default(),
        "postgres": {"version": version, "fsync": fsync, "synchronous_commit": commit},
    }))
}

/// Prints the result and keeps it as `<target>/bench/<name>.json`.
pub(crate) fn keep(name: &str, result: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)?;
    println!("{text}");
    let executable = std::env::current_exe()?;
    let target = executable.parent().and_then(|profile| profile.parent()).map(PathBuf::from);
    let folder = target.context("the program lies in no target folder")?.join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, text).with_context(|| format!("write {}", file.display()))
}
