use catalog::{Category, CategoryCreated, CategoryRejection, CategoryState};
use kernel::{Decision, Facts, Money, Timestamp, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::*;

/// A sample of all that a body can be wrong in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sample {
    sample_id: Option<Uuid>,
    name: String,
    price: Money,
    #[serde(default, rename = "deposit")]
    _deposit: Option<Money>,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(rename = "due")]
    _due: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    #[schemars(range(min = 1, max = 10))]
    quantity: i32,
}

impl Command for Sample {
    const NAME: &'static str = "sample";
    type Decider = Category;
    type Rejection = CategoryRejection;

    fn validate(&self, violations: &mut Violations) {
        violations.line("name", &self.name, 5);
        violations.positive("price.amount", self.price.amount, 1_000);
        for (index, item) in self.items.iter().enumerate() {
            violations.positive(&format!("items[{index}].quantity"), item.quantity.into(), 10);
        }
    }

    fn stream_id(&self) -> Option<Uuid> {
        self.sample_id
    }

    fn decide(&self, _: &CategoryState, facts: &Facts) -> Verdict<Self> {
        Ok(Decision::record(CategoryCreated { category_id: facts.id, name: self.name.clone() }))
    }
}

fn read_text(body: &str) -> Result<Sample, BodyError> {
    read(&BodySchema::of::<Sample>().unwrap(), body.as_bytes())
}

#[track_caller]
fn assert_invalid(body: &serde_json::Value, expected: &[(&str, &str)]) {
    match read_text(&body.to_string()) {
        Err(BodyError::Invalid(errors)) => assert_eq!(pairs(&errors), expected),
        other => panic!("expected an invalid body, but {other:?}"),
    }
}

#[track_caller]
fn assert_mistyped(body: &serde_json::Value, expected: &[(&str, &str)]) {
    match read_text(&body.to_string()) {
        Err(BodyError::Mistyped(errors)) => assert_eq!(pairs(&errors), expected),
        other => panic!("expected a mistyped body, but {other:?}"),
    }
}

fn pairs(errors: &[FieldError]) -> Vec<(&str, &str)> {
    errors.iter().map(|error| (error.field.as_str(), error.code)).collect()
}

fn euro(amount: i64) -> serde_json::Value {
    json!({"amount": amount, "currency": "EUR"})
}

#[test]
fn a_right_body_is_read() {
    let body =
        json!({"name": "x", "price": euro(1), "items": [{"quantity": 2}], "due": "2026-01-31T12:00:00Z"});
    assert_eq!(read_text(&body.to_string()).unwrap().items[0].quantity, 2);
}

#[test]
fn what_is_no_json_is_malformed() {
    for body in
        ["", " ", "{", "nul", "{\"name\":}", "{\"name\":\"x\",}", "{} {}", "\u{0}", "{\"name\":\"\u{1}\"}"]
    {
        assert!(matches!(read_text(body), Err(BodyError::Malformed(_))), "{body:?}");
    }
    assert!(matches!(
        read::<Sample>(&BodySchema::of::<Sample>().unwrap(), b"{\"name\":\"\xff\"}"),
        Err(BodyError::Malformed(_))
    ));
    let deep = "[".repeat(10_000);
    assert!(matches!(read_text(&deep), Err(BodyError::Malformed(_))));
}

#[test]
fn malformed_behind_a_mistake_is_malformed() {
    assert!(matches!(read_text("{\"name\":1,"), Err(BodyError::Malformed(_))));
}

#[test]
fn a_body_that_is_no_object_is_mistyped() {
    for body in [json!([]), json!("x"), json!(1), json!(null), json!(true), json!(["x", euro(1)])] {
        assert_mistyped(&body, &[("", "wrong-type")]);
    }
}

#[test]
fn a_struct_cannot_be_written_as_an_array() {
    assert_mistyped(&json!({"name": "x", "price": [1, "EUR"]}), &[("price", "wrong-type")]);
}

#[test]
fn wrong_types_are_found_wherever_they_are() {
    assert_mistyped(&json!({"name": 1, "price": euro(1)}), &[("name", "wrong-type")]);
    assert_mistyped(
        &json!({"name": "x", "price": {"amount": "1", "currency": 2}}),
        &[("price.amount", "wrong-type"), ("price.currency", "wrong-type")],
    );
    assert_mistyped(
        &json!({"name": "x", "price": {"amount": 1.5, "currency": "EUR"}}),
        &[("price.amount", "wrong-type")],
    );
    assert_mistyped(
        &json!({"name": "x", "price": euro(1), "items": [{"quantity": 1}, {"quantity": null}]}),
        &[("items[1].quantity", "wrong-type")],
    );
    assert_mistyped(
        &json!({"name": "x", "price": euro(1), "deposit": "5 EUR"}),
        &[("deposit", "wrong-type")],
    );
}

