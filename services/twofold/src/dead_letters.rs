//! `twofold dead-letters`: events that did not get into a row, and what is to be done with them.

use anyhow::{bail, ensure};
use projection::{Asked, Chosen, DeadLetter, DeadLetters};

use crate::home::HomeArgs;
use crate::output::line;
use crate::projectors::{Projectors, ProjectorsArgs};

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List what is parked, by store, view, lane and sequence.
    List {
        #[command(flatten)]
        projectors: ProjectorsArgs,
        #[command(flatten)]
        of: Of,
        /// Print JSON, a letter a line.
        #[arg(long)]
        json: bool,
    },
    /// Show one letter with its record, as JSON. A view that two stores keep may have it in both.
    Show {
        #[command(flatten)]
        projectors: ProjectorsArgs,
        /// The letter.
        id: String,
    },
    /// Fold again what is parked: after a deploy that mends the cause.
    Retry {
        #[command(flatten)]
        projectors: ProjectorsArgs,
        #[command(flatten)]
        chosen: ChosenArgs,
    },
    /// Give letters up: their rows go on without these events, and differ from the log from then on.
    Discard {
        #[command(flatten)]
        projectors: ProjectorsArgs,
        #[command(flatten)]
        chosen: ChosenArgs,
        /// Why; it is kept, with who asked.
        #[arg(long)]
        reason: String,
    },
}

/// Of which view and tenant.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Of {
    /// Of this view only.
    #[arg(long)]
    view: Option<String>,
    /// Of this tenant only.
    #[arg(long)]
    tenant: Option<String>,
}

/// Which letters.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChosenArgs {
    /// These letters; with each, all others of the same row or stream.
    ids: Vec<String>,
    /// All letters, or all of a view or a tenant.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    of: Of,
}

/// Does it.
pub(crate) async fn run(home: &HomeArgs, command: DeadLettersCommand) -> anyhow::Result<()> {
    match command {
        DeadLettersCommand::List { projectors, of, json } => list(&projectors.open(home)?, &of, json).await,
        DeadLettersCommand::Show { projectors, id } => show(&projectors.open(home)?, &id).await,
        DeadLettersCommand::Retry { projectors, chosen } => {
            ask(&projectors.open(home)?, "retry", "retried", chosen.into_chosen(None)?).await
        }
        DeadLettersCommand::Discard { projectors, chosen, reason } => {
            ask(&projectors.open(home)?, "discard", "discarded", chosen.into_chosen(Some(reason))?).await
        }
    }
}

impl ChosenArgs {
    fn into_chosen(self, reason: Option<String>) -> anyhow::Result<Chosen> {
        let Self { ids, all, of: Of { view, tenant } } = self;
        ensure!(all || !ids.is_empty(), "name letters, or say --all");
        Ok(Chosen { ids, all, view, tenant, reason })
    }
}

async fn list(projectors: &Projectors, of: &Of, json: bool) -> anyhow::Result<()> {
    let mut any = false;
    for projector in projectors.each() {
        let mut after: Option<String> = None;
        loop {
            let filters = [("view", &of.view), ("tenant", &of.tenant), ("after", &after)];
            let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
            let filters: Vec<(&str, &str)> = filters.collect();
            let page: DeadLetters = projector.ask("/v1/ops/dead-letters", &filters).await?;
            for letter in &page.items {
                any = true;
                if json { line(serde_json::to_string(letter)?)? } else { print(letter)? }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    if !any && !json {
        line("nothing is parked")?;
    }
    Ok(())
}

fn print(letter: &DeadLetter) -> std::io::Result<()> {
    let DeadLetter { id, store, version, sequence, reason, why, attempts, parked_at, offset, .. } = letter;
    let whose = letter.tenant.as_deref().unwrap_or("-");
    let what = match (&letter.key, &letter.stream) {
        (Some(key), _) => format!("row {key}"),
        (None, Some(stream)) => format!("stream {stream}"),
        (None, None) => format!("record at offset {offset}"),
    };
    line(format_args!("{id}  {store} v{version}  {whose}  {what}  sequence {sequence}"))?;
    line(format_args!("  {reason}, tried {attempts} times, parked {parked_at}: {why}"))
}

async fn show(projectors: &Projectors, id: &str) -> anyhow::Result<()> {
    let mut any = false;
    for projector in projectors.each() {
        if let Some(letter) = projector.find::<DeadLetter>(&format!("/v1/ops/dead-letters/{id}")).await? {
            any = true;
            line(serde_json::to_string_pretty(&letter)?)?;
        }
    }
    if !any {
        bail!("there is no letter {id}");
    }
    Ok(())
}

async fn ask(projectors: &Projectors, what: &str, done: &str, chosen: Chosen) -> anyhow::Result<()> {
    let mut asked = 0;
    for projector in projectors.each() {
        let answer: Asked = projector.tell(&format!("/v1/ops/dead-letters/{what}"), &chosen).await?;
        asked += answer.asked;
    }
    ensure!(asked > 0, "nothing of that is parked");
    line(format_args!("{asked} rows, streams or records are being {done}: see `twofold dead-letters list`"))?;
    Ok(())
}
