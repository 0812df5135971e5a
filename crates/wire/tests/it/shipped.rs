//! Every shipped event beside its schema file.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kernel::{Context, ContextVisitor, EventSet};
use serde_json::Value;
use wire::Codec;

use crate::history::{History, check};
use crate::samples;

/// Runs a check on each context.
struct Each<F: OnContext>(F);

trait OnContext {
    fn check<C: Context>(&self);
}

impl<F: OnContext> ContextVisitor for Each<F> {
    fn context<C: Context>(&mut self) {
        self.0.check::<C>();
    }
}

fn each(check: impl OnContext) {
    shipped_contexts::visit(&mut Each(check));
}

pub(crate) fn folder(context: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas")).join(context)
}

fn names_in(folder: &PathBuf) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_event_reads_and_writes_every_field_of_its_schema() {
    struct RoundTrips;
    impl OnContext for RoundTrips {
        fn check<C: Context>(&self) {
            let codec = Codec::<C::Event>::new().unwrap();
            for known in codec.schemas() {
                for seed in 0..samples::SEEDS {
                    let body = samples::body(known.json, seed);
                    let event = codec
                        .decode(known.event_type, known.fingerprint, &body)
                        .unwrap_or_else(|error| panic!("{}: {error}", known.event_type));
                    assert_eq!(event.event_type(), known.event_type);
                    let again = codec.encode(&event).unwrap();
                    assert_eq!((again.event_type, again.schema), (known.event_type, known.fingerprint));
                    assert_eq!(
                        samples::read(known.json, &again.payload),
                        samples::read(known.json, &body),
                        "{} does not keep what its schema says",
                        known.event_type
                    );
                }
            }
        }
    }
    each(RoundTrips);
}

#[test]
fn every_schema_is_named_after_its_context_and_event_and_has_one_file() {
    struct Names;
    impl OnContext for Names {
        fn check<C: Context>(&self) {
            let folder = folder(C::NAME);
            let mut expected: BTreeSet<String> = [String::from("history")].into();
            for (event_type, json) in C::Event::SCHEMAS {
                assert_eq!(wire::record_name(json).unwrap(), format!("twofold.{}.{event_type}", C::NAME));
                let file = format!("{event_type}.avsc");
                assert_eq!(fs::read_to_string(folder.join(&file)).unwrap(), *json);
                assert!(expected.insert(file), "{event_type} is named twice");
            }
            assert_eq!(names_in(&folder), expected, "files of no event, or events of no file");
        }
    }
    each(Names);
}

#[test]
fn every_type_and_field_is_documented() {
    struct Documented;
    impl OnContext for Documented {
        fn check<C: Context>(&self) {
            for (event_type, json) in C::Event::SCHEMAS {
                documented(&serde_json::from_str(json).unwrap(), event_type);
            }
        }
    }
    each(Documented);
}

fn documented(schema: &Value, at: &str) {
    match schema {
        Value::Array(variants) => variants.iter().for_each(|variant| documented(variant, at)),
        Value::Object(object) => {
            if object.contains_key("name") {
                let says = object.get("doc").and_then(Value::as_str).unwrap_or_default();
                assert!(says.len() > 3 && says.ends_with('.'), "{at} has no sentence as its doc: {says:?}");
            }
            for inner in ["type", "items", "values"] {
                object.get(inner).into_iter().for_each(|inner| documented(inner, at));
            }
            for field in object.get("fields").and_then(Value::as_array).into_iter().flatten() {
                documented(field, &format!("{at}.{}", field["name"]));
            }
        }
        _ => {}
    }
}

#[test]
fn every_schema_is_the_newest_of_its_history_and_fits_all_of_it() {
    struct Histories;
    impl OnContext for Histories {
        fn check<C: Context>(&self) {
            for (event_type, current) in C::Event::SCHEMAS {
                let history = History::of(C::NAME, event_type);
                check(&history, current).unwrap_or_else(|why| panic!("{}/{event_type}: {why}", C::NAME));
            }
        }
    }
    each(Histories);
}

#[test]
fn no_event_of_the_past_has_lost_its_type() {
    struct Kept;
    impl OnContext for Kept {
        fn check<C: Context>(&self) {
            let known = C::Event::SCHEMAS.iter().map(|(event_type, _)| (*event_type).to_owned()).collect();
            assert_eq!(names_in(&folder(C::NAME).join("history")), known, "logs keep events for ever");
        }
    }
    each(Kept);
}

#[test]
fn every_version_that_ever_was_is_read_as_the_event_of_today() {
    struct Readable;
    impl OnContext for Readable {
        fn check<C: Context>(&self) {
            let codec = Codec::<C::Event>::new().unwrap();
            for (event_type, _) in C::Event::SCHEMAS {
                for json in &History::of(C::NAME, event_type).0 {
                    let schema = codec.add_writer_schema(json).unwrap();
                    for seed in 0..samples::SEEDS {
                        let body = samples::body(json, seed);
                        let event = codec.decode(event_type, schema, &body);
                        let event = event.unwrap_or_else(|error| panic!("{event_type}: {error}"));
                        assert_eq!(event.event_type(), *event_type);
                    }
                }
            }
        }
    }
    each(Readable);
}

#[test]
fn whatever_edit_breaks_a_reader_or_a_writer_is_refused() {
    struct Refused;
    impl OnContext for Refused {
        fn check<C: Context>(&self) {
            for (event_type, current) in C::Event::SCHEMAS {
                let edits = breaking_edits(&serde_json::from_str(current).unwrap());
                assert!(!edits.is_empty());
                for (what, edited) in edits {
                    let mut history = History::of(C::NAME, event_type);
                    history.0.push(edited.clone());
                    assert!(check(&history, &edited).is_err(), "{event_type}: {what}");
                }
            }
        }
    }
    each(Refused);
}

/// The schema with each of its fields left out, renamed and of another type, and with a new one that has no default.
fn breaking_edits(schema: &Value) -> Vec<(String, String)> {
    let fields = schema["fields"].as_array().unwrap();
    let edit = |what: String, edit: &dyn Fn(&mut Vec<Value>)| {
        let mut schema = schema.clone();
        edit(schema["fields"].as_array_mut().unwrap());
        (what, schema.to_string())
    };
    let added = serde_json::json!({"name": "added", "type": "string", "doc": "Added."});
    let mut edits = vec![edit("a field without default".to_owned(), &|fields| fields.push(added.clone()))];
    for (at, field) in fields.iter().enumerate() {
        let name = &field["name"];
        if field.get("default").is_none() {
            edits.push(edit(format!("without {name}"), &|fields| drop(fields.remove(at))));
            edits.push(edit(format!("{name} renamed"), &|fields| fields[at]["name"] = "renamed".into()));
        }
        edits.push(edit(format!("{name} of another type"), &|fields| {
            fields[at]["type"] = if field["type"] == "boolean" { "string" } else { "boolean" }.into();
            fields[at].as_object_mut().unwrap().remove("default");
        }));
    }
    edits
}