#[test]
fn missing_and_unknown_fields_are_named_with_their_place() {
    assert_invalid(&json!({}), &[("name", "missing"), ("price", "missing")]);
    assert_invalid(
        &json!({"name": "x", "price": {"currency": "EUR", "tax": 1}, "items": [{"quantity": 1, "x": 1}], "y": 1}),
        &[
            ("items[0].x", "unknown-field"),
            ("price.amount", "missing"),
            ("price.tax", "unknown-field"),
            ("y", "unknown-field"),
        ],
    );
    assert_invalid(
        &json!({"name": "x", "price": euro(1), "deposit": {"amount": 1}}),
        &[("deposit.currency", "missing")],
    );
}

#[test]
fn formats_have_codes_of_their_own() {
    assert_invalid(
        &json!({"sample_id": "x", "name": "x", "price": euro(1), "due": "soon"}),
        &[("due", "not-a-time"), ("sample_id", "not-a-uuid")],
    );
    for currency in ["XYZ", "eur", "", "EURO"] {
        assert_invalid(
            &json!({"name": "x", "price": {"amount": 1, "currency": currency}}),
            &[("price.currency", "unknown-currency")],
        );
    }
}

#[test]
fn numbers_that_do_not_fit_are_out_of_range() {
    assert_invalid(
        &json!({"name": "x", "price": euro(1), "items": [{"quantity": 3_000_000_000_i64}]}),
        &[("items[0].quantity", "out-of-range")],
    );
    assert_invalid(
        &json!({"name": "x", "price": {"amount": u64::MAX, "currency": "EUR"}}),
        &[("price.amount", "out-of-range")],
    );
}

#[test]
fn what_the_command_itself_says_has_one_code_whatever_else_is_wrong() {
    let items = json!([{"quantity": 0}]);
    assert_invalid(
        &json!({"name": "x", "price": euro(1), "items": items}),
        &[("items[0].quantity", "not-positive")],
    );
    assert_invalid(
        &json!({"name": "x", "price": euro(1), "items": items, "extra": 1}),
        &[("extra", "unknown-field"), ("items[0].quantity", "not-positive")],
    );
}

#[test]
fn a_field_that_comes_twice_is_refused() {
    let body = r#"{"name":"x","name":"y","price":{"amount":1,"currency":"EUR"}}"#;
    match read_text(body) {
        Err(BodyError::Invalid(errors)) => assert_eq!(pairs(&errors), [("name", "duplicate-field")]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    assert_invalid(
        &json!({"sample_id": "x", "name": "too long", "price": {"amount": 0, "currency": "XYZ"}, "extra": 1}),
        &[
            ("extra", "unknown-field"),
            ("name", "too-long"),
            ("price.amount", "not-positive"),
            ("price.currency", "unknown-currency"),
            ("sample_id", "not-a-uuid"),
        ],
    );
    assert_invalid(
        &json!({"price": euro(-1), "items": [{}, {"quantity": 3_000_000_000_i64}, {"quantity": 0}]}),
        &[
            ("items[0].quantity", "missing"),
            ("items[1].quantity", "out-of-range"),
            ("items[2].quantity", "not-positive"),
            ("name", "missing"),
            ("price.amount", "not-positive"),
        ],
    );
}

#[test]
fn a_body_of_a_thousand_faults_gets_a_short_answer() {
    let fields = (0..5_000).map(|index| (format!("f{index}"), json!(1)));
    match read_text(&serde_json::Value::Object(fields.collect()).to_string()) {
        Err(BodyError::Invalid(errors)) => assert_eq!(errors.len(), ERRORS_MAX),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_that_would_ignore_fields_is_refused_at_start() {
    #[derive(Debug, Clone, Deserialize, JsonSchema)]
    struct Open {
        #[serde(rename = "id")]
        _id: Uuid,
    }
    impl Command for Open {
        const NAME: &'static str = "open";
        type Decider = Category;
        type Rejection = CategoryRejection;

        fn stream_id(&self) -> Option<Uuid> {
            None
        }

        fn decide(&self, _: &CategoryState, _: &Facts) -> Verdict<Self> {
            Ok(Decision::nothing())
        }
    }
    assert_eq!(BodySchema::of::<Open>().unwrap_err(), SchemaError::Open(String::new()));
}

mod any_body {
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let field = prop_oneof![
            Just("name".to_owned()),
            Just("price".to_owned()),
            Just("items".to_owned()),
            Just("amount".to_owned()),
            Just("quantity".to_owned()),
            "[a-z]{1,3}"
        ];
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|value| json!(value)),
            any::<i64>().prop_map(|value| json!(value)),
            any::<f64>().prop_map(|value| json!(value)),
            ".{0,8}".prop_map(|value| json!(value)),
            Just(json!("EUR")),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map(field.clone(), inner, 0..5)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn is_read_or_explained(body in any_json()) {
            match read_text(&body.to_string()) {
                Ok(_) => {}
                Err(BodyError::Malformed(reason)) => prop_assert!(false, "{reason}"),
                Err(BodyError::Mistyped(errors) | BodyError::Invalid(errors)) => prop_assert!(!errors.is_empty()),
            }
        }
    }
}
