use super::*;

fn rows(count: usize) -> Vec<(String, usize)> {
    (1..=count).map(|number| (format!("{{\"n\":{number}}}"), number)).collect()
}

#[test]
fn a_page_that_is_not_the_last_says_where_it_goes_on() {
    let body = Found::of(rows(3), 2).into_body(&[]).unwrap();
    let page: Page<serde_json::Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(page.items.len(), 2);
    assert_eq!(position::<usize>(page.next.as_deref()).unwrap(), Some(2));
}

#[test]
fn the_last_page_says_that_it_is() {
    for count in [0, 1, 2] {
        let body = Found::of(rows(count), 2).into_body(&[]).unwrap();
        let page: Page<serde_json::Value> = serde_json::from_str(&body).unwrap();
        assert_eq!((page.items.len(), page.next), (count, None));
    }
}

#[test]
fn a_page_has_room_for_more_than_its_items() {
    let body = Found::of(rows(1), 2).into_body(&[("facets", "{}".to_owned())]).unwrap();
    assert_eq!(body, r#"{"items":[{"n":1}],"next":null,"facets":{}}"#);
}

#[test]
fn a_limit_has_bounds() {
    assert_eq!(limit(None, 20, 100).unwrap(), 20);
    assert_eq!(limit(Some(100), 20, 100).unwrap(), 100);
    for bad in [0, -1, 101, i64::MAX] {
        assert_eq!(limit(Some(bad), 20, 100).unwrap_err().kind(), ProblemType::InvalidParameter);
    }
}

#[test]
fn a_position_that_postgres_would_not_take_is_refused() {
    let zero = Cursor::encode(&"a\0b").unwrap();
    assert_eq!(position::<String>(Some(&zero)).unwrap_err().kind(), ProblemType::InvalidCursor);
    let spelt_out = Cursor::encode(&"a u0000 b").unwrap();
    assert_eq!(position::<String>(Some(&spelt_out)).unwrap().as_deref(), Some("a u0000 b"));
}
