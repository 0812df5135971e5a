use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

use super::*;

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"Moved","namespace":"twofold.tests","fields":[{fields}]}}"#)
}

fn both_ways(new: &str, old: &str) -> Result<(), Refusal> {
    may_follow(new, &[old], Level::FullTransitive, Rules::Events)
}

const A: &str = r#"{"name":"a","type":"string"}"#;

#[test]
fn a_field_with_a_default_may_come_and_go() {
    let more = record(&format!(r#"{A},{{"name":"b","type":["null","string"],"default":null}}"#));
    assert_eq!(both_ways(&more, &record(A)), Ok(()));
    assert_eq!(both_ways(&record(A), &more), Ok(()));
}

#[test]
fn documentation_order_and_defaults_may_change() {
    let b = r#"{"name":"b","type":"long","default":1}"#;
    let other = r#"{"name":"b","type":"long","default":2,"doc":"B."}"#;
    assert_eq!(both_ways(&record(&format!("{A},{b}")), &record(&format!("{other},{A}"))), Ok(()));
}

#[test]
fn a_field_without_a_default_may_neither_come_nor_go() {
    let more = record(&format!(r#"{A},{{"name":"b","type":"string"}}"#));
    assert!(matches!(both_ways(&more, &record(A)), Err(Refusal::Backward { version: 1, .. })));
    assert!(matches!(both_ways(&record(A), &more), Err(Refusal::Forward { version: 1, .. })));
}

#[test]
fn each_of_these_edits_is_refused() {
    let of = |kind: &str| record(&format!(r#"{{"name":"a","type":{kind}}}"#));
    let point = |name: &str| {
        format!(r#"{{"type":"record","name":"{name}","fields":[{{"name":"x","type":"long"}}]}}"#)
    };
    let suits = |symbols: &str| format!(r#"{{"type":"enum","name":"Suit","symbols":[{symbols}]}}"#);
    for (new, old) in [
        (r#""int""#, r#""long""#),
        (r#""string""#, r#""bytes""#),
        (r#"["null","string"]"#, r#""string""#),
        (r#""string""#, r#"{"type":"string","logicalType":"uuid"}"#),
        (
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
        ),
        (r#"{"type":"array","items":"int"}"#, r#"{"type":"array","items":"long"}"#),
        (r#"{"type":"map","values":"int"}"#, r#"{"type":"map","values":"string"}"#),
        (&point("Here"), &point("There")),
        (&suits(r#""HEARTS","SPADES""#), &suits(r#""HEARTS""#)),
        (r#"{"type":"fixed","name":"F","size":4}"#, r#"{"type":"fixed","name":"F","size":5}"#),
    ] {
        assert!(both_ways(&of(new), &of(old)).is_err(), "{old} became {new}");
        assert!(both_ways(&of(old), &of(new)).is_err(), "{new} became {old}");
    }
    let renamed = record(r#"{"name":"b","aliases":["a"],"type":"string"}"#);
    assert!(both_ways(&renamed, &record(A)).is_err(), "an alias helps new readers only");
    let moved = record(A).replace("twofold.tests", "twofold.other");
    assert!(both_ways(&moved, &record(A)).is_err());
}

#[test]
fn transitive_levels_look_behind_the_latest_version() {
    let first = record(A);
    let second = record(r#"{"name":"a","type":"string","default":""}"#);
    let third = record("");
    let history = [first, second];
    assert_eq!(may_follow(&third, &history, Level::Full, Rules::Avro), Ok(()));
    assert!(matches!(
        may_follow(&third, &history, Level::FullTransitive, Rules::Avro),
        Err(Refusal::Forward { version: 1, .. })
    ));
    assert_eq!(may_follow(&third, &history, Level::BackwardTransitive, Rules::Avro), Ok(()));
    assert_eq!(may_follow("\"int\"", &history, Level::None, Rules::Avro), Ok(()));
}

#[test]
fn registries_allow_what_the_specification_allows() {
    let reads = |new: &str, old: &str| may_follow(new, &[old], Level::Backward, Rules::Avro).is_ok();
    for (new, old) in [
        (r#""long""#, r#""int""#),
        (r#""double""#, r#""float""#),
        (r#""bytes""#, r#""string""#),
        (r#"["null","long"]"#, r#""int""#),
        (r#"["int","string"]"#, r#"["string"]"#),
        (
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"A"}"#,
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
        ),
        (
            r#"{"type":"record","name":"New","aliases":["Old"],"fields":[]}"#,
            r#"{"type":"record","name":"Old","fields":[]}"#,
        ),
    ] {
        assert!(reads(new, old), "{new} reads {old}");
    }
    assert!(!reads(r#""int""#, r#""long""#));
    assert!(!reads(r#""int""#, r#"["int","string"]"#));
}

#[test]
fn a_recursive_schema_is_compared_to_its_end() {
    let list = |head: &str| {
        format!(
            r#"{{"type":"record","name":"List","fields":[{{"name":"head","type":"{head}"}},
               {{"name":"tail","type":["null","List"],"default":null}}]}}"#
        )
    };
    assert_eq!(may_follow(&list("long"), &[list("int")], Level::Backward, Rules::Avro), Ok(()));
    assert!(may_follow(&list("int"), &[list("long")], Level::Backward, Rules::Avro).is_err());
}

#[test]
fn the_parsers_own_checker_has_the_gaps_that_this_one_closes() {
    let own = |new: &str, old: &str| {
        SchemaCompatibility::can_read(&Schema::parse_str(old).unwrap(), &Schema::parse_str(new).unwrap())
    };
    // Partly readable is not readable.
    assert_eq!(own(r#""int""#, r#"["int","string"]"#).unwrap(), Compatibility::Partial);
    // A type that is defined at its first use, which reordering moves.
    let money = r#"{"type":"record","name":"Money","fields":[{"name":"amount","type":"long"}]}"#;
    let fields = |first: &str, second: &str| {
        record(&format!(r#"{{"name":"{first}","type":{money}}},{{"name":"{second}","type":"Money"}}"#))
    };
    assert!(own(&fields("a", "b"), &fields("b", "a")).is_err());
    assert_eq!(both_ways(&fields("a", "b"), &fields("b", "a")), Ok(()));
    // Milliseconds read as microseconds.
    let time = |unit: &str| format!(r#"{{"type":"long","logicalType":"timestamp-{unit}"}}"#);
    assert_eq!(own(&time("millis"), &time("micros")).unwrap(), Compatibility::Full);
}
