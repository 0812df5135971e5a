//! Friends travel together and settle up.
//!
//! A [`Group`] has members, a currency and a window of days. Whatever belongs to it is a stream of its own — each
//! member's [`Wallet`], each [`Expense`], each [`Item`] of the itinerary, each [`Booking`], the [`Budget`] — so that
//! those who do different things at the same moment do not meet. All of them read the group, which therefore stands
//! as they found it when their events are recorded.
//!
//! Rules over the whole group go the other way: settling up, leaving it and changing its days read all expenses,
//! bookings or wallets that belong to it ([`kernel::Reads::and_all`]), guarded together with those that there are
//! not yet. Settling is one event of the group. What it moves between wallets stands in it, and a wallet that pays
//! out afterwards reads it there.
//!
//! Rooms are sold by the night: each room of each night is a claim that one booking holds.

mod booking;
mod budget;
mod expense;
mod group;
mod hotel;
mod itinerary;
mod limits;
mod settlement;
mod split;
pub mod views;
mod wallet;

use kernel::{Context, Registry};

pub use booking::{
    BookHotelRoom, Booking, BookingCancelled, BookingEvent, BookingRejection, BookingState, CancelBooking,
    HotelRoomBooked, Nights, PaymentRefunded, RefundPayment, Stay,
};
pub use budget::{Budget, BudgetEvent, BudgetRejection, BudgetSet, BudgetState, SetBudget};
pub use expense::{
    ApproveExpense, Expense, ExpenseApproved, ExpenseEvent, ExpenseRejected, ExpenseRejection, ExpenseState,
    ExpenseSubmitted, RejectExpense, Split, Submission, SubmitExpense,
};
pub use group::{
    AddGroupMember, CreateGroup, Group, GroupCreated, GroupEvent, GroupLiquidated, GroupMemberAdded,
    GroupMemberRemoved, GroupRejection, GroupState, GroupTripWindowUpdated, LiquidateGroupWithWallets,
    LiquidationRejection, MembershipRejection, Payment, RemoveGroupMember, Settlement, Travellers,
    TripWindow, UpdateGroupTripWindow,
};
pub use hotel::{Hotel, HotelEvent, HotelRejection, HotelState, OpenHotel, RoomType, RoomsOpened};
pub use itinerary::{
    DropItineraryItem, Item, ItemEvent, ItemRejection, ItemState, ItineraryItemDropped, ItineraryItemPlanned,
    PlanItineraryItem,
};
pub use split::Part;
pub use wallet::{
    FundWallet, Wallet, WalletEvent, WalletFunded, WalletRejection, WalletState, WalletWithdrawn,
    WithdrawFromWallet,
};

kernel::context_events! {
    /// Everything that can happen to those who travel together.
    pub enum TravelEvent {
        Group(GroupEvent),
        Wallet(WalletEvent),
        Expense(ExpenseEvent),
        Item(ItemEvent),
        Budget(BudgetEvent),
        Hotel(HotelEvent),
        Booking(BookingEvent),
    }
}

/// The context: what it can be told and what it can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Travel;

impl Context for Travel {
    const NAME: &'static str = "travel";
    type Event = TravelEvent;

    fn register<R: Registry>(registry: &mut R) {
        registry.command::<CreateGroup>();
        registry.command::<AddGroupMember>();
        registry.command::<RemoveGroupMember>();
        registry.command::<UpdateGroupTripWindow>();
        registry.command::<LiquidateGroupWithWallets>();

        registry.command::<PlanItineraryItem>();
        registry.command::<DropItineraryItem>();
        registry.command::<SetBudget>();

        registry.command::<FundWallet>();
        registry.command::<WithdrawFromWallet>();

        registry.command::<SubmitExpense>();
        registry.command::<ApproveExpense>();
        registry.command::<RejectExpense>();

        registry.command::<OpenHotel>();
        registry.command::<BookHotelRoom>();
        registry.command::<CancelBooking>();
        registry.command::<RefundPayment>();

        registry.view::<views::Groups>();
        registry.view::<views::Expenses>();
        registry.view::<views::Itinerary>();
        registry.view::<views::Budgets>();
        registry.view::<views::Bookings>();
        registry.view::<views::Rooms>();
    }
}

#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
