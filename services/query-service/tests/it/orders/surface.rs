use super::desk::*;
use crate::surface::assert_fits;

#[tokio::test]
async fn every_answer_is_as_it_is_described() {
    let mut desk = Desk::open().await;
    desk.creates_product(CHAIR, "Chair").places(FIRST, ANN, euro(100)).pays(FIRST, ANN, euro(300));
    desk.refunds(FIRST, ANN, euro(1)).reaches_the_views().await;
    let document = desk.service.stranger().get("/openapi.json").await.body;
    for (path, described) in [
        (order(FIRST), "/v1/orders/{id}"),
        ("/v1/orders".into(), "/v1/orders"),
        (history(ANN), "/v1/orders/customers/{id}/history"),
        ("/v1/orders/revenue".into(), "/v1/orders/revenue"),
    ] {
        let got = desk.client("acme").get(&path).await.ok();
        let content = &document["paths"][described]["get"]["responses"]["200"]["content"];
        assert_fits(described, &document, &content["application/json"]["schema"], &got.body);
    }
}
