use kernel::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Client;
use crate::service::{self, Service};
use crate::shop::*;

const LIST: &str = "/v1/catalog/products";

/// What the shop of these tests sells; the first three are in stock.
async fn a_shop() -> (Shop, Service) {
    let mut shop = Shop::open().await;
    shop.creates_category(FURNITURE, "Furniture").creates_category(GARDEN, "Garden");
    let products = [
        ("Oak chair", "Goes with any lamp.", FURNITURE, 4_999),
        ("Desk lamp", "Warm light.", FURNITURE, 1_999),
        ("Mechanical keyboard", "Loud, for your desk.", FURNITURE, 8_900),
        ("Garden bench", "Oak, for two.", GARDEN, 24_900),
        ("Stühle-Set 2000", "Vier Stück, O'Neill-Design: 50% Eiche.", GARDEN, 99_900),
    ];
    for (number, (name, description, category, amount)) in (1..).zip(products) {
        shop.creates_described(Uuid::from_u128(number), name, description, category, amount);
        if number <= 3 {
            shop.receives(Uuid::from_u128(number), "Berlin", 5);
        }
    }
    shop.creates_described(Uuid::from_u128(6), "Oak cradle", "", FURNITURE, 100)
        .discontinues(Uuid::from_u128(6));
    // Another tenant's products would match everything, too.
    shop.of("globex").creates_described(
        Uuid::from_u128(1),
        "Globex oak desk lamp keyboard bench",
        "",
        GARDEN,
        5_000,
    );
    shop.receives(Uuid::from_u128(1), "Berlin", 5).of("acme");
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    (shop, service)
}

async fn found(client: &Client, query: &str) -> Vec<String> {
    let got = client.get(&format!("{LIST}?{query}")).await.ok();
    got.names().into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn without_words_every_product_that_is_sold_is_listed_by_name() {
    let (shop, service) = a_shop().await;
    let got = service.client("acme").get(LIST).await.ok();
    assert_eq!(
        got.names(),
        ["Desk lamp", "Garden bench", "Mechanical keyboard", "Oak chair", "Stühle-Set 2000"]
    );
    assert_eq!(
        got.items()[0],
        json!({
            "id": Uuid::from_u128(2),
            "sku": "DESK LAMP/2",
            "name": "Desk lamp",
            "description": "Warm light.",
            "category": { "id": FURNITURE, "name": "Furniture" },
            "price": { "amount": 1_999, "currency": "EUR" },
            "stock": { "total": 5, "available": 5, "reserved": 0 },
            "discontinued": false,
            "created_at": "2026-09-21T14:13:20.000005Z",
        })
    );
    assert_eq!(got.body.get("facets"), None);
    assert_eq!(got.header("twofold-sequence"), shop.token());
}

#[tokio::test]
async fn words_are_found_whole_and_by_their_beginning_whatever_their_case() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    for (q, names) in [
        ("keyboard", vec!["Mechanical keyboard"]),
        ("KEYB", vec!["Mechanical keyboard"]),
        ("mech+keyb", vec!["Mechanical keyboard"]),
        ("keyboard+bench", vec![]),
        ("st%C3%BChle", vec!["Stühle-Set 2000"]),
        ("ST%C3%9CHLE", vec!["Stühle-Set 2000"]),
        ("2000", vec!["Stühle-Set 2000"]),
        ("2001", vec![]),
    ] {
        assert_eq!(found(&client, &format!("q={q}")).await, names, "{q}");
    }
}

#[tokio::test]
async fn marks_separate_words_and_do_no_harm() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    for q in [
        "O%27Neill",
        "stühle-set",
        "set%3A2000",
        "50%25",
        "%28set%20%26%20%7C%20%21%29",
        "neill%27%3A%2A%5C",
        "neill%00",
    ] {
        assert_eq!(found(&client, &format!("q={q}")).await, ["Stühle-Set 2000"], "{q}");
    }
    for nothing in ["", "%20", "%27%27", "%00", "%26"] {
        assert_eq!(found(&client, &format!("q={nothing}")).await.len(), 5, "{nothing:?} is no word");
    }
}

#[tokio::test]
async fn a_sku_is_found_like_a_word() {
    let (_shop, service) = a_shop().await;
    assert_eq!(found(&service.client("acme"), "q=DESK+LAMP%2F2").await, ["Desk lamp"]);
}

#[tokio::test]
async fn a_word_in_the_name_weighs_more_than_one_in_the_description() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    assert_eq!(found(&client, "q=lamp").await, ["Desk lamp", "Oak chair"]);
    assert_eq!(found(&client, "q=oak").await, ["Oak chair", "Garden bench"]);
    assert_eq!(found(&client, "q=desk&sort=relevance").await, ["Desk lamp", "Mechanical keyboard"]);
    assert_eq!(found(&client, "q=desk&sort=-price").await, ["Mechanical keyboard", "Desk lamp"]);
}

