//! Text that a server had a part in, as a terminal may have it: without commands to it.

/// One line, whatever there is in it: control characters are escaped.
pub(crate) fn line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { plain.extend(letter.escape_default()) } else { plain.push(letter) }
    }
    plain
}

/// Several lines, as they are laid out.
pub(crate) fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        let text = "no \u{1b}[2Jproxy\u{9b}1m\r\nn\u{e4}mlich\n";
        assert_eq!(line(text), "no \\u{1b}[2Jproxy\\u{9b}1m\\r\\nn\u{e4}mlich\\n");
        assert_eq!(lines(text), "no \\u{1b}[2Jproxy\\u{9b}1m\\r\nn\u{e4}mlich\n");
    }
}
