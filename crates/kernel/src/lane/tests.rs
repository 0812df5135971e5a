use super::*;

#[test]
fn a_token_reads_back_as_it_was_written() {
    let token: LaneToken = "catalog/3=1042".parse().unwrap();
    assert_eq!(token.to_string(), "catalog/3=1042");
    assert_eq!(token.sequence, Sequence::new(1042));
}

#[test]
fn a_malformed_token_is_refused() {
    for bad in [
        "",
        "catalog",
        "catalog/3",
        "catalog/x=1",
        "/3=1",
        "catalog/3=-1",
        "catalog/3=9223372036854775808",
        "Cat/1=1",
    ] {
        assert!(bad.parse::<LaneToken>().is_err(), "{bad:?} was taken");
    }
}

#[test]
fn new_tenants_spread_over_all_lanes() {
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..200 {
        seen.insert(Lane::for_new_tenant(&TenantId::new(format!("tenant-{n}")).unwrap(), 12).number());
    }
    assert_eq!(seen.len(), 12);
}
