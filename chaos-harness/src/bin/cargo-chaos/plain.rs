//! Text that others had a part in, as a terminal or the log of a CI run may have it: without commands to either.

/// One line, whatever there is in it: control characters are escaped.
pub(crate) fn line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { plain.extend(letter.escape_default()) } else { plain.push(letter) }
    }
    // A command to GitHub's runner, wherever in a line it is.
    plain.replace("##[", "#\\#[")
}

/// Several lines, as they are laid out.
pub(crate) fn lines(text: &str) -> String {
    text.split('\n').map(whole_line).collect::<Vec<_>>().join("\n")
}

/// A line from its start, where `::` would begin a command to GitHub's runner, also behind blanks.
fn whole_line(text: &str) -> String {
    let plain = line(text);
    match plain.trim_start().strip_prefix("::") {
        Some(command) => {
            let blanks = &plain[..plain.len() - "::".len() - command.len()];
            format!("{blanks}\\::{command}")
        }
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_runner_is_escaped_where_it_would() {
        assert_eq!(lines("no proxy\n\u{a0} ::error::x\n a::b"), "no proxy\n\u{a0} \\::error::x\n a::b");
        assert_eq!(line("see ##[error]x"), "see #\\#[error]x");
        assert_eq!(line("###[error]x"), "##\\#[error]x");
    }

    #[test]
    fn what_commands_a_terminal_is_escaped() {
        let text = "no \u{1b}[2Jproxy\u{9b}1m\r\nn\u{e4}mlich\n";
        assert_eq!(line(text), "no \\u{1b}[2Jproxy\\u{9b}1m\\r\\nn\u{e4}mlich\\n");
        assert_eq!(lines(text), "no \\u{1b}[2Jproxy\\u{9b}1m\\r\nn\u{e4}mlich\n");
    }
}
