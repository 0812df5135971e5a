use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

#[test]
fn a_tenant_has_so_many_seats_and_leaves_some_to_others() {
    let streams = Streams::new(3, 2);
    let seats = [streams.sit(&tenant("acme")).unwrap(), streams.sit(&tenant("acme")).unwrap()];
    assert!(streams.sit(&tenant("acme")).is_err());
    let other = streams.sit(&tenant("globex")).unwrap();
    assert!(streams.sit(&tenant("globex")).is_err(), "the house is full");
    drop(seats);
    assert!(streams.sit(&tenant("acme")).is_ok());
    drop(other);
    assert!(streams.0.lock().by_tenant.is_empty(), "nobody is remembered who has left");
    assert_eq!(streams.0.lock().all, 0);
}
