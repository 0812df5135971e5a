//! The committed history of a schema, and what a new entry must keep.

use std::fs;

use wire::compatibility::{Level, Rules, may_follow};

use crate::shipped::folder;

/// Every version that a schema ever had, oldest first: `schemas/<context>/history/<Event>/<n>.avsc`.
pub(crate) struct History(pub(crate) Vec<String>);

impl History {
    pub(crate) fn of(context: &str, event_type: &str) -> Self {
        let folder = folder(context).join("history").join(event_type);
        let count =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).count();
        let read = |number: usize| {
            let file = folder.join(format!("{number}.avsc"));
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        };
        Self((1..=count).map(read).collect())
    }
}

/// Whether `current` is the newest entry, and each entry fits all before it, both ways.
pub(crate) fn check(history: &History, current: &str) -> Result<(), String> {
    let entries = &history.0;
    if entries.last().map(String::as_str) != Some(current) {
        return Err(format!(
            "the schema was edited without an entry {}.avsc in its history",
            entries.len() + 1
        ));
    }
    for (at, entry) in entries.iter().enumerate() {
        may_follow(entry, &entries[..at], Level::FullTransitive, Rules::Events)
            .map_err(|why| format!("version {} may not follow: {why}", at + 1))?;
    }
    Ok(())
}

const FIRST: &str = r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"long"}]}"#;

fn with(field: &str) -> String {
    FIRST.replace("]}", &format!(",{field}]}}"))
}

#[test]
fn an_edit_needs_an_entry() {
    let edited = with(r#"{"name":"b","type":"long","default":0}"#);
    let history = History(vec![FIRST.to_owned()]);
    assert!(check(&history, &edited).unwrap_err().contains("2.avsc"));
    assert_eq!(check(&History(vec![FIRST.to_owned(), edited.clone()]), &edited), Ok(()));
    assert!(check(&History(Vec::new()), FIRST).is_err());
}

#[test]
fn an_entry_must_fit_more_than_the_one_before_it() {
    let dropped = with(r#"{"name":"b","type":"long","default":0}"#);
    let reused = with(r#"{"name":"b","type":"string","default":""}"#);
    let history = [FIRST.to_owned(), dropped, FIRST.to_owned(), reused.clone()];
    let why = check(&History(history.into()), &reused).unwrap_err();
    assert!(why.contains("version 4") && why.contains("version 2"), "{why}");
}
