use super::*;

fn hash(body: &str) -> [u8; 32] {
    OnceHasher::new(b"secret").hash("library/lend", body.as_bytes(), &["password"]).unwrap()
}

#[test]
fn spacing_order_and_escapes_do_not_matter() {
    let plain = hash(r#"{"title":"Émile","copies":2,"tags":["a",{"x":1,"y":null}]}"#);
    let other = hash("{ \"tags\": [\"a\", {\"y\":null,\"x\":1}],\n\"copies\":2, \"title\":\"\\u00c9mile\" }");
    assert_eq!(plain, other);
}

#[test]
fn another_value_another_field_or_another_place_matters() {
    let bodies = [
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"a":-1}"#,
        r#"{"a":1.5}"#,
        r#"{"a":[1]}"#,
        r#"{"a":null}"#,
        r#"{"a":true}"#,
        r#"{"a":false}"#,
        r#"{"b":1}"#,
        r#"{"a":{}}"#,
        r#"{"a":1,"b":{}}"#,
        r#"{"a":[[1],2]}"#,
        r#"{"a":[[1,2]]}"#,
        r#"{}"#,
    ];
    for (index, one) in bodies.iter().enumerate() {
        for other in &bodies[index + 1..] {
            assert_ne!(hash(one), hash(other), "{one} and {other}");
        }
    }
}

#[test]
fn the_command_and_the_installation_are_part_of_it() {
    let body = b"{}";
    let here = OnceHasher::new(b"secret");
    let elsewhere = OnceHasher::new(b"other secret");
    let lend = here.hash("library/lend", body, &[]).unwrap();
    assert_ne!(lend, here.hash("library/return", body, &[]).unwrap());
    assert_ne!(lend, elsewhere.hash("library/lend", body, &[]).unwrap());
}

#[test]
fn a_secret_leaves_no_trace() {
    assert_eq!(hash(r#"{"name":"x","password":"one"}"#), hash(r#"{"name":"x","password":"two"}"#));
    assert_eq!(hash(r#"{"name":"x"}"#), hash(r#"{"name":"x","password":"two"}"#));
    assert_ne!(hash(r#"{"name":"x"}"#), hash(r#"{"name":"x","pass":"two"}"#));
}
