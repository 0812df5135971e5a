//! What those who travel together can be asked.

mod approvals;
mod bookings;
mod budget;
mod dashboard;
mod groups;
mod itinerary;
mod rooms;

use ::travel::views::{BookingRow, BudgetRow, ExpenseRow, GroupRow, ItemRow};
use axum::response::Response;
use http_api::{Operation, Problem, ProblemType};
use kernel::{Context, LaneToken, Sequence};
use uuid::Uuid;

use crate::answer::not_found;
use crate::api::Api;
use crate::listing::Page;
use crate::past;

type Travel = ::travel::Travel;
type Asked = crate::asked::Asked<Travel>;
type Answered = Result<Response, Problem>;

const TAG: &str = "travel";

/// Adds the queries of those who travel.
pub(crate) fn add_to(api: &mut Api) {
    api.tag(TAG, "Groups that travel together, and what they owe each other.");
    add_groups(api);
    api.get(
        "/v1/travel/dashboard",
        dashboard::list,
        query(
            "getDashboard",
            "The caller's groups: how they stand there, what waits for them, what comes next",
        )
        .description(
            "The caller is the user whose id is the subject of the token. Of expenses that wait, those count \
                 that the caller did not submit.",
        )
        .query_parameters::<dashboard::Asks>()
        .answer::<Page<dashboard::GroupOfCaller>>(200, "A page of groups.")
        .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/travel/approvals",
        approvals::list,
        query("listApprovals", "Expenses that wait to be decided, the longest waiting first")
            .query_parameters::<approvals::Asks>()
            .answer::<Page<ExpenseRow>>(200, "A page of expenses.")
            .problem(ProblemType::InvalidCursor),
    );
    api.get(
        "/v1/travel/bookings/{id}",
        bookings::by_id,
        query("getBooking", "A booking, and what became of the money")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .path_parameter::<Uuid>("id", "The booking.")
            .answer::<BookingRow>(200, "The booking.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/travel/bookings/{id}/live",
        bookings::live,
        live("watchBooking", "A booking each time that anything about it changes")
            .path_parameter::<Uuid>("id", "The booking.")
            .answer_events::<BookingRow>(200, "Events `changed`, each with the whole booking."),
    );
    api.get(
        "/v1/travel/rooms",
        rooms::list,
        query("listRooms", "What is free of a hotel's rooms, per night")
            .query_parameters::<rooms::Asks>()
            .answer::<Page<rooms::FreeRooms>>(200, "All types and nights that were asked for.")
            .problem(ProblemType::NotFound),
    );
}

fn add_groups(api: &mut Api) {
    let of_group = |id: &str, summary: &str| query(id, summary).path_parameter::<Uuid>("id", "The group.");
    api.get(
        "/v1/travel/groups/{id}",
        groups::by_id,
        of_group("getGroup", "A group with its members and how they stand with each other")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .answer::<GroupRow>(200, "The group.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/travel/groups/{id}/live",
        groups::live,
        live("watchGroup", "A group each time that anything about it or its members' standing changes")
            .path_parameter::<Uuid>("id", "The group.")
            .answer_events::<GroupRow>(200, "Events `changed`, each with the whole group."),
    );
    api.get(
        "/v1/travel/groups/{id}/balances",
        groups::balances,
        of_group("getBalances", "What each member has in the wallet, paid, and is owed or owes")
            .query_parameters::<past::Asks>()
            .problem(ProblemType::Unavailable)
            .answer::<groups::Balances>(200, "The balances.")
            .problem(ProblemType::NotFound),
    );
    api.get(
        "/v1/travel/groups/{id}/itinerary",
        itinerary::list,
        of_group("listItinerary", "What a group has planned, by when it starts")
            .query_parameters::<itinerary::Asks>()
            .answer::<Page<ItemRow>>(200, "A page of items.")
            .problems(&[ProblemType::NotFound, ProblemType::InvalidCursor]),
    );
    api.get(
        "/v1/travel/groups/{id}/budget",
        budget::list,
        of_group("getBudget", "What a group wants to spend on what, has spent, and has left")
            .query_parameters::<budget::Asks>()
            .answer::<Page<BudgetRow>>(200, "A page of categories.")
            .problems(&[ProblemType::NotFound, ProblemType::InvalidCursor]),
    );
}

fn query(id: &str, summary: &str) -> Operation {
    Operation::new(id, summary).tag(TAG).scope(format!("{}:read", Travel::NAME)).reads()
}

fn live(id: &str, summary: &str) -> Operation {
    crate::live::operation(id, summary).tag(TAG).scope(format!("{}:read", Travel::NAME))
}

fn unknown_group(reflects: &LaneToken, parked: Option<Sequence>) -> Problem {
    not_found("unknown-group", "there is no such group", reflects, parked)
}
