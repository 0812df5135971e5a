use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use kernel::{Money, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::Deserialize;
use uuid::Uuid;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ParcelMoved {
    parcel_id: Uuid,
    moved_at: Timestamp,
    note: Option<String>,
    seen_at: Option<Timestamp>,
    price: Option<Money>,
    weight: f64,
    count: u32,
    fragile: bool,
    speed: Speed,
    labels: BTreeMap<String, String>,
    stops: Vec<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Speed {
    Slow,
    Fast,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stop {
    place: String,
    at: Option<i32>,
}

const CURRENT: &str = r#"{"type":"record","name":"ParcelMoved","namespace":"twofold.tests","fields":[
    {"name":"parcel_id","type":{"type":"string","logicalType":"uuid"}},
    {"name":"moved_at","type":{"type":"long","logicalType":"timestamp-micros"}},
    {"name":"note","type":["null","string"],"default":null},
    {"name":"seen_at","type":[{"type":"long","logicalType":"timestamp-micros"},"null"],"default":7},
    {"name":"price","type":["null",{"type":"record","name":"Money","fields":[
        {"name":"amount","type":"long"},{"name":"currency","type":"string"}]}],"default":null},
    {"name":"weight","type":"double","default":1.5},
    {"name":"count","type":"int","default":3},
    {"name":"fragile","type":"boolean","default":true},
    {"name":"speed","type":{"type":"enum","name":"Speed","symbols":["Slow","Fast"],"default":"Slow"},"default":"Fast"},
    {"name":"labels","type":{"type":"map","values":"string"},"default":{"a":"b"}},
    {"name":"stops","type":{"type":"array","items":{"type":"record","name":"Stop","fields":[
        {"name":"place","type":"string"},{"name":"at","type":["null","int"],"default":null}]}},
        "default":[{"place":"here"}]}]}"#;

#[derive(Debug, Clone, PartialEq)]
struct Events(ParcelMoved);

impl EventSet for Events {
    const SCHEMAS: &'static [(&'static str, &'static str)] = &[("ParcelMoved", CURRENT)];

    fn event_type(&self) -> &'static str {
        "ParcelMoved"
    }

    fn encode<E: EventEncoder>(&self, encoder: E) -> Result<E::Output, E::Error> {
        encoder.encode("ParcelMoved", &self.0)
    }

    fn decode<D: EventDecoder>(event_type: &str, decoder: D) -> Option<Result<Self, D::Error>> {
        (event_type == "ParcelMoved").then(|| decoder.decode("ParcelMoved").map(Self))
    }
}

fn parcels() -> impl Strategy<Value = ParcelMoved> {
    let stop = (".*", option::of(any::<i32>())).prop_map(|(place, at)| Stop { place, at });
    let times = || any::<i64>().prop_map(Timestamp::from_micros);
    let first = (any::<u128>(), times(), option::of(".*"), option::of(times()), option::of(any::<i64>()));
    let second = (-1e9..1e9, 0..=i32::MAX.cast_unsigned(), any::<bool>(), any::<bool>());
    (first, second, btree_map(".{0,8}", ".*", 0..4), vec(stop, 0..4)).prop_map(
        |((id, moved_at, note, seen_at, price), (weight, count, fragile, fast), labels, stops)| ParcelMoved {
            parcel_id: Uuid::from_u128(id),
            moved_at,
            note,
            seen_at,
            price: price.map(|amount| Money::new(amount, "EUR".parse().unwrap())),
            weight,
            count,
            fragile,
            speed: if fast { Speed::Fast } else { Speed::Slow },
            labels,
            stops,
        },
    )
}

fn codec() -> Codec<Events> {
    Codec::new().unwrap()
}

/// The schema with other fields, which are `keep`'s choice of the current ones and `more`.
fn version(keep: impl Fn(&str) -> bool, more: &[serde_json::Value]) -> String {
    let mut schema: serde_json::Value = serde_json::from_str(CURRENT).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.retain(|field| keep(field["name"].as_str().unwrap()));
    for (at, field) in more.iter().enumerate() {
        fields.insert(at * 2, field.clone());
    }
    schema.to_string()
}

/// What another implementation makes of the same bytes.
fn read_elsewhere(json: &str, body: &[u8]) -> apache_avro::types::Value {
    let schema = Schema::parse_str(json).unwrap();
    let mut rest = body;
    let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut rest).unwrap();
    assert!(rest.is_empty());
    value
}

