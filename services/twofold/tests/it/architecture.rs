//! ARCHITECTURE.md is true: every arrow between crates is drawn there, and every crate is told of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use cargo_metadata::{DependencyKind, MetadataCommand};

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md")).unwrap()
}

/// What each crate of the workspace uses of the others, tests apart.
fn arrows_of_the_workspace() -> Arrows {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]);
    let metadata = command.exec().unwrap();
    let members: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let uses = |package: &cargo_metadata::Package| {
        let ours = package.dependencies.iter().filter(|used| members.contains(&used.name));
        ours.filter(|used| used.kind != DependencyKind::Development).map(|used| used.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), uses(package))).collect()
}

/// The lines `crate -> used, used` of the block fenced as `arrows`.
fn arrows_of_the_document(document: &str) -> Arrows {
    let (_, after) =
        document.split_once("```arrows\n").expect("ARCHITECTURE.md has a block fenced as arrows");
    let (block, _) = after.split_once("```").expect("the block ends");
    let lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, used) = line.split_once("->").unwrap_or((line, ""));
            let used = used.split(',').map(str::trim).filter(|used| !used.is_empty());
            (name.trim().to_owned(), used.map(str::to_owned).collect())
        })
        .collect()
}

fn drawn(arrows: &Arrows) -> String {
    let mut text = String::new();
    for (name, used) in arrows {
        let used: Vec<_> = used.iter().map(String::as_str).collect();
        writeln!(text, "{}", format!("{name} -> {}", used.join(", ")).trim_end()).unwrap();
    }
    text
}

#[test]
fn every_arrow_between_crates_is_drawn_and_every_drawn_one_exists() {
    let (exist, told) = (arrows_of_the_workspace(), arrows_of_the_document(&document()));
    if exist == told {
        return;
    }
    let mut differences = String::new();
    for name in exist.keys().chain(told.keys()).collect::<BTreeSet<_>>() {
        let none = BTreeSet::new();
        let (real, drawn) = (exist.get(name).unwrap_or(&none), told.get(name).unwrap_or(&none));
        for used in real.difference(drawn) {
            writeln!(differences, "  {name} -> {used} exists and is not drawn").unwrap();
        }
        for used in drawn.difference(real) {
            writeln!(differences, "  {name} -> {used} is drawn and does not exist").unwrap();
        }
    }
    panic!(
        "ARCHITECTURE.md's arrows differ from the crates':\n{differences}\
         Either undo the new dependency or, where it points down a layer and is wanted, draw it. \
         As it is now:\n{}",
        drawn(&exist)
    );
}

#[test]
fn a_pure_crate_uses_nothing_but_the_kernel() {
    let mut arrows = arrows_of_the_workspace();
    arrows.remove("shipped-contexts");
    assert_eq!(arrows["kernel"], BTreeSet::new());
    assert_eq!(arrows["messaging"], BTreeSet::new(), "messaging carries bytes and headers");
    let contexts = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/contexts")).unwrap();
    for context in contexts.flatten().map(|entry| entry.file_name().into_string().unwrap()) {
        if let Some(used) = arrows.get(&context) {
            assert_eq!(used, &BTreeSet::from(["kernel".to_owned()]), "{context}");
        }
    }
}

#[test]
fn a_deployable_never_uses_another() {
    let deployables = [
        "command-service",
        "relay",
        "projector-postgres",
        "projector-redis",
        "query-service",
        "process-manager",
    ];
    for (name, used) in arrows_of_the_workspace() {
        if name == "twofold" || name == "bench" {
            continue;
        }
        let wrong: Vec<_> = used.iter().filter(|used| deployables.contains(&used.as_str())).collect();
        assert!(wrong.is_empty(), "{name} uses {wrong:?}");
    }
}

#[test]
fn every_crate_is_on_the_code_map_and_no_dead_one_is() {
    let document = document();
    let (_, after) = document.split_once("\n## Code map\n").expect("a section `Code map`");
    let (map, _) = after.split_once("\n### Arrows\n").expect("a subsection `Arrows` after it");
    let exist = arrows_of_the_workspace();
    for name in exist.keys() {
        assert!(map.contains(&format!("`{name}`")), "the code map does not tell of {name}");
    }
    let entries = map.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
    for name in entries {
        assert!(exist.contains_key(name), "the code map tells of {name}, which does not exist");
    }
}
