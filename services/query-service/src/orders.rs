//! What orders can be asked.

mod fulfilment;
mod history;
mod list;
mod order;
mod revenue;

use ::orders::views::OrderSummary;
use http_api::{Operation, ProblemType};
use kernel::Context;
use uuid::Uuid;

use crate::api::Api;
use crate::listing::Page;
use crate::live::operation as live;
use crate::past;

type Orders = ::orders::Orders;
type Asked = crate::asked::Asked<Orders>;

const TAG: &str = "orders";

/// Adds the queries of orders.
pub(crate) fn add_to(api: &mut Api) {
    api.tag(TAG, "Orders, their payments and how they are fulfilled.");
    api.get(
        "/v1/orders",
        list::list,
        query("listOrders", "Orders by customer, status and time, the newest first")
            .query_parameters::<list::Asks>()
            .answer::<Page<OrderSummary>>(200, "A page of orders.")
            .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/orders/{id}",
        order::by_id,
        query("getOrder", "An order with its lines, its payment and what happened to it")
            .description(order::DESCRIPTION)
            .path_parameter::<Uuid>("id", "The order.")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .answer::<order::OrderWithNames>(200, "The order.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/orders/{id}/live",
        order::live,
        live("watchOrder", "An order each time that anything about it changes")
            .tag(TAG)
            .scope(format!("{}:read", Orders::NAME))
            .path_parameter::<Uuid>("id", "The order.")
            .answer_events::<order::OrderWithNames>(
                200,
                "Events `changed`, each with the whole order; its products' names are those at that time, and a \
                 name that changes is no event.",
            ),
    );
    api.get(
        "/v1/orders/{id}/fulfilment",
        fulfilment::of_order,
        Operation::new("getFulfilment", "How an order is being fulfilled")
            .description(fulfilment::DESCRIPTION)
            .tag(TAG)
            .scope(format!("{}:read", Orders::NAME))
            .path_parameter::<Uuid>("id", "The order.")
            .answer::<fulfilment::FulfilmentOfOrder>(200, "The fulfilment.")
            .problems(&[ProblemType::NotFound, ProblemType::Unavailable]),
    );
    api.get(
        "/v1/orders/customers/{id}/history",
        history::of_customer,
        query("getCustomerHistory", "What a customer ordered and paid, the newest first")
            .description(history::DESCRIPTION)
            .path_parameter::<Uuid>("id", "The customer.")
            .query_parameters::<history::Asks>()
            .answer::<history::History>(200, "A page of orders, beside what they come to.")
            .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/orders/revenue",
        revenue::list,
        query("listRevenue", "What was taken and given back by day or month, for each currency")
            .description(
                "A refund counts in the period in which it happens, whenever the money had been taken. Periods are \
                 in UTC; those in which no money moved are left out.",
            )
            .query_parameters::<revenue::Asks>()
            .answer::<Page<revenue::Period>>(200, "A page of periods, the earliest first.")
            .problem(ProblemType::InvalidCursor),
    );
}

fn query(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary).tag(TAG).scope(format!("{}:read", Orders::NAME)).reads()
}
