//! An order among everything that can happen to it: the real rules of stock, order and payment answer, answers are lost
//! and come late, customers change their minds, time passes. In the end nothing is left behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::{
    Product, ProductCreated, ReceiveStock, ReleaseStock, ReserveStock, ShipStock, Stock, StockState,
};
use kernel::{Actor, Command, Facts, Phase, Reads, Rejection, StepKey, StreamName, Violations};
use proptest::prelude::*;

use super::*;
use crate::{
    AuthorisePayment, CancelOrder, CapturePayment, ConfirmOrder, CreateOrder, DeclinePayment, Item,
    MarkShipped, OrderState, PaymentMethod, PaymentState, RefundPayment, RejectOrder, RequestPayment,
    ReversePayment,
};

/// Something that happens next.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// A command that waits is carried out, and answered.
    Answer(usize),
    /// A command that waits is carried out, and the answer is lost.
    LoseAnswer(usize),
    /// A command that waits is lost.
    LoseCommand(usize),
    /// An event of the context is heard.
    Hear,
    /// Time passes.
    Pass,
    /// The customer cancels.
    Cancel,
    /// The goods are sent.
    Ship,
    /// A provider answers.
    Authorise,
    /// A provider answers.
    Decline,
    /// Somebody gives some money back.
    Refund,
}

fn next() -> impl Strategy<Value = Next> {
    prop_oneof![
        8 => (0..4_usize).prop_map(Next::Answer),
        3 => (0..4_usize).prop_map(Next::LoseAnswer),
        2 => (0..4_usize).prop_map(Next::LoseCommand),
        8 => Just(Next::Hear),
        1 => Just(Next::Pass),
        1 => Just(Next::Cancel),
        1 => Just(Next::Ship),
        1 => Just(Next::Authorise),
        1 => Just(Next::Decline),
        1 => Just(Next::Refund),
    ]
}

/// The states of every stream, the log of the orders' context, and how much of it was heard.
struct World {
    stock: BTreeMap<Uuid, StockState>,
    order: OrderState,
    payment: PaymentState,
    /// Each with the number of its stream.
    log: Vec<OrdersEvent>,
    heard: usize,
    /// What was carried out, by its once-only key.
    done: Vec<String>,
    taken: i64,
    given_back: i64,
}

/// What came of a command: carried out, or the code of the rule that refused it.
type Came = Result<(), &'static str>;

impl World {
    fn new(chairs: i64, tables: i64) -> Self {
        let mut world = Self {
            stock: BTreeMap::new(),
            order: OrderState::default(),
            payment: PaymentState::default(),
            log: Vec::new(),
            heard: 0,
            done: Vec::new(),
            taken: 0,
            given_back: 0,
        };
        for (product_id, quantity) in [(CHAIR, chairs), (TABLE, tables)] {
            world.stock.insert(product_id, StockState::default());
            if quantity > 0 {
                let location = "Berlin".into();
                world.on_stock(&ReceiveStock { product_id, location, quantity }).unwrap();
            }
        }
        world
    }

    fn facts(&self, id: Uuid, reads: &Reads) -> Facts {
        let product = |product_id| ProductCreated {
            product_id,
            sku: product_id.to_string(),
            name: "A product".into(),
            description: String::new(),
            category_id: Uuid::from_u128(1),
            category_name: "A category".into(),
            price: euro(100),
            attributes: BTreeMap::new(),
        };
        let mut facts = Facts::new(Timestamp::from_micros(0), id, Actor::new("tester"));
        for read in reads.streams() {
            let state: Arc<dyn std::any::Any + Send + Sync> = match read.kind {
                "order" if read.stream == StreamName::of(Order::STREAM, ORDER) => {
                    Arc::new(self.order.clone())
                }
                "product" => {
                    let id = read.stream.id().unwrap();
                    Arc::new(Product::fold(&[product(id).into()]))
                }
                _ => (read.initial)(),
            };
            facts = facts.with_state(read.stream.clone(), state);
        }
        facts
    }

