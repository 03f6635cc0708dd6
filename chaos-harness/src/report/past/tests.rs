mod events;

use super::*;
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

#[test]
fn what_can_be_read_is_known_by_its_name() {
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
