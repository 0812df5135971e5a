//! The metrics that the code names: constants in the `telemetry` module of each crate, each with a line that says what it
//! is: `Counter, labels …: what is counted`.

use std::fs;

use super::at_root;

/// A metric.
pub(super) struct Metric {
    pub(super) name: String,
    /// `Counter`, `Gauge` or `Histogram`.
    pub(super) kind: String,
    labels: String,
    meaning: String,
}

impl Metric {
    /// Its line in the guide.
    pub(super) fn row(&self) -> String {
        let Self { name, kind, labels, meaning } = self;
        format!("| `{name}` | {} | {labels} | {meaning} |", kind.to_lowercase())
    }

    /// Whether a name in a query is one of its series.
    pub(super) fn is_meant_by(&self, name: &str) -> bool {
        let series = name.strip_prefix(self.name.as_str());
        match self.kind.as_str() {
            "Histogram" => matches!(series, Some("" | "_bucket" | "_sum" | "_count")),
            _ => series == Some(""),
        }
    }

    /// From what its constant is documented with.
    fn read(name: &str, comment: &str) -> Option<Self> {
        let (form, meaning) = comment.split_once(": ")?;
        let (kind, labels) = form.split_once(", ").unwrap_or((form, ""));
        let labels = labels.trim_start_matches("labels ").trim_start_matches("label ");
        let is_kind = matches!(kind, "Counter" | "Gauge" | "Histogram");
        let mut letters = meaning.chars();
        let meaning = letters.next()?.to_uppercase().chain(letters).collect();
        is_kind.then(|| Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            labels: labels.to_owned(),
            meaning,
        })
    }
}

/// Every metric of the workspace.
pub(super) fn declared() -> Vec<Metric> {
    let mut metrics = of_processes();
    for folder in ["crates", "services"] {
        for entry in fs::read_dir(at_root(folder)).unwrap() {
            let source = entry.unwrap().path().join("src");
            for file in ["telemetry.rs", "telemetry/names.rs"] {
                if let Ok(text) = fs::read_to_string(source.join(file)) {
                    metrics.extend(named_in(&text));
                }
            }
        }
    }
    assert!(metrics.len() > 50, "{} metrics", metrics.len());
    metrics
}

fn named_in(source: &str) -> Vec<Metric> {
    let (mut metrics, mut comment) = (Vec::new(), String::new());
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = format!("{comment} {text}").trim_start().to_owned();
            continue;
        }
        if let Some((_, name)) = line.split_once(": &str = \"") {
            let name = name.trim_end_matches("\";");
            let metric = Metric::read(name, &comment);
            metrics.push(
                metric.unwrap_or_else(|| panic!("{name} is not said to be a Counter, Gauge or Histogram")),
            );
        }
        comment.clear();
    }
    metrics
}

/// What every process says of itself, under names that are not ours.
fn of_processes() -> Vec<Metric> {
    let text = service_runtime::telemetry::render_metrics();
    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP process_"));
    helps
        .map(|line| {
            let (name, meaning) = line.split_once(' ').unwrap();
            let name = format!("process_{name}");
            let kind = if name.ends_with("_total") { "Counter" } else { "Gauge" };
            Metric::read(&name, &format!("{kind}: {meaning}")).unwrap()
        })
        .collect()
}