    fn decide<C: Command>(
        &self,
        command: &C,
        state: &<C::Decider as Decider>::State,
    ) -> Result<Vec<<C::Decider as Decider>::Event>, &'static str> {
        let mut violations = Violations::default();
        command.validate(&mut violations);
        assert!(violations.is_empty(), "{command:?} {violations:?}");
        let id = command.stream_id().unwrap();
        let facts = self.facts(id, &command.reads(id, state));
        command.decide(state, &facts).map(|decision| decision.events).map_err(|refused| refused.code())
    }

    fn on_stock<C: Command<Decider = Stock>>(&mut self, command: &C) -> Came {
        let product = command.stream_id().unwrap();
        for event in self.decide(command, &self.stock[&product])? {
            let state = self.stock.remove(&product).unwrap();
            self.stock.insert(product, Stock::evolve(state, &event));
        }
        Ok(())
    }

    fn on_order<C: Command<Decider = Order>>(&mut self, command: &C) -> Came {
        for event in self.decide(command, &self.order)? {
            self.order = Order::evolve(std::mem::take(&mut self.order), &event);
            self.log.push(event.into());
        }
        Ok(())
    }

    fn on_payment<C: Command<Decider = Payment>>(&mut self, command: &C) -> Came {
        for event in self.decide(command, &self.payment)? {
            match &event {
                PaymentEvent::PaymentCaptured(captured) => self.taken += captured.amount.amount,
                PaymentEvent::PaymentRefunded(refunded) => self.given_back += refunded.amount.amount,
                _ => {}
            }
            self.payment = Payment::evolve(std::mem::take(&mut self.payment), &event);
            self.log.push(event.into());
        }
        Ok(())
    }

    /// What the command side does with a command of the process: once, however often it comes.
    fn carry_out(&mut self, key: &StepKey, command: &Outgoing) -> Came {
        if self.done.contains(&key.to_string()) {
            return Ok(());
        }
        let body = || command.body.clone();
        match command.name.as_str() {
            "reserve-stock" => self.on_stock::<ReserveStock>(&serde_json::from_value(body()).unwrap()),
            "release-stock" => self.on_stock::<ReleaseStock>(&serde_json::from_value(body()).unwrap()),
            "ship-stock" => self.on_stock::<ShipStock>(&serde_json::from_value(body()).unwrap()),
            "request-payment" => self.on_payment::<RequestPayment>(&serde_json::from_value(body()).unwrap()),
            "capture-payment" => self.on_payment::<CapturePayment>(&serde_json::from_value(body()).unwrap()),
            "reverse-payment" => self.on_payment::<ReversePayment>(&serde_json::from_value(body()).unwrap()),
            "confirm-order" => self.on_order::<ConfirmOrder>(&serde_json::from_value(body()).unwrap()),
            "reject-order" => self.on_order::<RejectOrder>(&serde_json::from_value(body()).unwrap()),
            "cancel-order" => self.on_order::<CancelOrder>(&serde_json::from_value(body()).unwrap()),
            other => panic!("sent {other}"),
        }?;
        self.done.push(key.to_string());
        Ok(())
    }

    fn hear(&mut self, case: ProcessCase<Fulfilment>) -> ProcessCase<Fulfilment> {
        let Some(event) = self.log.get(self.heard).cloned() else { return case };
        self.heard += 1;
        match event {
            OrdersEvent::Order(event) => case.order(event),
            OrdersEvent::Payment(event) => case.payment(event),
        }
    }
}

fn answer(
    world: &mut World,
    case: ProcessCase<Fulfilment>,
    which: usize,
    is_answered: bool,
) -> ProcessCase<Fulfilment> {
    let waiting = case.instance().unsent();
    let Some((key, command)) = waiting.get(which % waiting.len().max(1)) else { return case };
    let (key, command) = (key.clone(), (*command).clone());
    let came = world.carry_out(&key, &command);
    match (key, came) {
        (StepKey::Step(step), _) if !is_answered => case.unknown(&step),
        (StepKey::Undo(_), _) if !is_answered => case,
        (StepKey::Step(step), Ok(())) => case.done(&step),
        (StepKey::Step(step), Err(code)) => case.refused(&step, code),
        (StepKey::Undo(step), Ok(())) => case.undone(&step),
        (StepKey::Undo(step), Err(code)) => panic!("undoing {step} was refused: {code}"),
    }
}

