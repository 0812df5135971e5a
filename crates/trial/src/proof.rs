//! The checker is proved: each of the bugs that a build was seeded with has to be found.

use std::fmt::Write as _;
use std::path::Path;

use crate::run::{Plan, run};
use crate::schedule::Kind;
use crate::verdict::Rule;

/// The bugs, as `TWOFOLD_SEEDED_BUG` awakens them.
pub(crate) const BUGS: [&str; 8] = [
    "acknowledge-before-commit",
    "skip-a-hole",
    "checkpoint-before-rows",
    "once-only-off",
    "publish-out-of-order",
    "letter-without-successors",
    "wait-ignored",
    "claim-not-enforced",
];

/// How long clients are at work for each bug and seed.
const MINUTES: f64 = 0.7;

/// Tries each bug with each seed. Whether all were found every time.
pub(crate) async fn prove(
    bugs: &[&str],
    seeds: &[u64],
    clients: u32,
    kinds: &[Kind],
    twofold: &Path,
    keep: &Path,
) -> anyhow::Result<bool> {
    let mut table = String::from("| bug | found | first broken rules |\n|---|---|---|\n");
    let mut all = true;
    for bug in bugs {
        let mut found = 0;
        let mut rules: Vec<Rule> = Vec::new();
        for seed in seeds {
            let folder = keep.join(format!("{bug}-{seed}"));
            std::fs::create_dir_all(&folder)?;
            let plan = Plan::new(*seed, clients, MINUTES, kinds);
            plan.write(&folder)?;
            let verdict = Box::pin(run(&plan, twofold, &folder, Some(bug))).await?;
            std::fs::write(folder.join("verdict.txt"), verdict.to_string())?;
            let broken = verdict.findings.broken();
            eprintln!("{bug}, seed {seed}: {broken:?}");
            found += usize::from(!broken.is_empty());
            rules.extend(broken);
        }
        rules.sort_unstable();
        rules.dedup();
        all &= found == seeds.len();
        let rules: Vec<String> = rules.iter().map(|rule| format!("{rule:?}").to_lowercase()).collect();
        writeln!(table, "| `{bug}` | {found} of {} | {} |", seeds.len(), rules.join(", "))?;
    }
    print!("{table}");
    Ok(all)
}
