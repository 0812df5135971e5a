use super::*;

#[test]
fn a_checkpoint_reads_back_as_it_was_written() {
    let begun = Checkpoint {
        sequence: Sequence::new(1042),
        offset: 1050,
        epoch: Some(Epoch(Uuid::from_u128(7))),
        chain: ChainHash::from_bytes(&[9; 32]).unwrap(),
    };
    for checkpoint in [Checkpoint::ZERO, begun] {
        assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Some(checkpoint));
    }
}

#[test]
fn a_text_that_is_no_checkpoint_is_refused() {
    for bad in ["", "1", "1 2", "1 2 -", "x 2 - 00", "1 2 - 00", "-1 2 - 00"] {
        assert_eq!(Checkpoint::parse(bad), None, "{bad:?} was taken");
    }
}