proptest! {
    #[test]
    fn an_event_comes_back_from_its_body(parcel in parcels()) {
        let codec = codec();
        let event = Events(parcel);
        let encoded = codec.encode(&event).unwrap();
        prop_assert_eq!(codec.decode("ParcelMoved", encoded.schema, &encoded.payload).unwrap(), event);
    }

    #[test]
    fn other_implementations_read_the_same_bytes(parcel in parcels()) {
        let encoded = codec().encode(&Events(parcel.clone())).unwrap();
        let value = read_elsewhere(CURRENT, &encoded.payload);
        let schema = Schema::parse_str(CURRENT).unwrap();
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().unwrap();
        if parcel.labels.len() < 2 {
            // Their maps have no order, so that only short ones are written the same way each time.
            prop_assert_eq!(&encoded.payload[..], &writer.write_value_to_vec(value.clone()).unwrap()[..]);
        }
        let apache_avro::types::Value::Record(fields) = value else { panic!("no record") };
        prop_assert_eq!(&fields[1].1, &apache_avro::types::Value::TimestampMicros(parcel.moved_at.micros()));
    }

    #[test]
    fn an_event_of_an_older_schema_is_read_with_the_defaults(parcel in parcels()) {
        let older = version(|field| matches!(field, "parcel_id" | "moved_at" | "note"), &[
            serde_json::json!({"name": "dropped", "type": {"type": "array", "items": "string"}}),
            serde_json::json!({"name": "gone", "type": ["null", "double"]}),
        ]);
        let codec = codec();
        let schema = codec.add_writer_schema(&older).unwrap();

        #[derive(Serialize)]
        struct Older<'a> {
            dropped: [&'a str; 2],
            parcel_id: Uuid,
            gone: Option<f64>,
            moved_at: Timestamp,
            note: &'a Option<String>,
        }
        let shape = Shape::Record(RecordShape::of(&Schema::parse_str(&older).unwrap()).unwrap());
        let body = Older {
            dropped: ["a", "bc"],
            parcel_id: parcel.parcel_id,
            gone: Some(0.5),
            moved_at: parcel.moved_at,
            note: &parcel.note,
        };
        let mut payload = Vec::new();
        writing::write(&shape, &body, &mut payload).unwrap();

        let Events(read) = codec.decode("ParcelMoved", schema, &payload).unwrap();
        prop_assert_eq!(read, ParcelMoved {
            seen_at: Some(Timestamp::from_micros(7)),
            price: None,
            weight: 1.5,
            count: 3,
            fragile: true,
            speed: Speed::Fast,
            labels: [("a".to_owned(), "b".to_owned())].into(),
            stops: vec![Stop { place: "here".to_owned(), at: None }],
            ..parcel
        });
    }

    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>, parcel in parcels(), at: prop::sample::Index, flip: u8) {
        let codec = codec();
        let schema = codec.encode(&Events(parcel.clone())).unwrap().schema;
        let _ = codec.decode("ParcelMoved", schema, &bytes);
        let mut body = codec.encode(&Events(parcel)).unwrap().payload.to_vec();
        let at = at.index(body.len());
        body[at] ^= flip;
        let _ = codec.decode("ParcelMoved", schema, &body);
        body.truncate(at);
        prop_assert!(codec.decode("ParcelMoved", schema, &body).is_err());
    }

    #[test]
    fn any_text_is_a_schema_or_an_error(text in ".*", at: prop::sample::Index, cut in 0_usize..40, put in ".{0,9}") {
        let codec = codec();
        let _ = codec.add_writer_schema(&text);
        let mut edited: Vec<char> = CURRENT.chars().collect();
        let from = at.index(edited.len());
        let to = (from + cut).min(edited.len());
        edited.splice(from..to, put.chars());
        let edited: String = edited.into_iter().collect();
        let _ = codec.add_writer_schema(&edited);
        let _ = crate::normalised(&edited);
    }
}

