use super::*;
use crate::redact::Redactor;
use crate::report::{Event, Journal};
use proptest::prelude::*;

const LIMITS: Limits = Limits { line: 200, lines: 5, bytes: 600 };

fn read(text: &[u8]) -> (Vec<Entry>, Option<JournalError>, Option<u64>) {
    let mut reader = JournalReader::within(text, LIMITS);
    let (mut entries, mut error) = (Vec::new(), None);
    for read in reader.by_ref() {
        match read {
            Ok(entry) => entries.push(entry),
            Err(found) => error = Some(found),
        }
    }
    (entries, error, reader.torn())
}

#[track_caller]
fn refused(text: &str) -> String {
    read(text.as_bytes()).1.expect("it is refused").to_string()
}

const UNDONE: &str = r#"{"t":5,"event":"undone","fault":"kill a","failure":null}"#;

#[test]
fn what_was_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let journal = Journal::create(&path, Redactor::new(["hunter2"], [])).unwrap();
    journal.event(&Event::ServiceReady { service: "redis", routes: vec!["127.0.0.1:1".to_owned()] });
    journal.event(&Event::PhaseExtended { phase: Phase::Turbulence, by: Duration::from_millis(1_500) });
    let by_force = Forced { what: "redis".to_owned(), instead: "kill hunter2".to_owned(), tried: Vec::new() };
    journal.event(&Event::TakenDown { undo: &UndoResult::ByForce { forced: vec![by_force.clone()] } });
    journal.seal().unwrap();
    let text = std::fs::read(&path).unwrap();
    let events: Vec<_> = JournalReader::new(&text[..]).map(|entry| entry.unwrap().event).collect();
    let expected = [
        PastEvent::ServiceReady { service: "redis".to_owned(), routes: vec!["127.0.0.1:1".to_owned()] },
        PastEvent::PhaseExtended { phase: Phase::Turbulence, by: Duration::from_millis(1_500) },
        PastEvent::TakenDown {
            undo: UndoResult::ByForce {
                forced: vec![Forced { instead: "kill [redacted]".to_owned(), ..by_force }],
            },
        },
    ];
    assert_eq!(events, expected);
}

#[test]
fn what_this_release_does_not_know_is_kept_as_it_is() {
    let (entries, error, torn) = read(br#"{"t":5,"event":"rained","inches":2}"#);
    assert!(error.is_none() && torn.is_none());
    let fields = Map::from_iter([("inches".to_owned(), Value::from(2))]);
    let event = PastEvent::Unknown { event: "rained".to_owned(), fields };
    assert_eq!(entries, [Entry { at: Duration::from_millis(5), event }]);
}

#[test]
fn only_the_last_line_may_break_off() {
    let (entries, error, torn) = read(format!("{UNDONE}\n{}", &UNDONE[..20]).as_bytes());
    assert_eq!((entries.len(), torn), (1, Some(2)));
    assert!(error.is_none());
    // Whole but for the end of its line.
    let (entries, _, torn) = read(UNDONE.as_bytes());
    assert_eq!((entries.len(), torn), (1, None));
    let error = refused(&format!("{UNDONE}\n{}\n{UNDONE}\n", &UNDONE[..20]));
    assert!(error.starts_with("line 2 of the journal is no event: EOF"), "{error}");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_what_would_be_right() {
    for (line, said) in [
        ("7", "invalid type: integer `7`, expected a map"),
        (r#"{"event":"undone"}"#, "no `t`"),
        (r#"{"t":-1,"event":"undone"}"#, "`t` is not a whole number"),
        (r#"{"t":1}"#, "no `event`"),
        (r#"{"t":1,"event":"undone"}"#, "`undone`: missing field `fault`"),
        ("", "EOF"),
    ] {
        let error = refused(&format!("{UNDONE}\n{line}\n"));
        assert!(error.starts_with("line 2 of the journal is no event: "), "{line}: {error}");
        assert!(error.contains(said) && error.ends_with("with `t` and `event`"), "{line}: {error}");
    }
}

#[test]
fn nothing_is_read_beyond_the_limits() {
    let long = format!("{{\"t\":1,\"event\":\"{}\"}}\n", "x".repeat(200));
    assert!(refused(&long).contains("a line has at most 200 bytes"));
    assert!(refused(&"{\"t\":1,\"event\":\"x\"}\n".repeat(6)).contains("at most 5 lines"));
    let wide = format!("{{\"t\":1,\"event\":\"{}\"}}\n", "x".repeat(150));
    assert!(refused(&wide.repeat(4)).contains("at most 600 bytes"));
    assert!(
        refused(&format!("{{\"t\":1,\"event\":\"x\",\"x\":{}\n", "[".repeat(40))).contains("at most 32 deep")
    );
}

/// Every event that is written is one that is known, and the other way round.
#[test]
fn all_events_are_known_by_their_names() {
    for name in KNOWN {
        let value = serde_json::json!({ "event": name });
        let error = serde_json::from_value::<PastEvent>(value).unwrap_err().to_string();
        assert!(error.starts_with("missing field"), "{name}: {error}");
    }
    let error =
        serde_json::from_value::<PastEvent>(serde_json::json!({"event": ""})).unwrap_err().to_string();
    let known = KNOWN.map(|name| format!("`{name}`")).join(", ");
    assert!(error.ends_with(&format!("expected one of {known}")), "{error}");
}

proptest! {
    #[test]
    fn a_journal_cut_anywhere_loses_no_whole_line(lines in 0_usize..4, cut in 0_usize..300) {
        let text = format!("{UNDONE}\n").repeat(lines);
        let cut = cut.min(text.len());
        let (entries, error, torn) = read(&text.as_bytes()[..cut]);
        prop_assert!(error.is_none());
        let whole = cut / (UNDONE.len() + 1);
        let rest = cut % (UNDONE.len() + 1);
        let last_is_whole = rest == UNDONE.len();
        prop_assert_eq!(entries.len(), whole + usize::from(last_is_whole));
        prop_assert_eq!(torn.is_some(), rest > 0 && !last_is_whole);
    }

    #[test]
    fn any_bytes_are_taken(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&text);
    }
}
