//! Foreign text within a job summary.

use std::fmt::Write as _;

/// What means nothing within a line whose brackets, pipes, stars and the like are written by number.
const HARMLESS: &str = "-/()%=,'\"+?;{}";

/// Text as a cell of a table shows it, whatever there is in it: as code, which mentions and links nothing, and with each
/// character that markdown or HTML could take for something else by its number.
pub(crate) fn cell(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut cell = "<code>".to_owned();
    for letter in text.chars() {
        match letter {
            // Space, line ends and the rest of what one cannot see, or what turns the text around.
            letter if letter.is_control() || letter.is_whitespace() => cell.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                cell.push('\u{fffd}');
            }
            letter if letter.is_ascii_punctuation() && !HARMLESS.contains(letter) => {
                // Writing to a string cannot fail.
                let _ = write!(cell, "&#{};", u32::from(letter));
            }
            letter => cell.push(letter),
        }
    }
    cell + "</code>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a browser shows of a cell.
    fn shown(cell: &str) -> String {
        let mut text = cell.strip_prefix("<code>").unwrap().strip_suffix("</code>").unwrap();
        let mut shown = String::new();
        while let Some((before, rest)) = text.split_once("&#") {
            let (number, after) = rest.split_once(';').unwrap();
            shown += before;
            shown.push(char::from_u32(number.parse().unwrap()).unwrap());
            text = after;
        }
        shown + text
    }

    #[test]
    fn nothing_in_a_cell_is_markup() {
        for (text, seen) in [
            ("a|b", "a|b"),
            ("`x` **y** _z_", "`x` **y** _z_"),
            ("<img src=x>", "<img src=x>"),
            ("![i](http://h/i.png)", "![i](http://h/i.png)"),
            ("@everyone www.example.com", "@everyone www.example.com"),
            ("a\n\n# b\r\n| c |", "a  # b  | c |"),
            ("\u{202e}x", "\u{fffd}x"),
            ("&lt;", "&lt;"),
        ] {
            let cell = cell(text);
            assert_eq!(shown(&cell), seen);
            let inner = cell.replace("<code>", "").replace("</code>", "");
            assert!(!inner.contains(['|', '`', '<', '[', '!', '@', '*', '_', '.', '\n']), "{cell}");
        }
        assert_eq!(cell(""), "");
    }

    proptest! {
        #[test]
        fn any_text_stays_one_cell(text in "(\\PC|[\\r\\n\\t|`<>@&;#])+") {
            let cell = cell(&text);
            prop_assert!(!cell.contains(['\n', '\r', '|', '`', '@', '[', '\\']), "{}", cell);
            prop_assert_eq!(cell.matches('<').count(), 2);
            let seen = shown(&cell);
            let letters = |text: &str| text.chars().filter(char::is_ascii_graphic).collect::<String>();
            prop_assert_eq!(letters(&seen), letters(&text));
        }
    }
}