#[test]
fn a_claimed_length_is_believed_only_when_the_bytes_are_there() {
    let codec = codec();
    let schema = codec.schemas().next().unwrap().fingerprint;
    let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert!(matches!(codec.decode("ParcelMoved", schema, &huge), Err(DecodeError::Malformed { .. })));
    let of_nothing =
        CURRENT.replace(r#"{"type":"map","values":"string"}"#, r#"{"type":"array","items":"null"}"#);
    let of_nothing = of_nothing.replace(r#"{"a":"b"}"#, "[]");
    assert!(matches!(codec.add_writer_schema(&of_nothing), Err(SchemaError::Unsupported(_))));
}

#[test]
fn a_short_schema_that_means_a_large_tree_is_refused() {
    let mut fields =
        r#"{"name":"t0","type":{"type":"record","name":"T0","fields":[{"name":"x","type":"int"}]}}"#
            .to_owned();
    for n in 1..30 {
        let inner = format!(r#"{{"name":"a","type":"T{0}"}},{{"name":"b","type":"T{0}"}}"#, n - 1);
        fields +=
            &format!(r#",{{"name":"t{n}","type":{{"type":"record","name":"T{n}","fields":[{inner}]}}}}"#);
    }
    let json = format!(
        r#"{{"type":"record","name":"ParcelMoved","namespace":"twofold.tests","fields":[{fields}]}}"#
    );
    assert!(matches!(codec().add_writer_schema(&json), Err(SchemaError::Unsupported(_))));
    let looping = r#"{"type":"record","name":"ParcelMoved","namespace":"twofold.tests","fields":[
        {"name":"again","type":["null","ParcelMoved"]}]}"#;
    assert!(matches!(codec().add_writer_schema(looping), Err(SchemaError::Unsupported(_))));
}

#[test]
fn bytes_behind_an_event_are_an_error() {
    let codec = codec();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let parcel = parcels().new_tree(&mut runner).unwrap().current();
    let encoded = codec.encode(&Events(parcel)).unwrap();
    let mut longer = encoded.payload.to_vec();
    longer.push(0);
    assert!(codec.decode("ParcelMoved", encoded.schema, &longer).is_err());
}

#[test]
fn an_unknown_type_and_an_unknown_schema_are_told_apart() {
    let codec = codec();
    let unknown = SchemaFingerprint(1);
    assert_eq!(codec.decode("ParcelMoved", unknown, b""), Err(DecodeError::UnknownSchema(unknown)));
    assert_eq!(
        codec.decode("ParcelLost", unknown, b""),
        Err(DecodeError::UnknownType("ParcelLost".to_owned()))
    );
    let stranger = r#"{"type":"record","name":"ParcelLost","namespace":"twofold.tests","fields":[]}"#;
    assert_eq!(codec.add_writer_schema(stranger), crate::fingerprint(stranger));
}

#[test]
fn a_schema_that_cannot_be_read_as_the_event_is_refused() {
    let codec = codec();
    for (from, to, at) in [
        (r#""name":"weight","type":"double""#, r#""name":"weight","type":"string""#, "weight"),
        (r#""name":"parcel_id""#, r#""name":"id""#, "parcel_id"),
        (r#""name":"place","type":"string""#, r#""name":"place","type":["null","string"]"#, "stops.place"),
    ] {
        let other =
            CURRENT.replace(from, to).replace(r#","default":1.5"#, "").replace(r#"[{"place":"here"}]"#, "[]");
        match codec.add_writer_schema(&other) {
            Err(SchemaError::Unresolvable { at: found, .. }) => assert_eq!(found, at),
            other => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
fn a_value_that_its_schema_does_not_describe_is_not_written() {
    let shape = |fields: &str| {
        let json = format!(r#"{{"type":"record","name":"T","namespace":"n","fields":[{fields}]}}"#);
        Shape::Record(RecordShape::of(&Schema::parse_str(&json).unwrap()).unwrap())
    };
    #[derive(Serialize)]
    struct Pair {
        b: i64,
        a: &'static str,
    }
    let write = |fields: &str, b: i64| {
        let mut out = Vec::new();
        writing::write(&shape(fields), &Pair { b, a: "x" }, &mut out).map(|()| out).map_err(|e| e.to_string())
    };
    let a = r#"{"name":"a","type":"string"}"#;
    let whole = format!(r#"{a},{{"name":"b","type":"int"}}"#);
    assert_eq!(write(&whole, 1).unwrap(), [2, b'x', 2], "fields leave in the order of the schema");
    assert_eq!(write(&whole, i64::MAX).unwrap_err(), "b: the schema has no integer of 64 bits here");
    assert_eq!(write(a, 1).unwrap_err(), "b: the schema has no such field");
    let defaulted = format!(r#"{whole},{{"name":"c","type":"long","default":-1}}"#);
    assert_eq!(write(&defaulted, 1).unwrap(), [2, b'x', 2, 1]);
    let needed = format!(r#"{whole},{{"name":"c","type":"long"}}"#);
    assert_eq!(write(&needed, 1).unwrap_err(), "c: the value leaves it out");
}

use proptest::strategy::ValueTree as _;