#[tokio::test]
async fn typing_errors_are_forgiven_where_no_product_has_the_word() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    for (q, name) in [
        ("keybord", "Mechanical keyboard"),
        ("keybaord", "Mechanical keyboard"),
        ("mechanicl", "Mechanical keyboard"),
        ("chiar", "Oak chair"),
        ("gardn", "Garden bench"),
        ("gardne+bench", "Garden bench"),
        ("stuhle", "Stühle-Set 2000"),
    ] {
        assert_eq!(found(&client, &format!("q={q}")).await, [name], "{q}");
    }
    assert_eq!(found(&client, "q=xylophone").await, Vec::<String>::new());
    assert_eq!(found(&client, "q=keybord+xylophone").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_word_that_some_product_has_is_not_taken_for_an_error() {
    let (_shop, service) = a_shop().await;
    // `light` is in a description only, and nothing in the garden has it.
    let path = format!("q=light&category={GARDEN}");
    assert_eq!(found(&service.client("acme"), &path).await, Vec::<String>::new());
}

#[tokio::test]
async fn filters_narrow_a_list_each_and_together() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    for (query, names) in [
        (format!("category={GARDEN}"), vec!["Garden bench", "Stühle-Set 2000"]),
        ("min_price=8900".into(), vec!["Garden bench", "Mechanical keyboard", "Stühle-Set 2000"]),
        ("max_price=4999".into(), vec!["Desk lamp", "Oak chair"]),
        ("min_price=2000&max_price=8900".into(), vec!["Mechanical keyboard", "Oak chair"]),
        ("in_stock=false".into(), vec!["Garden bench", "Stühle-Set 2000"]),
        ("in_stock=true&q=desk".into(), vec!["Desk lamp", "Mechanical keyboard"]),
        (format!("category={GARDEN}&in_stock=true"), vec![]),
        ("currency=USD".into(), vec![]),
        ("q=oak&include_discontinued=true&sort=name".into(), vec!["Garden bench", "Oak chair", "Oak cradle"]),
        (
            "category=&min_price=&max_price=&in_stock=&sort=&facets=&q=lamp&limit=&after=".into(),
            vec!["Desk lamp", "Oak chair"],
        ),
    ] {
        assert_eq!(found(&client, &query).await, names, "{query}");
    }
}

#[tokio::test]
async fn facets_follow_every_filter_but_their_own() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    let facets = async |query: &str| {
        let path = format!("{LIST}?facets=category,price,in_stock&limit=1&{query}");
        client.get(&path).await.ok().body["facets"].clone()
    };
    let furniture = |count| json!({ "id": FURNITURE, "name": "Furniture", "count": count });
    let garden = |count| json!({ "id": GARDEN, "name": "Garden", "count": count });

    let all = facets("").await;
    assert_eq!(all["category"], json!([furniture(3), garden(2)]));
    assert_eq!(
        all["price"],
        json!([
            { "from": 1_000, "to": 2_499, "count": 1 },
            { "from": 2_500, "to": 4_999, "count": 1 },
            { "from": 5_000, "to": 9_999, "count": 1 },
            { "from": 10_000, "to": 24_999, "count": 1 },
            { "from": 50_000, "to": 99_999, "count": 1 },
        ])
    );
    assert_eq!(all["in_stock"], json!({ "true": 3, "false": 2 }));

    let of_garden = facets(&format!("category={GARDEN}")).await;
    assert_eq!(of_garden["category"], json!([furniture(3), garden(2)]));
    assert_eq!(of_garden["price"].as_array().unwrap().len(), 2);
    assert_eq!(of_garden["in_stock"], json!({ "true": 0, "false": 2 }));

    let cheap = facets("max_price=4999").await;
    assert_eq!(cheap["category"], json!([furniture(2)]));
    assert_eq!(cheap["price"].as_array().unwrap().len(), 5);
    assert_eq!(cheap["in_stock"], json!({ "true": 2, "false": 0 }));

    let stocked = facets("in_stock=true").await;
    assert_eq!(stocked["category"], json!([furniture(3)]));
    assert_eq!(stocked["in_stock"], json!({ "true": 3, "false": 2 }));

    assert_eq!(facets("q=oak").await["category"], json!([furniture(1), garden(1)]));
    assert_eq!(facets("q=keybord").await["category"], json!([furniture(1)]));
    let nothing = json!({ "category": [], "price": [], "in_stock": { "true": 0, "false": 0 } });
    assert_eq!(facets("q=xylophone").await, nothing);
}

#[tokio::test]
async fn only_the_facets_that_were_asked_for_are_counted() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    let got = client.get(&format!("{LIST}?facets=in_stock")).await.ok();
    assert_eq!(got.body["facets"], json!({ "in_stock": { "true": 3, "false": 2 } }));
    client.get(&format!("{LIST}?facets=colour")).await.invalid("facets", "unknown-facet");
}

