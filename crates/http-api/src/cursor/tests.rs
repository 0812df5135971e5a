use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Position {
    name: String,
    id: u64,
}

proptest! {
    #[test]
    fn a_position_comes_back_as_it_was(name in ".{0,40}", id: u64) {
        let position = Position { name, id };
        let cursor = Cursor::encode(&position).unwrap();
        prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        prop_assert_eq!(Cursor::decode::<Position>(&cursor).unwrap(), position);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        if let Err(problem) = Cursor::decode::<Position>(&text) {
            prop_assert_eq!(problem.kind(), ProblemType::InvalidCursor);
        }
    }
}

#[test]
fn a_cursor_of_another_list_or_an_endless_one_is_not_valid() {
    let other = Cursor::encode(&("price",)).unwrap();
    let endless = Cursor::encode(&Position { name: "x".repeat(5000), id: 1 }).unwrap();
    for text in [other.as_str(), endless.as_str(), "", "e30", "%%%"] {
        let problem = Cursor::decode::<Position>(text).unwrap_err();
        assert_eq!(problem.kind(), ProblemType::InvalidCursor, "{text}");
    }
}
