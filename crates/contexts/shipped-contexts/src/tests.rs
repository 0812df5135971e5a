//! What holds for every command of every context, whatever it is about.

mod examples;

use std::collections::BTreeSet;

use kernel::{Command, Context, ContextVisitor, FieldError, Registry, Rejection, View, Violations};
use serde_json::{Value, json};
use uuid::Uuid;

use examples::EXAMPLES;

/// What a service makes of a body: the stream that it names and what is wrong with it, or that it has another form.
type Read = fn(&Value) -> Result<(Option<Uuid>, Vec<FieldError>), serde_json::Error>;

/// A command that is taken, and a body with all that it may say.
struct Taken {
    name: String,
    schema: Value,
    codes: &'static [(&'static str, &'static str)],
    read: Read,
    body: Value,
}

#[derive(Default)]
struct Commands {
    context: &'static str,
    taken: Vec<Taken>,
}

impl ContextVisitor for Commands {
    fn context<C: Context>(&mut self) {
        self.context = C::NAME;
        C::register(self);
    }
}

impl Registry for Commands {
    fn command<C: Command>(&mut self) {
        let name = format!("{}/{}", self.context, C::NAME);
        let example = EXAMPLES.iter().find(|(command, _)| *command == name);
        let (_, body) = example.unwrap_or_else(|| panic!("there is no example of {name}"));
        self.taken.push(Taken {
            schema: schemars::schema_for!(C).to_value(),
            codes: C::Rejection::CODES,
            read: read::<C>,
            body: serde_json::from_str(body).unwrap_or_else(|why| panic!("{name}: {why}")),
            name,
        });
    }

    fn view<V: View>(&mut self) {}
}

fn read<C: Command>(body: &Value) -> Result<(Option<Uuid>, Vec<FieldError>), serde_json::Error> {
    let command: C = serde_json::from_value(body.clone())?;
    let mut violations = Violations::default();
    command.validate(&mut violations);
    Ok((command.stream_id(), violations.into_errors()))
}

impl Taken {
    /// What is said to be wrong with the body once this is at that place; nothing where its form is another's.
    fn errors(&self, place: &str, value: Value) -> Option<Vec<FieldError>> {
        let mut body = self.body.clone();
        *body.pointer_mut(place).unwrap() = value;
        (self.read)(&body).ok().map(|(_, errors)| errors)
    }

    /// The places of the body whose values are like this.
    fn places(&self, wanted: fn(&Value) -> bool) -> Vec<String> {
        let mut places = Vec::new();
        gather(&self.body, String::new(), wanted, &mut places);
        places
    }

    /// Whether the code is among what is wrong with the body once this is at that place.
    fn complains(&self, place: &str, value: Value, code: &str) -> bool {
        let errors = self.errors(place, value);
        errors.is_some_and(|errors| errors.iter().any(|error| error.code == code))
    }

    /// The texts that anything may be written in: those that stay readable whatever is said.
    fn texts(&self) -> Vec<String> {
        let readable = |place: &String| self.errors(place, json!("some text")).is_some();
        self.places(Value::is_string).into_iter().filter(readable).collect()
    }
}

fn gather(value: &Value, place: String, wanted: fn(&Value) -> bool, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, member)| gather(member, format!("{place}/{name}"), wanted, places));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(number, item)| gather(item, format!("{place}/{number}"), wanted, places));
        }
        _ => {}
    }
    if wanted(value) {
        places.push(place);
    }
}

fn commands() -> Vec<Taken> {
    let mut commands = Commands::default();
    crate::visit(&mut commands);
    commands.taken
}

#[test]
fn every_example_says_all_that_its_command_takes_and_makes_sense() {
    let commands = commands();
    assert_eq!(commands.len(), EXAMPLES.len(), "an example of a command that nobody takes");
    for command in &commands {
        let said: BTreeSet<_> = command.body.as_object().unwrap().keys().collect();
        let taken: BTreeSet<_> = command.schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(said, taken, "{}", command.name);
        let (_, errors) =
            (command.read)(&command.body).unwrap_or_else(|why| panic!("{}: {why}", command.name));
        assert_eq!(errors, [], "{}", command.name);
    }
}

