use uuid::Uuid;

use super::*;

/// Sequences in the order of their offsets, which begin at `start`; zero is a record of somebody else.
struct InMemory {
    start: i64,
    sequences: Vec<u64>,
    epoch: Epoch,
}

const OURS: Epoch = Epoch(Uuid::from_u128(1));
const THEIRS: Epoch = Epoch(Uuid::from_u128(2));

impl InMemory {
    fn holding(sequences: impl IntoIterator<Item = u64>) -> Self {
        Self { start: 0, sequences: sequences.into_iter().collect(), epoch: OURS }
    }

    fn placed(&self) -> impl Iterator<Item = Placed> {
        (self.start..).zip(&self.sequences).filter(|(_, sequence)| **sequence > 0).map(
            |(offset, sequence)| Placed {
                offset,
                epoch: self.epoch,
                sequence: Sequence::new(*sequence),
                chain: chain(*sequence),
            },
        )
    }
}

impl Partition for InMemory {
    fn range(&self) -> Result<OffsetRange, MessagingError> {
        Ok(OffsetRange { start: self.start, end: self.start + i64::try_from(self.sequences.len()).unwrap() })
    }

    fn first_from(&self, offset: i64) -> Result<Option<Placed>, MessagingError> {
        Ok(self.placed().find(|placed| placed.offset >= offset))
    }

    fn read(
        &self,
        offset: i64,
        mut each: impl FnMut(Placed) -> ControlFlow<()>,
    ) -> Result<(), MessagingError> {
        let _ = self.placed().filter(|placed| placed.offset >= offset).try_for_each(&mut each);
        Ok(())
    }
}

fn chain(sequence: u64) -> ChainHash {
    ChainHash::from_bytes(&[u8::try_from(sequence % 251).unwrap(); 32]).unwrap()
}

fn cursor(sequence: u64, offset: Option<i64>) -> Cursor {
    Cursor {
        published_through: Sequence::new(sequence),
        chain: Some(chain(sequence)),
        topic_id: Some(Uuid::from_u128(9)),
        offset,
    }
}

fn held(through: u64, offset: Option<i64>, last_offset: Option<i64>) -> Holding {
    let chain = (through > 0).then(|| chain(through));
    Holding { through: Sequence::new(through), chain, offset, last_offset }
}

fn survey_of(partition: &InMemory, cursor: &Cursor) -> Holding {
    survey(partition, cursor, true, OURS).unwrap()
}

#[test]
fn an_empty_partition_holds_nothing() {
    assert_eq!(survey_of(&InMemory::holding([]), &Cursor::default()), held(0, None, None));
}

#[test]
fn what_was_sent_and_not_yet_noted_in_the_cursor_is_found() {
    let partition = InMemory::holding(1..=20);
    assert_eq!(survey_of(&partition, &cursor(12, Some(11))), held(20, Some(19), Some(19)));
    assert_eq!(survey_of(&partition, &Cursor::default()), held(20, Some(19), Some(19)));
}

#[test]
fn repeats_at_the_end_are_not_mistaken_for_the_end() {
    let partition = InMemory::holding((1..=20).chain(15..=17));
    assert_eq!(survey_of(&partition, &cursor(20, Some(19))), held(20, Some(19), Some(22)));
    let partition = InMemory::holding((1..=20).chain(15..=23));
    assert_eq!(survey_of(&partition, &cursor(20, Some(19))), held(23, Some(28), Some(28)));
}

#[test]
fn a_tail_that_was_lost_is_missing_from_what_is_left() {
    let partition = InMemory::holding(1..=500);
    assert_eq!(survey_of(&partition, &cursor(1000, Some(999))), held(500, Some(499), Some(499)));
}

#[test]
fn what_was_sent_after_a_loss_and_before_it_was_noticed_does_not_hide_the_hole() {
    let after_loss = InMemory::holding((1..=500).chain(1001..=1010));
    assert_eq!(survey_of(&after_loss, &cursor(1000, Some(999))), held(500, Some(499), Some(509)));
    let grown_past_the_cursor = InMemory::holding((1..=500).chain(1001..=2000));
    assert_eq!(survey_of(&grown_past_the_cursor, &cursor(1000, Some(999))), held(500, Some(499), Some(1499)));
    let lost_behind_the_cursor = InMemory::holding((1..=1050).chain(1101..=1110));
    assert_eq!(
        survey_of(&lost_behind_the_cursor, &cursor(1000, Some(999))),
        held(1050, Some(1049), Some(1059))
    );
    let repaired = InMemory::holding((1..=500).chain(1001..=1010).chain(501..=1010));
    assert_eq!(survey_of(&repaired, &cursor(1000, Some(1009))), held(1010, Some(1019), Some(1019)));
}

#[test]
fn a_topic_made_anew_is_looked_at_from_its_beginning() {
    let cursor = cursor(1000, Some(3));
    let empty = InMemory::holding([]);
    assert_eq!(survey(&empty, &cursor, false, OURS), Ok(held(0, None, None)));
    let sent_before_it_was_noticed = InMemory::holding(1001..=1010);
    assert_eq!(survey(&sent_before_it_was_noticed, &cursor, false, OURS), Ok(held(0, None, Some(9))));
    // Also where the broker does not tell topics apart.
    assert_eq!(survey(&sent_before_it_was_noticed, &cursor, true, OURS), Ok(held(0, None, Some(9))));
    let sent_again = InMemory::holding((1001..=1010).chain(1..=7));
    assert_eq!(survey(&sent_again, &cursor, false, OURS), Ok(held(7, Some(16), Some(16))));
}

#[test]
fn a_beginning_that_was_removed_leaves_the_end_known() {
    let mut partition = InMemory::holding(101..=200);
    partition.start = 100;
    assert_eq!(survey_of(&partition, &cursor(150, Some(149))), held(200, Some(199), Some(199)));
    partition.sequences.clear();
    partition.start = 200;
    assert_eq!(survey_of(&partition, &cursor(200, Some(199))), held(0, None, Some(199)));
}

#[test]
fn records_of_somebody_else_are_passed_over() {
    let partition = InMemory::holding([1, 0, 2, 0, 0, 3, 0]);
    assert_eq!(survey_of(&partition, &Cursor::default()), held(3, Some(5), Some(6)));
    assert_eq!(survey_of(&partition, &cursor(9, Some(100))), held(3, Some(5), Some(6)));
}

#[test]
fn another_history_is_not_continued() {
    let partition = InMemory { epoch: THEIRS, ..InMemory::holding(1..=5) };
    for cursor in [Cursor::default(), cursor(5, Some(4)), cursor(9, Some(8))] {
        let outcome = survey(&partition, &cursor, true, OURS);
        assert!(matches!(outcome, Err(Unclear::OtherEpoch { epoch: THEIRS, .. })), "{outcome:?}");
    }
}
