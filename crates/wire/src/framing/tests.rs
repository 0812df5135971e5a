use proptest::prelude::*;

use super::*;

#[test]
fn a_frame_is_a_zero_and_the_id_in_network_order() {
    assert_eq!(&frame(0x0102_0304, b"body")[..], b"\0\x01\x02\x03\x04body");
    assert_eq!(unframe(&Bytes::from_static(b"\0\0\0\0")), Err(FrameError::TooShort(4)));
    assert_eq!(unframe(&Bytes::from_static(b"{\"a\":1}")), Err(FrameError::WrongMagic(b'{')));
}

proptest! {
    #[test]
    fn a_framed_body_comes_back(id: u32, body: Vec<u8>) {
        prop_assert_eq!(unframe(&frame(id, &body)), Ok((id, Bytes::from(body))));
    }

    #[test]
    fn any_value_has_a_frame_or_an_error(value: Vec<u8>) {
        let _ = unframe(&value.into());
    }
}
