use super::*;

#[test]
fn a_tenant_cannot_break_out_of_a_key() {
    for bad in ["", "a/b", "a b", "ä", "a\n", &"x".repeat(65)] {
        assert!(TenantId::new(bad).is_err(), "{bad:?} was taken");
    }
    assert_eq!(TenantId::new("Acme.eu_1-x").unwrap().as_str(), "Acme.eu_1-x");
}

#[test]
fn a_stream_name_tells_its_kind_and_id() {
    let id = Uuid::from_u128(7);
    let stream = StreamName::of("product", id);
    assert_eq!((stream.kind(), stream.id()), ("product", Some(id)));
    assert_eq!(StreamName::parse(stream.as_str()).unwrap(), stream);
    for bad in ["product", "-x", "product-", "product-a b", "a/b-c", "product-x.*"] {
        assert!(StreamName::parse(bad).is_err(), "{bad:?} was taken");
    }
}

#[test]
fn an_actor_is_cut_at_a_character_and_cleaned() {
    let long = "é".repeat(200);
    assert_eq!(Actor::new(&long).as_str().len(), 200);
    assert_eq!(Actor::new("a\r\nb").as_str(), "a\u{fffd}\u{fffd}b");
}

#[test]
fn a_stream_that_belongs_to_something_is_one_of_a_family() {
    let (group, expense) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let stream = StreamName::within("expense", group, expense);
    assert_eq!((stream.kind(), stream.id()), ("expense", Some(expense)));
    assert_eq!(StreamName::parse(stream.as_str()).unwrap(), stream);
    let family = StreamFamily::of("expense", group);
    assert_eq!(StreamFamily::holding(&stream), Some(family.clone()));
    assert_eq!(StreamFamily::parse(family.as_str()), Some(family.clone()));
    assert_eq!(StreamFamily::named(&family.name()), Some(family.clone()));
    assert_eq!(family.kind(), "expense");
    assert!(family.holds(&stream) && !family.holds(&StreamName::of("expense", group)));
    assert!(!family.holds(&StreamName::within("expense", expense, group)));
    assert_eq!(
        (StreamFamily::named(&stream), StreamFamily::holding(&StreamName::of("a", group))),
        (None, None)
    );
    for bad in ["expense-7.*", "expense.*", "Expense-0.*", stream.as_str()] {
        assert_eq!(StreamFamily::parse(bad), None, "{bad:?} was taken");
    }
}
