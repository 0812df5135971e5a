//! Bugs that the trial has to find are in no build but its own.

use std::fs;
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand};

const FEATURE: &str = "seeded-bugs";

fn workspace() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]).exec().unwrap()
}

#[test]
fn no_crate_has_a_seeded_bug_by_default_or_asks_for_one_of_another() {
    let workspace = workspace();
    let seeded = workspace.packages.iter().filter(|package| package.features.contains_key(FEATURE));
    assert!(seeded.count() > 1, "there is nothing to look for");
    for package in &workspace.packages {
        for (feature, others) in package.features.iter().filter(|(feature, _)| *feature != FEATURE) {
            let awakens = others.iter().any(|other| other.ends_with(FEATURE));
            assert!(!awakens, "{}'s feature {feature} brings seeded bugs along", package.name);
        }
        for dependency in &package.dependencies {
            let awakens = dependency.features.iter().any(|feature| feature == FEATURE);
            assert!(!awakens, "{} asks {} for its seeded bugs", package.name, dependency.name);
        }
    }
}

#[test]
fn nothing_that_builds_releases_and_images_asks_for_them_or_for_all_features() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for builder in
        ["deploy/Dockerfile", "docker-compose.yml", "scripts/up", "scripts/twofold", "scripts/bench"]
    {
        let text = fs::read_to_string(root.join(builder)).unwrap();
        assert!(!text.contains(FEATURE) && !text.contains("--all-features"), "{builder}");
    }
}