/// Many products, with equal names and prices among them.
async fn a_warehouse() -> (Shop, Service) {
    let mut shop = Shop::open().await;
    for number in 0..37_u8 {
        let (name, amount) = (format!("Crate {}", number % 7), 100 + i64::from(number % 5));
        let words = "crate ".repeat(usize::from(number % 3));
        shop.creates_described(Uuid::new_v4(), &name, &words, FURNITURE, amount);
    }
    shop.reaches_the_views().await;
    let service = service::over(&shop).await;
    (shop, service)
}

#[tokio::test]
async fn every_order_comes_in_pages_each_product_once() {
    let (_shop, service) = a_warehouse().await;
    let client = service.client("acme");
    for sort in ["relevance", "price", "-price", "name", "-created"] {
        let path = format!("{LIST}?q=crate&sort={sort}");
        let whole = client.pages(&format!("{path}&limit=100")).await;
        assert_eq!(whole.len(), 37, "{sort}");
        for limit in [1, 7, 36, 37] {
            assert_eq!(client.pages(&format!("{path}&limit={limit}")).await, whole, "{sort} by {limit}");
        }
    }
}

#[tokio::test]
async fn every_order_is_kept() {
    let (_shop, service) = a_warehouse().await;
    let client = service.client("acme");
    let whole = async |sort: &str| client.pages(&format!("{LIST}?limit=100&sort={sort}")).await;
    let price = |item: &Value| item["price"]["amount"].as_i64();
    let created = |item: &Value| item["created_at"].as_str().map(|text| text.parse::<Timestamp>().unwrap());
    let name = |item: &Value| item["name"].as_str().map(str::to_owned);
    assert!(whole("price").await.is_sorted_by_key(price));
    assert!(whole("-price").await.iter().rev().is_sorted_by_key(price));
    assert!(whole("name").await.is_sorted_by_key(name));
    assert!(whole("-created").await.iter().rev().is_sorted_by_key(created));
    assert_eq!(whole("relevance").await, whole("name").await, "without words, names decide");
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_ended_whatever_came_between() {
    let (mut shop, service) = a_warehouse().await;
    let client = service.client("acme");
    let first = client.get(&format!("{LIST}?sort=-created&limit=5")).await.ok();
    let rest = client.pages(&format!("{LIST}?sort=-created&limit=100")).await[5..].to_vec();
    shop.creates_product(Uuid::new_v4(), "Newest crate", 1);
    shop.reaches_the_views().await;
    let after = first.body["next"].as_str().unwrap();
    let second = client.get(&format!("{LIST}?sort=-created&limit=100&after={after}")).await.ok();
    assert_eq!(second.items(), rest);
}

#[tokio::test]
async fn what_is_asked_of_products_is_checked() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    for (query, field, code) in [
        ("limit=0", "limit", "out-of-range"),
        ("limit=101", "limit", "out-of-range"),
        ("min_price=-1", "min_price", "out-of-range"),
        ("max_price=-1", "max_price", "out-of-range"),
        ("max_price=9223372036854775808", "max_price", "malformed"),
        ("min_price=cheap", "min_price", "malformed"),
        ("category=chairs", "category", "malformed"),
        ("currency=EURO", "currency", "malformed"),
        ("in_stock=yes", "in_stock", "malformed"),
        ("sort=cheapest", "sort", "malformed"),
        ("colour=red", "colour", "unknown-parameter"),
    ] {
        client.get(&format!("{LIST}?{query}")).await.invalid(field, code);
    }
    let long = "x".repeat(201);
    client.get(&format!("{LIST}?q={long}")).await.invalid("q", "too-long");
    let many: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let many = many.join("+");
    assert_eq!(found(&client, &format!("q={}", &many[..200])).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_cursor_of_another_order_or_list_or_of_nobody_is_refused() {
    let (_shop, service) = a_shop().await;
    let client = service.client("acme");
    let by_name = client.get(&format!("{LIST}?sort=name&limit=1")).await.ok();
    let by_name = by_name.body["next"].as_str().unwrap().to_owned();
    let of_categories = client.get("/v1/catalog/categories?limit=1").await.ok();
    let of_categories = of_categories.body["next"].as_str().unwrap().to_owned();
    // {"sort":"name","text":"\u0000","number":null,"key":"a"}
    let zero = "eyJzb3J0IjoibmFtZSIsInRleHQiOiJcdTAwMDAiLCJudW1iZXIiOm51bGwsImtleSI6ImEifQ";
    for (sort, after) in [
        ("price", by_name.as_str()),
        ("name", &of_categories),
        ("name", zero),
        ("name", "x"),
        ("name", "%00"),
    ] {
        client.get(&format!("{LIST}?sort={sort}&after={after}")).await.problem(400, "invalid-cursor");
    }
    let swapped = format!("/v1/catalog/categories?after={by_name}");
    client.get(&swapped).await.problem(400, "invalid-cursor");
}
