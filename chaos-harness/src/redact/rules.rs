//! What in a text is not to be shown, though nobody said so: passwords in URLs, and values after names that say it.

use super::names::hides_option;
use crate::secret::MASK;
use std::borrow::Cow;
use std::ops::Range;

/// No URL is looked at further than so many bytes from its scheme: a text of nothing but schemes must not take for ever.
const LONGEST_URL: usize = 2048;

/// `text` without what the rules hide.
///
/// - In `scheme://user:password@host`, the password.
/// - In `name=value` and `--name value`, the value, where the name says that it is a secret: to the next blank, or to the
///   closing quote.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    let spans = spans(text);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans {
        shown.push_str(&text[end..span.start]);
        shown.push_str(MASK);
        end = span.end;
    }
    shown.push_str(&text[end..]);
    Cow::Owned(shown)
}

/// What [`text`] hides.
pub(super) fn hidden_in(text: &str) -> impl Iterator<Item = &str> {
    spans(text).into_iter().map(|span| &text[span])
}

/// Where the hidden parts are: ascending, apart from each other, and none of them empty.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> =
        urls(text).chain(values(text)).filter(|span| !span.is_empty()).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    apart
}

/// The passwords of URLs.
fn urls(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, separator)| {
        let has_scheme = text[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
        let start = at + separator.len();
        let rest = &text[start..boundary(text, start + LONGEST_URL)];
        let whole = &rest[..rest.find(ends_url).unwrap_or(rest.len())];
        let authority = &whole[..whole.find(['/', '?', '#']).unwrap_or(whole.len())];
        let colon = authority.find(':')?;
        let at = match authority.rfind('@') {
            Some(at) => at,
            // A password may hold what should have been written as %2F: then what comes after the colon is no port.
            None if is_port(&authority[colon + 1..]) => return None,
            None => whole.rfind('@')?,
        };
        (has_scheme && colon < at).then(|| start + colon + 1..start + at)
    })
}

/// The end of the character at `at`, or of the text.
fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

fn ends_url(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || matches!(letter, '"' | '`' | '<' | '>')
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit()) || text.starts_with('{')
}

/// The values of options, variables and fields.
fn values(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while from < text.len() {
            let bytes = text.as_bytes();
            let start = from + bytes[from..].iter().position(|byte| is_in_name(*byte))?;
            let end =
                bytes[start..].iter().position(|byte| !is_in_name(*byte)).map_or(text.len(), |at| start + at);
            from = end;
            let name = &text[start..end];
            let Some(value) = value_of(text, name, end).filter(|_| hides_option(name)) else { continue };
            let quote = text[..start].chars().next_back().filter(|letter| is_quote(*letter));
            let span = value_span(text, value, quote);
            from = span.end.max(end);
            return Some(span);
        }
        None
    })
}

/// Where the value of what is named here begins, if it has one.
fn value_of(text: &str, name: &str, end: usize) -> Option<usize> {
    let rest = &text[end..];
    if rest.starts_with('=') {
        return Some(end + 1);
    }
    let value = rest.trim_start();
    let is_option = name.starts_with('-') && value.len() < rest.len();
    (is_option && !value.is_empty() && !value.starts_with('-')).then(|| text.len() - value.len())
}

/// The value that begins here: up to the quote that it or its name began with, or to the next blank.
fn value_span(text: &str, start: usize, quote: Option<char>) -> Range<usize> {
    let rest = &text[start..];
    let own = rest.chars().next().filter(|letter| is_quote(*letter));
    let (start, quote) = if own.is_some() { (start + 1, own) } else { (start, quote) };
    let rest = &text[start..];
    let end = match quote {
        Some(quote) => rest.find(quote),
        None => rest.find(char::is_whitespace),
    };
    start..start + end.unwrap_or(rest.len())
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '\'' | '"' | '`')
}

pub(super) fn is_in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_password_of_a_url_is_hidden_wherever_it_stands() {
        for (given, shown) in [
            ("redis://:hunter2@127.0.0.1:1/0", "redis://:[redacted]@127.0.0.1:1/0"),
            ("at postgres://me:hun@ter2@db/x?a=b@c, gone", "at postgres://me:[redacted]@db/x?a=b@c, gone"),
            ("['amqp://a:b@h','amqp://c:d@i']", "['amqp://a:[redacted]@h','amqp://c:[redacted]@i']"),
            ("pg+tls://me:hun/ter#2@db", "pg+tls://me:[redacted]@db"),
            ("redis://:a@h1,redis://:b@h2", "redis://:[redacted]@h1,redis://:[redacted]@h2"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn values_after_telling_names_are_hidden() {
        for (given, shown) in [
            ("redis-server --requirepass hunter2 --port 1", "redis-server --requirepass [redacted] --port 1"),
            ("x --password=hunter2", "x --password=[redacted]"),
            ("x --password='hun ter2' y", "x --password='[redacted]' y"),
            ("x '--password=hun ter2' y", "x '--password=[redacted]' y"),
            ("env PGPASSWORD=hunter2 psql", "env PGPASSWORD=[redacted] psql"),
            ("GET /?access_token=hunter2", "GET /?access_token=[redacted]"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn what_is_no_secret_is_left() {
        for plain in [
            "http://127.0.0.1:80/a@b",
            "http://{redis}/me@x",
            "http://[::1]:80/",
            "ssh://git@host/x",
            "a://b, write to c:d@e",
            "--password",
            "--password --port 1",
            "the password was wrong",
            "PASSWORD=",
            "port=1 keys=5 rate=200/s",
            "p99 < 500ms: 3 of 1000 (0.3%)",
        ] {
            assert!(matches!(text(plain), Cow::Borrowed(_)), "{plain} became {}", text(plain));
        }
    }

    proptest! {
        #[test]
        fn the_password_of_a_url_never_shows(
            password in "[A-Za-z0-9%:@!$&*;,=.'\u{e4}-]{1,20}Q[0-9]{3}",
            before in "[ a-z(\"'=]{0,8}",
            after in "[ a-z:/?#)\"']{0,8}",
        ) {
            let given = format!("{before}redis://user:{password}@host{after}");
            let shown = text(&given).into_owned();
            prop_assert!(!shown.contains(&password), "{given} became {shown}");
            prop_assert_eq!(text(&shown).into_owned(), shown.clone(), "hidden once, it stays as it is");
        }

        #[test]
        fn text_without_urls_and_telling_names_is_unchanged(given in "[^=]*") {
            prop_assume!(!given.contains("://") && !given.contains('-'));
            prop_assert_eq!(text(&given), given.as_str());
        }

        #[test]
        fn any_text_is_taken(given in any::<String>()) {
            let shown = text(&given);
            prop_assert!(hidden_in(&given).all(|hidden| !hidden.is_empty()), "{}", shown);
        }
    }
}
