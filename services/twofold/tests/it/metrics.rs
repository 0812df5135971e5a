//! Metrics are an interface: what the code calls them, the guide documents, dashboards show and alerts watch.

mod declared;
mod served;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use declared::{Metric, declared};

fn at_root(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(at_root(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What of a text is the name of a metric, as far as its looks tell.
fn names_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let begins = |word: &&str| {
        let families =
            ["twofold_", "http_requests_", "http_request_", "http_problems_", "http_tokens_", "http_key_"];
        families.iter().any(|family| word.starts_with(family) && word.len() > family.len())
            || word.starts_with("process_")
            || *word == "service_info"
    };
    // What ends so is the beginning of several.
    words.filter(begins).filter(|word| !word.ends_with('_')).collect()
}

/// Databases and roles are called alike.
const NO_METRICS: [&str; 7] = [
    "twofold_log",
    "twofold_views",
    "twofold_registry",
    "twofold_processes",
    "twofold_writer",
    "twofold_relay",
    "twofold_reader",
];

fn unknown<'t>(text: &'t str, metrics: &[Metric]) -> BTreeSet<&'t str> {
    names_in(text)
        .into_iter()
        .filter(|name| !NO_METRICS.contains(name) && !metrics.iter().any(|metric| metric.is_meant_by(name)))
        .collect()
}

#[test]
fn every_metric_is_documented_as_the_code_says_and_no_other() {
    let page = read("docs/guide/metrics.md");
    let told: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let rows: BTreeSet<String> = declared().iter().map(Metric::row).collect();
    let rows: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    let (missing, wrong): (Vec<_>, Vec<_>) =
        (rows.difference(&told).copied().collect(), told.difference(&rows).copied().collect());
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "docs/guide/metrics.md lacks these lines:\n{}\n\nand says these, which the code does not:\n{}",
        missing.join("\n"),
        wrong.join("\n")
    );
}

#[test]
fn the_guide_names_no_metric_that_there_is_not() {
    let metrics = declared();
    for entry in fs::read_dir(at_root("docs/guide")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(unknown(&text, &metrics), BTreeSet::new(), "{}", path.display());
    }
}

#[test]
fn dashboards_show_metrics_that_there_are() {
    let metrics = declared();
    let mut shown = 0;
    for entry in fs::read_dir(at_root("deploy/grafana/dashboards")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let dashboard: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            dashboard["uid"].as_str().is_some_and(|uid| uid.starts_with("twofold-")),
            "{}",
            path.display()
        );
        let panels = dashboard["panels"].as_array().unwrap();
        let expressions = panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
        for expression in expressions.map(|target| target["expr"].as_str().unwrap()) {
            assert!(!names_in(expression).is_empty(), "{}: {expression}", path.display());
            assert_eq!(unknown(expression, &metrics), BTreeSet::new(), "{}: {expression}", path.display());
            shown += 1;
        }
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "{}: panels share an id", path.display());
    }
    assert!(shown > 40, "{shown} expressions");
}

#[test]
fn alerts_watch_metrics_that_there_are_and_each_has_a_section_in_the_runbook() {
    let (rules, runbook) = (read("deploy/prometheus/alerts.yml"), read("docs/guide/runbook.md"));
    assert_eq!(unknown(&rules, &declared()), BTreeSet::new());
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let sections: Vec<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## Twofold")).collect();
    let sections: Vec<String> = sections.iter().map(|section| format!("Twofold{section}")).collect();
    assert_eq!(alerts, sections, "the runbook has the alerts' sections, in their order");
    for (alert, rule) in alerts.iter().zip(rules.split("- alert: ").skip(1)) {
        let page = format!("docs/guide/runbook.md#{}", alert.to_lowercase());
        for part in ["expr:", "for:", "severity:", "summary:", "description:", &page] {
            assert!(rule.contains(part), "{alert} has no {part}");
        }
        let section = runbook.split(&format!("## {alert}\n")).nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        for part in ["**What it means.**", "**What to look at.**", "**What to type.**"] {
            assert!(section.contains(part), "the runbook's {alert} does not say {part}");
        }
    }
}
