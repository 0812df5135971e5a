use proptest::prelude::*;

use super::*;

fn near(word: &str, spellings: &[&str]) -> Vec<(String, Vec<String>)> {
    vec![(word.to_owned(), spellings.iter().map(|&spelling| spelling.to_owned()).collect())]
}

#[test]
fn words_lose_their_marks_and_their_case_and_come_once() {
    assert_eq!(Words::of("O'Neill, o-NEILL!").as_slice(), ["o", "neill"]);
    assert!(Words::of(" '!& ").is_empty());
    assert_eq!(Words::of("ÄRGER…").as_slice(), ["ärger…"]);
}

#[test]
fn a_search_as_typed_wants_each_word_or_its_beginning() {
    let query = Words::of("Oak chair").as_typed().unwrap();
    assert_eq!(query.matching, "'oak':* & 'chair':*");
    assert_eq!(query.ranking, "'oak' | 'oak':* | 'chair' | 'chair':*");
    assert_eq!(Words::of("").as_typed(), None);
}

#[test]
fn a_word_that_nobody_knows_is_searched_as_its_nearest_spellings() {
    let words = Words::of("oak chiar");
    let query = words.respelt(&near("chiar", &["chair", "charm", "chain"])).unwrap();
    assert_eq!(query.matching, "'oak':* & ('chair')");
    let query = words.respelt(&near("chiar", &["chiat", "chair"])).unwrap();
    assert_eq!(query.matching, "'oak':* & ('chiat' | 'chair')");
}

#[test]
fn a_word_that_is_like_nothing_ends_the_search() {
    assert_eq!(Words::of("oak xylophone").respelt(&near("xylophone", &["oak", "phone"])), None);
    assert_eq!(Words::of("oak chair").respelt(&[]), None);
}

#[test]
fn short_words_and_numbers_are_meant_as_typed() {
    assert_eq!(Words::of("ok").respelt(&near("ok", &["oak"])), None);
    assert_eq!(Words::of("2001").respelt(&near("2001", &["2000"])), None);
    assert_eq!(Words::of("oek").respelt(&near("oek", &["oak"])).unwrap().matching, "('oak')");
}

#[test]
fn slips_are_letters_too_many_too_few_wrong_or_swapped() {
    for (typed, meant, expected) in [
        ("chair", "chair", 0),
        ("chiar", "chair", 1),
        ("chir", "chair", 1),
        ("chaiir", "chair", 1),
        ("cheir", "chair", 1),
        ("", "chair", 5),
        ("chair", "", 5),
        ("keybaord", "keyboard", 1),
        ("stuhle", "stühle", 1),
    ] {
        assert_eq!(slips(typed, meant), expected, "{typed} {meant}");
    }
}

proptest! {
    #[test]
    fn whatever_is_typed_stays_between_its_quotes(text in "\\PC{0,60}") {
        if let Some(query) = Words::of(&text).as_typed() {
            for word in query.matching.split(" & ") {
                let word = word.strip_prefix('\'').and_then(|word| word.strip_suffix("':*"));
                prop_assert!(word.is_some_and(is_plain), "{:?}", query.matching);
            }
        }
    }

    #[test]
    fn slips_are_the_same_both_ways_and_never_more_than_the_longer_word(a in "[a-d]{0,8}", b in "[a-d]{0,8}") {
        prop_assert_eq!(slips(&a, &b), slips(&b, &a));
        prop_assert!(slips(&a, &b) <= a.len().max(b.len()));
    }
}
