//! `twofold processes`: how processes stand, and what is to be done with those that are stuck.

use http_api::{AuthConfig, OperatorConfig};
use process_manager::{ListedInstance, ProcessList, Reason, ShownInstance, ShownStep};
use service_runtime::config::TrustConfig;
use uuid::Uuid;

use crate::home::HomeArgs;
use crate::output::line;
use crate::projectors::{Projector, Projectors};

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProcessesCommand {
    /// List instances, by process, tenant and id.
    List {
        #[command(flatten)]
        manager: ManagerArgs,
        /// Of this process only.
        #[arg(long)]
        process: Option<String>,
        /// Of this tenant only.
        #[arg(long)]
        tenant: Option<String>,
        /// Which: `open` are those that have not ended.
        #[arg(long, default_value = "open", value_parser = ["open", "running", "compensating", "ended", "stuck", "all"])]
        state: String,
        /// Print JSON, an instance a line.
        #[arg(long)]
        json: bool,
    },
    /// Show an instance: its state, steps, timers and what it heard.
    Show {
        #[command(flatten)]
        manager: ManagerArgs,
        #[command(flatten)]
        which: WhichArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try again what an instance is stuck on: after a deploy or a setting that mends the cause.
    Retry(DoArgs),
    /// Go on without what an instance is stuck on.
    Skip(DoArgs),
    /// Undo what an instance has done, the last step first.
    Compensate(DoArgs),
}

/// Which process-manager, and the token that it is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ManagerArgs {
    /// A process-manager's URL; each answers for all. Without it, the local system's.
    #[arg(long = "process-manager", env = "TWOFOLD_PROCESS_MANAGER_URL", value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    operator: OperatorConfig,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    trust: TrustConfig,
}

/// Which instance.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WhichArgs {
    /// The process: `fulfilment`.
    process: String,
    /// Whose it is.
    tenant: String,
    /// The instance.
    instance: Uuid,
}

/// What is done with which instance, and why.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DoArgs {
    #[command(flatten)]
    manager: ManagerArgs,
    #[command(flatten)]
    which: WhichArgs,
    /// Why; it is kept, with who asked.
    #[arg(long)]
    reason: String,
}

/// Does it.
pub(crate) async fn run(home: &HomeArgs, command: ProcessesCommand) -> anyhow::Result<()> {
    match command {
        ProcessesCommand::List { manager, process, tenant, state, json } => {
            let manager = manager.open(home)?;
            list(manager.first(), process.as_deref(), tenant.as_deref(), &state, json).await
        }
        ProcessesCommand::Show { manager, which, json } => {
            let manager = manager.open(home)?;
            let shown: ShownInstance = manager.first().ask(&which.path(), &[]).await?;
            if json { Ok(line(serde_json::to_string_pretty(&shown)?)?) } else { Ok(print(&shown)?) }
        }
        ProcessesCommand::Retry(args) => act(home, args, "retry").await,
        ProcessesCommand::Skip(args) => act(home, args, "skip").await,
        ProcessesCommand::Compensate(args) => act(home, args, "compensate").await,
    }
}

impl ManagerArgs {
    fn open(&self, home: &HomeArgs) -> anyhow::Result<Manager> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => home
                .system()?
                .process_manager
                .ok_or_else(|| anyhow::anyhow!("the system runs no process-manager: name one by a flag"))?,
        };
        let all = Projectors::at_urls(vec![url.clone()], &self.operator, &self.auth, &self.trust, home)?;
        Ok(Manager { all, url })
    }
}

struct Manager {
    all: Projectors,
    url: String,
}

impl Manager {
    fn first(&self) -> Projector<'_> {
        self.all.at(&self.url)
    }
}

impl WhichArgs {
    fn path(&self) -> String {
        format!("/v1/ops/processes/{}/{}/{}", self.process, self.tenant, self.instance)
    }
}

async fn list(
    manager: Projector<'_>,
    process: Option<&str>,
    tenant: Option<&str>,
    state: &str,
    json: bool,
) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    let mut any = false;
    loop {
        let filters =
            [("process", process), ("tenant", tenant), ("state", Some(state)), ("after", after.as_deref())];
        let filters: Vec<(&str, &str)> =
            filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page: ProcessList = manager.ask("/v1/ops/processes", &filters).await?;
        for listed in &page.items {
            any = true;
            if json { line(serde_json::to_string(listed)?)? } else { print_listed(listed)? }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if !any && !json {
        line("there are none")?;
    }
    Ok(())
}

fn print_listed(listed: &ListedInstance) -> std::io::Result<()> {
    let ListedInstance { process, tenant, instance, phase, stuck, begun_at, changed_at } = listed;
    line(format_args!("{process}  {tenant}  {instance}  {phase}  since {begun_at}, last step {changed_at}"))?;
    stuck.iter().try_for_each(|stuck| line(format_args!("  stuck: {stuck}")))
}

async fn act(home: &HomeArgs, args: DoArgs, what: &str) -> anyhow::Result<()> {
    let DoArgs { manager, which, reason } = args;
    let manager = manager.open(home)?;
    let path = format!("{}/{what}", which.path());
    let shown: ShownInstance = manager.first().tell(&path, &Reason { reason }).await?;
    Ok(print(&shown)?)
}

fn print(shown: &ShownInstance) -> std::io::Result<()> {
    let ShownInstance { process, tenant, instance, phase, state, begun_at, changed_at, .. } = shown;
    line(format_args!("{process}  {tenant}  {instance}"))?;
    line(format_args!("  {phase}, begun {begun_at}, last step {changed_at}"))?;
    if let Some(stuck) = &shown.stuck {
        line(format_args!("  stuck: {stuck}"))?;
    }
    line(format_args!("  state {state}"))?;
    for step in &shown.steps {
        print_step(step)?;
    }
    for timer in &shown.timers {
        line(format_args!("  timer {} at {}", timer.name, timer.at))?;
    }
    for heard in &shown.history {
        line(format_args!("  {}  {}", heard.at, heard.what))?;
    }
    for action in &shown.operators {
        line(format_args!("  {}  {} by {}: {}", action.at, action.action, action.by, action.reason))?;
    }
    Ok(())
}

fn print_step(step: &ShownStep) -> std::io::Result<()> {
    let code = step.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    let trouble = step.trouble.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let doubt = if step.doubtful { ", in doubt for a while" } else { "" };
    let ShownStep { step: name, command, outcome, attempts, .. } = step;
    line(format_args!("  step {name}  {command}  {outcome}{code}, sent {attempts} times{doubt}{trouble}"))?;
    let Some(undo) = step.compensation.as_ref().filter(|undo| undo.outcome != "no") else { return Ok(()) };
    let trouble = undo.trouble.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    line(format_args!(
        "    undone by {}  {}, sent {} times{trouble}",
        undo.command, undo.outcome, undo.attempts
    ))
}
