//! Rows that are not what the log says are found and folded again, on the command line and over HTTP.

use redis::AsyncCommands as _;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::products::{PATIENCE, Products};
use crate::system::pause;

/// A shop with two products, and what an operator can do about their rows.
struct Rows {
    products: Products,
    ids: [String; 2],
    /// The sequences of the events that created them.
    created: [u64; 2],
}

impl Rows {
    async fn of_two_products() -> Self {
        let mut products = Products::open().await;
        let mut both = Vec::new();
        for sku in ["bk-1", "bk-2"] {
            let id = products.create(sku).await;
            both.push((id.clone(), products.place().1));
            products.are_shown(&id, sku).await;
        }
        let [(one, first), (other, second)] = both.try_into().unwrap();
        Self { products, ids: [one, other], created: [first, second] }
    }

    /// Changes the rows' names behind the projectors' backs.
    async fn spoil_in_postgres(&self, ids: &[String]) {
        let spoilt = "UPDATE product_details_v1.rows SET row = jsonb_set(row, '{name}', '\"spoilt\"')
                       WHERE tenant = 'acme' AND key = ANY($1)";
        let pool = self.products.system.views.pool().await;
        let spoilt = sqlx::query(spoilt).bind(ids).execute(&pool).await.unwrap();
        assert_eq!(spoilt.rows_affected(), ids.len() as u64);
    }

    async fn spoil_in_redis(&self, ids: &[String]) {
        let redis = &self.products.system.redis;
        let client = redis::Client::open(redis.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let lane = self.products.place().0;
        for id in ids {
            let key = format!("{{{}:product-details:{lane}}}:v1:row:acme/{id}", redis.prefix);
            let row: String = connection.get(&key).await.unwrap();
            let spoilt = row.replace("The product", "The spoilt");
            assert_ne!(spoilt, row);
            let () = connection.set(&key, spoilt).await.unwrap();
        }
    }

    async fn verify(&self, more: &[&str]) -> (bool, String) {
        let verify = ["verify", "views", "--all", "--view", "product-details"];
        self.products.system.twofold_ends(&[&verify, more].concat()).await
    }

    /// Asks again until so many rows differ.
    async fn until_differing(&self, count: usize) -> String {
        let asked = async {
            loop {
                let (equal, told) = self.verify(&[]).await;
                let differing = told.lines().filter(|line| line.contains("it differs in name")).count();
                assert_eq!(equal, differing == 0, "{told}");
                if differing == count {
                    return told;
                }
                pause().await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap()
    }

    fn refold(&self, projector: &str, view: &str, token: &str, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}/v1/ops/projections/{view}/refold", self.products.system.url(projector));
        self.products.system.client.post(url).bearer_auth(token).json(body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_differ_are_reported_and_repaired_and_then_differ_no_more() {
    let rows = Rows::of_two_products().await;
    let (equal, told) = rows.verify(&[]).await;
    assert!(equal, "{told}");
    for store in ["postgres", "redis"] {
        assert!(told.contains(&format!("product-details v1 build 1 in {store}: 2 rows compared")), "{told}");
    }
    rows.spoil_in_postgres(&rows.ids[..1]).await;
    rows.spoil_in_redis(&rows.ids[1..]).await;
    let (equal, told) = rows.verify(&[]).await;
    assert!(!equal, "{told}");
    for (store, id) in [("postgres", &rows.ids[0]), ("redis", &rows.ids[1])] {
        let lane = rows.products.place().0;
        let row = format!("in {store}, catalog/{lane}: row {id} of acme: it differs in name");
        assert!(told.contains(&row), "{row} is not in {told}");
        assert!(told.contains(&format!("in {store}: 2 rows compared, 1 differ")), "{told}");
    }
    assert!(!told.contains("spoilt"), "what a row holds is nobody's business: {told}");

    let (_, told) = rows.verify(&["--repair"]).await;
    assert_eq!(told.matches("1 rows are folded again").count(), 2, "{told}");
    rows.until_differing(0).await;
    let (equal, told) = rows.verify(&["--repair"]).await;
    assert!(equal && !told.contains("folded again"), "{told}");
    for path in ["by-sku/bk-1".to_owned(), rows.ids[1].clone()] {
        let product = rows.products.got(&format!("/v1/catalog/products/{path}")).await;
        assert!(product["name"].as_str().unwrap().starts_with("The product"), "{product}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_events_touched_since_a_place_or_a_time_are_folded_again_and_no_others() {
    let rows = Rows::of_two_products().await;
    rows.spoil_in_postgres(&rows.ids).await;
    rows.spoil_in_redis(&rows.ids).await;
    rows.until_differing(4).await;
    let rebuild = async |since: &str| {
        rows.products.system.twofold(&["rebuild", "product-details", "--touched-since", since]).await
    };
    let told = rebuild(&rows.created[1].to_string()).await;
    assert_eq!(told.matches("1 rows are folded again").count(), 2, "{told}");
    let told = rows.until_differing(2).await;
    assert!(told.contains(&rows.ids[0]) && !told.contains(&rows.ids[1]), "{told}");

    // Nothing has happened since tomorrow.
    let tomorrow = std::time::SystemTime::now() + std::time::Duration::from_secs(86_400);
    let micros = tomorrow.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    let tomorrow = kernel::Timestamp::from_micros(i64::try_from(micros).unwrap());
    let told = rebuild(&tomorrow.to_string()).await;
    assert!(!told.contains("1 rows"), "{told}");
    let told = rebuild("2020-01-01T00:00:00Z").await;
    assert_eq!(told.matches("2 rows are folded again").count(), 2, "{told}");
    rows.until_differing(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_rows_folded_again_by_their_keys_or_by_what_they_have_in_common() {
    let rows = Rows::of_two_products().await;
    let system = &rows.products.system;
    let (operator, lane) = (system.token("anyone", "ops").await, rows.products.place().0);
    rows.spoil_in_postgres(&rows.ids).await;
    rows.spoil_in_redis(&rows.ids).await;
    let named = json!({"lane": lane, "rows": [{"tenant": "acme", "key": rows.ids[0]}]});
    let link = format!("category:{}", rows.products.category);
    let linked = json!({"lane": lane, "links": [{"tenant": "acme", "link": link}]});
    for (projector, body, asked) in [("projector-postgres", &named, 1), ("projector-redis", &linked, 2)] {
        let answer = rows.refold(projector, "product-details", &operator, body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"asked": asked}));
    }
    let told = rows.until_differing(1).await;
    assert!(told.contains(&format!("in postgres, catalog/{lane}: row {}", rows.ids[1])), "{told}");

    // Another tenant's link stands for no row.
    let foreign = json!({"lane": lane, "links": [{"tenant": "other", "link": link}]});
    let answer = rows.refold("projector-postgres", "product-details", &operator, &foreign);
    assert_eq!(answer.send().await.unwrap().json::<Value>().await.unwrap(), json!({"asked": 0}));
    let reader = system.token("acme", "catalog:read").await;
    let malformed = json!({"lane": lane, "rows": [{"tenant": "not a tenant", "key": "x"}]});
    for (view, token, body, status) in [
        ("product-details", &reader, &named, StatusCode::FORBIDDEN),
        ("nothing", &operator, &named, StatusCode::NOT_FOUND),
        ("product-details", &operator, &malformed, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let refused = rows.refold("projector-postgres", view, token, body).send().await.unwrap();
        assert_eq!(refused.status(), status, "{view} {body}");
    }
}