#[test]
fn every_text_has_a_longest_length_which_is_the_one_that_is_described() {
    let mut seen = 0;
    for command in commands() {
        for place in command.texts() {
            let endless = json!("x".repeat(100_000));
            assert!(command.complains(&place, endless, "too-long"), "{}: {place} is endless", command.name);
            let described = &command.schema["properties"][place.trim_start_matches('/')]["maxLength"];
            let Some(longest) = described.as_u64() else {
                assert!(place.matches('/').count() > 1, "{}: {place} has no described length", command.name);
                continue;
            };
            for (length, too_long) in [(longest, false), (longest + 1, true)] {
                let text = "é".repeat(usize::try_from(length).unwrap());
                let complains = command.complains(&place, json!(text), "too-long");
                assert_eq!(complains, too_long, "{}: {place} of {length} characters", command.name);
            }
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} texts were found");
}

#[test]
fn no_text_takes_a_control_character() {
    for command in commands() {
        for place in command.texts() {
            for control in ['\0', '\u{7}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}'] {
                let text = json!(format!("some{control}text"));
                let complains = command.complains(&place, text, "control-character");
                assert!(complains, "{}: {place} takes {control:?}", command.name);
            }
        }
    }
}

#[test]
fn every_number_has_bounds() {
    for command in commands() {
        for place in command.places(Value::is_number) {
            for number in [i64::MAX, i64::MIN, -1] {
                let errors = command.errors(&place, json!(number));
                assert!(errors != Some(Vec::new()), "{}: {place} may be {number}", command.name);
            }
        }
    }
}

#[test]
fn an_unknown_field_is_an_error_wherever_it_stands() {
    for command in commands() {
        for place in command.places(Value::is_object) {
            // Their members are named by whoever writes them.
            if place.ends_with("/attributes") || place.ends_with("/shares") {
                continue;
            }
            let mut extended = command.body.pointer(&place).unwrap().clone();
            extended["colour"] = json!("red");
            assert_eq!(command.errors(&place, extended), None, "{}: {place} may have a colour", command.name);
        }
    }
}

#[test]
fn an_id_is_chosen_by_the_client_or_left_to_be_made() {
    let mut made = Vec::new();
    for command in commands() {
        let (chosen, _) = (command.read)(&command.body).unwrap();
        assert!(chosen.is_some(), "{}", command.name);
        for place in command.places(|value| value.as_str().is_some_and(|text| text.parse::<Uuid>().is_ok())) {
            let mut body = command.body.clone();
            let Some(members) = body.as_object_mut() else { continue };
            members.remove(place.trim_start_matches('/'));
            if (command.read)(&body).is_ok_and(|(id, _)| id.is_none()) {
                assert_eq!(
                    chosen.unwrap().to_string(),
                    command.body.pointer(&place).unwrap().as_str().unwrap()
                );
                made.push(format!("{}{place}", command.name));
            }
        }
    }
    assert_eq!(
        made,
        [
            "catalog/create-category/category_id",
            "catalog/create-product/product_id",
            "accounts/register-user/user_id",
            "accounts/publish-post/post_id",
            "orders/create-order/order_id",
            "travel/create-group/group_id",
            "travel/plan-itinerary-item/item_id",
            "travel/submit-expense/expense_id",
            "travel/open-hotel/hotel_id",
            "travel/book-hotel-room/booking_id",
        ]
    );
}

#[test]
fn every_refusal_is_a_rules_name_in_kebab_case_with_a_sentence() {
    for command in commands() {
        assert!(!command.codes.is_empty(), "{} never says no", command.name);
        for (code, sentence) in command.codes {
            let kebab = code
                .split('-')
                .all(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase()));
            assert!(kebab, "{}: {code}", command.name);
            assert!(sentence.contains(' ') && !sentence.ends_with('.'), "{}: {sentence}", command.name);
        }
    }
}
