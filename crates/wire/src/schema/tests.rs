use super::*;

#[test]
fn fingerprints_are_those_of_the_specification() {
    for (json, expected) in [
        (r#""null""#, 0x63dd_24e7_cc25_8f8a_u64),
        (r#""boolean""#, 0x9f42_fc78_a4d4_f764),
        (r#"{"type":"int"}"#, 0x7275_d51a_3f39_5c8f),
    ] {
        assert_eq!(fingerprint(json), Ok(SchemaFingerprint(expected.cast_signed())), "{json}");
    }
}

#[test]
fn the_canonical_form_keeps_what_decides_about_bytes() {
    let json = r#"{"doc":"Moved.","namespace":"a.b","name":"Moved","type":"record","aliases":["Shifted"],"fields":[
        {"name":"id","type":{"type":"string","logicalType":"uuid"},"doc":"Which."},
        {"type":{"type":"fixed","size":16,"name":"Hash"},"name":"hash"},
        {"type":["null",{"type":"array","items":"Hash"}],"name":"more","default":null},
        {"type":{"type":"enum","symbols":["X","Y"],"name":"c.Axis","doc":"Which way."},"name":"axis"},
        {"type":{"type":"map","values":{"type":"c.Axis"}},"name":"turns"}]}"#;
    assert_eq!(
        canonical_form(json).unwrap(),
        concat!(
            r#"{"name":"a.b.Moved","type":"record","fields":[{"name":"id","type":"string"},"#,
            r#"{"name":"hash","type":{"name":"a.b.Hash","type":"fixed","size":16}},"#,
            r#"{"name":"more","type":["null",{"type":"array","items":"a.b.Hash"}]},"#,
            r#"{"name":"axis","type":{"name":"c.Axis","type":"enum","symbols":["X","Y"]}},"#,
            r#"{"name":"turns","type":{"type":"map","values":"c.Axis"}}]}"#
        )
    );
}

#[test]
fn the_canonical_form_of_a_canonical_form_is_itself() {
    let json =
        r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":["null","long"]}]}"#;
    let canonical = canonical_form(json).unwrap();
    assert_eq!(canonical_form(&canonical).unwrap(), canonical);
    assert_eq!(fingerprint(&canonical), fingerprint(json));
}

#[test]
fn only_a_record_has_a_record_name() {
    let named = r#"{"type":"record","name":"ProductCreated","namespace":"twofold.catalog","fields":[]}"#;
    assert_eq!(record_name(named).as_deref(), Ok("twofold.catalog.ProductCreated"));
    assert_eq!(record_name(r#""string""#), Err(SchemaError::NotARecord));
    assert!(matches!(record_name("{"), Err(SchemaError::Invalid(_))));
}

#[test]
fn texts_that_differ_in_their_writing_only_are_normalised_to_one() {
    let one = r#"{"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}]}"#;
    let other = r#"{"fields":[{"type":"long","name":"a"}],"name":"R","type":"record"}"#;
    assert_eq!(normalised(one), normalised(other));
    assert_ne!(normalised(one), normalised(&other.replace("long", "int")));
}