fn happens(world: &mut World, case: ProcessCase<Fulfilment>, next: Next) -> ProcessCase<Fulfilment> {
    let payment_id = id_of("payment");
    match next {
        Next::Answer(which) => return answer(world, case, which, true),
        Next::LoseAnswer(which) => return answer(world, case, which, false),
        Next::LoseCommand(which) => {
            let waiting = case.instance().unsent();
            return match waiting.get(which % waiting.len().max(1)) {
                Some((StepKey::Step(step), _)) => {
                    let step = step.clone();
                    case.unknown(&step)
                }
                _ => case,
            };
        }
        Next::Hear => return world.hear(case),
        Next::Pass => return case.advance(6 * MINUTES),
        // Whatever a rule says to these: they come from outside, at any time.
        Next::Cancel => {
            let _ = world.on_order(&CancelOrder { order_id: ORDER, reason: "no".into() });
        }
        Next::Ship => {
            let _ = world.on_order(&MarkShipped { order_id: ORDER, carrier: None, tracking_code: None });
        }
        Next::Authorise => {
            let _ = world.on_payment(&AuthorisePayment { payment_id });
        }
        Next::Decline => {
            let _ = world.on_payment(&DeclinePayment { payment_id, reason: "no".into() });
        }
        Next::Refund => {
            let amount = Some(euro(7));
            let _ = world.on_payment(&RefundPayment { payment_id, amount, reason: None });
        }
    }
    case
}

/// Everything that waits is answered and everything that happened is heard, until nothing moves but time.
fn settles(world: &mut World, mut case: ProcessCase<Fulfilment>) -> ProcessCase<Fulfilment> {
    loop {
        let waits = !case.instance().unsent().is_empty();
        if waits {
            case = answer(world, case, 0, true);
        } else if world.heard < world.log.len() {
            case = world.hear(case);
        } else if !case.instance().timers.is_empty() {
            case = case.advance(20 * MINUTES);
        } else {
            return case;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nothing_is_left_behind_whatever_happens(
        chairs in 0..4_i64,
        tables in 0..3_i64,
        method in prop::sample::select(vec![
            PaymentMethod::CardOk, PaymentMethod::CardOk, PaymentMethod::CardDeclined, PaymentMethod::CardSilent,
        ]),
        story in prop::collection::vec(next(), 0..60),
    ) {
        let mut world = World::new(chairs, tables);
        let item = |product_id, quantity| Item { product_id, quantity, unit_price: euro(100) };
        let items = vec![item(CHAIR, 2), item(TABLE, 1)];
        let create = CreateOrder { order_id: Some(ORDER), customer_id: ANN, items, payment_method: method };
        world.on_order(&create).unwrap();
        let mut case = world.hear(process());
        for next in story {
            case = happens(&mut world, case, next);
        }
        case = settles(&mut world, case);

        let reserved = |world: &World| world.stock.values().map(|stock| stock.levels.reserved).sum::<i64>();
        let left = |world: &World| world.stock.values().map(|stock| stock.levels.total).sum::<i64>();
        match &world.order {
            OrderState::Confirmed(_) => {
                prop_assert_eq!((reserved(&world), world.taken), (3, 300));
                prop_assert_ne!(case.instance().phase, Phase::Ended, "it waits for being shipped");
                world.on_order(&CancelOrder { order_id: ORDER, reason: "no".into() }).unwrap();
                case = settles(&mut world, case);
            }
            OrderState::Shipped(_) => {
                prop_assert_eq!((left(&world), world.taken), (chairs + tables - 3, 300));
                prop_assert_eq!(reserved(&world), 0);
                prop_assert_eq!(case.instance().phase, Phase::Ended);
                return Ok(());
            }
            OrderState::Rejected(_) | OrderState::Cancelled(_) => {}
            OrderState::Unknown | OrderState::Pending(_) | OrderState::Delivered(_) => {
                prop_assert!(false, "the order has not ended: {:?}", world.order);
            }
        }
        prop_assert_eq!(case.instance().phase, Phase::Ended, "{:#?}", case.instance());
        prop_assert_eq!((left(&world), reserved(&world)), (chairs + tables, 0));
        prop_assert_eq!(world.taken, world.given_back, "money is neither kept nor given away");
        prop_assert!(world.taken == 0 || world.taken == 300, "charged {}", world.taken);

        // A command that was lost on its way arrives long after, when there is stock again: nothing is reserved and
        // nothing is taken.
        for product_id in [CHAIR, TABLE] {
            world.on_stock(&ReceiveStock { product_id, location: "Berlin".into(), quantity: 5 }).unwrap();
        }
        let late: Vec<_> = case.instance().steps.iter().filter(|step| step.doubtful).cloned().collect();
        for step in late {
            let _ = world.carry_out(&StepKey::Step(step.step), &step.command);
        }
        prop_assert_eq!((left(&world), reserved(&world)), (chairs + tables + 10, 0), "a late command did something");
        prop_assert_eq!(world.taken, world.given_back, "a late command took money");
    }
}
