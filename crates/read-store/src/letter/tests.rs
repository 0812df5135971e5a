use super::*;

fn letter(sequence: u64, subject: Subject) -> Letter {
    Letter {
        lane: Lane::new(3),
        subject,
        sequence: Sequence::new(sequence),
        reason: Reason::Unfoldable,
        why: "no label".to_owned(),
        record: DeadRecord::default(),
        attempts: 1,
        parked_at: Timestamp::from_micros(1),
    }
}

fn row(key: &str) -> Subject {
    Subject::Row(RowAddress { tenant: TenantId::new("acme").unwrap(), key: RowKey::new(key) })
}

#[test]
fn a_subject_reads_back_as_it_was_written() {
    let tenant = TenantId::new("acme").unwrap();
    let stream = StreamName::of("product", Uuid::from_u128(7));
    for subject in [row("a/b c"), Subject::Stream { tenant, stream }, Subject::Record { offset: 7 }] {
        assert_eq!(subject.to_string().parse(), Ok(subject));
    }
    for bad in ["", "row", "row/acme", "record/x", "stream/acme/", "else/acme/x"] {
        assert_eq!(bad.parse::<Subject>(), Err(InvalidSubject), "{bad:?} was taken");
    }
}

#[test]
fn letters_sort_by_sequence_and_are_told_apart_by_what_is_parked() {
    let early = letter(255, row("b")).id();
    let late = letter(256, row("a")).id();
    assert!(early < late && early.to_string() < late.to_string());
    assert_ne!(letter(255, row("a")).id(), early);
    assert_eq!(letter(255, row("b")).id(), early);
    assert_eq!(early.to_string().parse(), Ok(early));
    assert_eq!("3".parse::<LetterId>(), Err(InvalidLetterId));
}

#[test]
fn a_record_of_any_bytes_survives() {
    let record = DeadRecord {
        offset: 9,
        key: None,
        value: Some(vec![0, 255, 13]),
        headers: vec![
            ("sequence".to_owned(), HeaderValue(vec![200])),
            (String::new(), HeaderValue::default()),
        ],
    };
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<DeadRecord>(&text).unwrap(), record);
}
