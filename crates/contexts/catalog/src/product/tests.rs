use kernel::testing::{DeciderCase, given, given_nothing};
use uuid::Uuid;

use super::ProductRejection::{
    CurrencyMismatch, Discontinued, ProductExists, SkuTaken, UnknownCategory, UnknownProduct,
};
use super::*;
use crate::{Category, CategoryCreated, CategoryEvent, CategoryRenamed};

const CHAIR: Uuid = Uuid::from_u128(0xa1);
const FURNITURE: Uuid = Uuid::from_u128(0xc1);
const GARDEN: Uuid = Uuid::from_u128(0xc2);

fn euro(amount: i64) -> Money {
    Money::new(amount, "EUR".parse().unwrap())
}

fn attributes(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn created() -> ProductCreated {
    ProductCreated {
        product_id: CHAIR,
        sku: "CH-1".into(),
        name: "Chair".into(),
        description: "Oak.".into(),
        category_id: FURNITURE,
        category_name: "Furniture".into(),
        price: euro(1999),
        attributes: attributes(&[("colour", "brown")]),
    }
}

fn described() -> ProductDescribed {
    ProductDescribed { product_id: CHAIR, name: None, description: None, attributes: None }
}

fn discontinued() -> ProductDiscontinued {
    ProductDiscontinued { product_id: CHAIR, category_id: FURNITURE, reason: "moths".into() }
}

fn create() -> CreateProduct {
    CreateProduct {
        product_id: Some(CHAIR),
        sku: "CH-1".into(),
        name: "Chair".into(),
        description: Some("Oak.".into()),
        category_id: FURNITURE,
        price: euro(1999),
        attributes: attributes(&[("colour", "brown")]),
    }
}

fn describe() -> DescribeProduct {
    DescribeProduct { product_id: CHAIR, name: None, description: None, attributes: None }
}

fn change_price(price: Money) -> ChangePrice {
    ChangePrice { product_id: CHAIR, price }
}

fn recategorise(category_id: Uuid) -> RecategoriseProduct {
    RecategoriseProduct { product_id: CHAIR, category_id }
}

fn discontinue() -> DiscontinueProduct {
    DiscontinueProduct { product_id: CHAIR, reason: "moths".into() }
}

fn given_categories() -> DeciderCase<Product> {
    with_categories(given_nothing())
}

fn given_product() -> DeciderCase<Product> {
    with_categories(given::<Product, _>([created()]))
}

fn given_discontinued() -> DeciderCase<Product> {
    with_categories(given::<Product, ProductEvent>([created().into(), discontinued().into()]))
}

fn with_categories(case: DeciderCase<Product>) -> DeciderCase<Product> {
    let category = |category_id, name: &str| CategoryCreated { category_id, name: name.into() };
    case.and_stream::<Category, _>(FURNITURE, [category(FURNITURE, "Furniture")])
        .and_stream::<Category, _>(GARDEN, [category(GARDEN, "Garden")])
}

#[test]
fn a_product_is_created_with_its_categorys_name_and_takes_its_sku() {
    given_categories().when(&create()).then([created()]).and_claims("sku", "CH-1", SkuTaken);
}

#[test]
fn a_product_without_an_id_gets_the_one_that_was_made_for_it() {
    given_categories().made_id(CHAIR).when(&CreateProduct { product_id: None, ..create() }).then([created()]);
}

#[test]
fn description_and_attributes_may_be_left_out() {
    let body = format!(
        r#"{{"sku":"CH-1","name":"Chair","category_id":"{FURNITURE}","price":{{"amount":1999,"currency":"EUR"}}}}"#
    );
    let command: CreateProduct = serde_json::from_str(&body).unwrap();
    given_categories().made_id(CHAIR).when(&command).then([ProductCreated {
        description: String::new(),
        attributes: BTreeMap::new(),
        ..created()
    }]);
}

#[test]
fn sku_and_name_are_kept_without_the_blanks_around_them() {
    let command = CreateProduct { sku: " CH-1 ".into(), name: "\u{2003}Chair ".into(), ..create() };
    given_categories().when(&command).then([created()]).and_claims("sku", "CH-1", SkuTaken);
}

#[test]
fn skus_that_differ_in_case_are_different_skus() {
    let command = CreateProduct { sku: "ch-1".into(), ..create() };
    given_categories().when(&command).and_claims("sku", "ch-1", SkuTaken);
}

#[test]
fn a_product_has_the_name_that_its_category_has_now() {
    given_nothing::<Product>()
        .and_stream::<Category, CategoryEvent>(
            FURNITURE,
            [
                CategoryCreated { category_id: FURNITURE, name: "Wood".into() }.into(),
                CategoryRenamed { category_id: FURNITURE, name: "Furniture".into() }.into(),
            ],
        )
        .when(&create())
        .then([created()]);
}

#[test]
fn no_product_is_created_in_a_category_that_does_not_exist() {
    given_nothing::<Product>().when(&create()).then_refused(&UnknownCategory);
}

#[test]
fn an_id_that_is_in_use_makes_no_second_product() {
    given_product().when(&create()).then_refused(&ProductExists);
    given_discontinued().when(&create()).then_refused(&ProductExists);
}

#[test]
fn a_price_has_to_be_positive_and_of_this_world() {
    for (amount, code) in
        [(0, "not-positive"), (-1, "not-positive"), (i64::MIN, "not-positive"), (i64::MAX, "too-large")]
    {
        let command = CreateProduct { price: euro(amount), ..create() };
        given_categories().when(&command).then_invalid("price.amount", code);
        given_product().when(&change_price(euro(amount))).then_invalid("price.amount", code);
    }
}

#[test]
fn texts_have_a_longest_length_and_no_control_characters() {
    let cases = [
        (CreateProduct { sku: "x".repeat(65), ..create() }, "sku", "too-long"),
        (CreateProduct { sku: " ".into(), ..create() }, "sku", "empty"),
        (CreateProduct { sku: "CH\t1".into(), ..create() }, "sku", "control-character"),
        (CreateProduct { name: "x".repeat(201), ..create() }, "name", "too-long"),
        (CreateProduct { name: String::new(), ..create() }, "name", "empty"),
        (CreateProduct { name: "Chair\u{7f}".into(), ..create() }, "name", "control-character"),
        (CreateProduct { description: Some("x".repeat(10_001)), ..create() }, "description", "too-long"),
        (CreateProduct { description: Some("\0".into()), ..create() }, "description", "control-character"),
    ];
    for (command, field, code) in cases {
        given_categories().when(&command).then_invalid(field, code);
    }
    let lines = CreateProduct { description: Some("Oak.\n\tLasts.".into()), ..create() };
    given_categories()
        .when(&lines)
        .then([ProductCreated { description: "Oak.\n\tLasts.".into(), ..created() }]);
}

#[test]
fn a_product_has_at_most_32_attributes_of_limited_length() {
    let numbered = |count: usize| (0..count).map(|n| (format!("a{n}"), String::new())).collect();
    let cases = [
        (numbered(33), "too-many"),
        (attributes(&[("", "brown")]), "empty"),
        (attributes(&[(&"x".repeat(65), "brown")]), "too-long"),
        (attributes(&[("colour", &"x".repeat(501))]), "too-long"),
        (attributes(&[("colour", "brown\u{1b}")]), "control-character"),
    ];
    for (attributes, code) in cases {
        let command = CreateProduct { attributes: attributes.clone(), ..create() };
        given_categories().when(&command).then_invalid("attributes", code);
        let command = DescribeProduct { attributes: Some(attributes), ..describe() };
        given_product().when(&command).then_invalid("attributes", code);
    }
    let most = CreateProduct { attributes: numbered(32), ..create() };
    given_categories().when(&most).then([ProductCreated { attributes: numbered(32), ..created() }]);
}

#[test]
fn a_description_changes_only_what_it_names() {
    given_product()
        .when(&DescribeProduct { name: Some("Armchair".into()), ..describe() })
        .then([ProductDescribed { name: Some("Armchair".into()), ..described() }]);
    given_product()
        .when(&DescribeProduct { description: Some(String::new()), ..describe() })
        .then([ProductDescribed { description: Some(String::new()), ..described() }]);
    let red = attributes(&[("colour", "red")]);
    given_product()
        .when(&DescribeProduct { attributes: Some(red.clone()), ..describe() })
        .then([ProductDescribed { attributes: Some(red), ..described() }]);
}

#[test]
fn a_description_that_says_what_is_said_already_changes_nothing() {
    given_product().when(&describe()).then_nothing();
    let same = DescribeProduct {
        name: Some("Chair".into()),
        description: Some("Oak.".into()),
        attributes: Some(attributes(&[("colour", "brown")])),
        ..describe()
    };
    given_product().when(&same).then_nothing();
    let renamed = ProductDescribed { name: Some("Armchair".into()), ..described() };
    with_categories(given::<Product, ProductEvent>([created().into(), renamed.into()]))
        .when(&DescribeProduct { name: Some("Armchair".into()), ..describe() })
        .then_nothing();
}

#[test]
fn a_description_is_checked_like_a_new_product() {
    let cases = [
        (DescribeProduct { name: Some(" ".into()), ..describe() }, "name", "empty"),
        (DescribeProduct { name: Some("x".repeat(201)), ..describe() }, "name", "too-long"),
        (DescribeProduct { description: Some("x".repeat(10_001)), ..describe() }, "description", "too-long"),
    ];
    for (command, field, code) in cases {
        given_product().when(&command).then_invalid(field, code);
    }
}

#[test]
fn a_price_change_says_what_the_price_was() {
    let changed = |price, previous_price| PriceChanged { product_id: CHAIR, price, previous_price };
    given_product().when(&change_price(euro(2499))).then([changed(euro(2499), euro(1999))]);
    let history = [created().into(), changed(euro(2499), euro(1999)).into()];
    given::<Product, ProductEvent>(history)
        .when(&change_price(euro(1999)))
        .then([changed(euro(1999), euro(2499))]);
}

#[test]
fn the_price_that_it_has_changes_nothing() {
    given_product().when(&change_price(euro(1999))).then_nothing();
}

#[test]
fn a_product_keeps_its_currency() {
    let dollars = Money::new(1999, "USD".parse().unwrap());
    given_product().when(&change_price(dollars)).then_refused(&CurrencyMismatch);
}

#[test]
fn a_product_moves_to_another_category_and_bears_its_name() {
    given_product().when(&recategorise(GARDEN)).then([ProductRecategorised {
        product_id: CHAIR,
        category_id: GARDEN,
        category_name: "Garden".into(),
        previous_category_id: FURNITURE,
    }]);
}

#[test]
fn the_category_that_it_is_in_changes_nothing() {
    given_product().when(&recategorise(FURNITURE)).then_nothing();
}

#[test]
fn a_product_does_not_move_to_a_category_that_does_not_exist() {
    given_product().when(&recategorise(Uuid::from_u128(0xc9))).then_refused(&UnknownCategory);
}

#[test]
fn a_product_is_discontinued_with_the_reason_and_keeps_its_sku() {
    let outcome = given_product().when(&discontinue()).then([discontinued()]);
    let kernel::testing::Outcome::Decided(decision) = outcome else { panic!("it was refused") };
    assert_eq!(decision.claims, []);
}

#[test]
fn a_discontinued_product_names_the_category_that_it_was_in_at_last() {
    let moved = ProductRecategorised {
        product_id: CHAIR,
        category_id: GARDEN,
        category_name: "Garden".into(),
        previous_category_id: FURNITURE,
    };
    given::<Product, ProductEvent>([created().into(), moved.into()])
        .when(&discontinue())
        .then([ProductDiscontinued { category_id: GARDEN, ..discontinued() }]);
}

#[test]
fn a_reason_has_to_be_given() {
    given_product()
        .when(&DiscontinueProduct { product_id: CHAIR, reason: " ".into() })
        .then_invalid("reason", "empty");
    given_product()
        .when(&DiscontinueProduct { product_id: CHAIR, reason: "x".repeat(501) })
        .then_invalid("reason", "too-long");
}

#[test]
fn nothing_changes_about_a_discontinued_product() {
    given_discontinued().when(&describe()).then_refused(&Discontinued);
    given_discontinued().when(&change_price(euro(1))).then_refused(&Discontinued);
    given_discontinued().when(&recategorise(GARDEN)).then_refused(&Discontinued);
    given_discontinued().when(&discontinue()).then_refused(&Discontinued);
}

#[test]
fn what_does_not_exist_cannot_be_changed() {
    given_categories().when(&describe()).then_refused(&UnknownProduct);
    given_categories().when(&change_price(euro(1))).then_refused(&UnknownProduct);
    given_categories().when(&recategorise(GARDEN)).then_refused(&UnknownProduct);
    given_categories().when(&discontinue()).then_refused(&UnknownProduct);
}

#[test]
fn codes_are_what_clients_switch_on() {
    let all = [ProductExists, SkuTaken, UnknownCategory, UnknownProduct, Discontinued, CurrencyMismatch];
    assert_eq!(
        all.map(|it| kernel::Rejection::code(&it)),
        [
            "product-exists",
            "sku-taken",
            "unknown-category",
            "unknown-product",
            "discontinued",
            "currency-mismatch"
        ]
    );
}
