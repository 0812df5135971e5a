use super::*;

#[test]
fn headers_keep_their_order_and_the_first_of_a_name_is_found() {
    let headers: Headers = [("a", &b"1"[..]), ("b", b""), ("a", b"2")].into_iter().collect();
    let all: Vec<_> = headers.iter().collect();
    assert_eq!(all, [("a", &b"1"[..]), ("b", b""), ("a", b"2")]);
    assert_eq!(headers.get("a"), Some(&b"1"[..]));
    assert_eq!(headers.get("b"), Some(&b""[..]));
    assert_eq!(headers.get("c"), None);
}
