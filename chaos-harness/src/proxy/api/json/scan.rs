//! Finds the first value of a text, and what is wrong with it.

use super::JsonError;

/// As deep as the original goes.
const DEEPEST: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

#[derive(Clone, Copy)]
enum Expected {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// The first value of `text`, without what surrounds it. What follows it is not looked at.
pub(super) fn first_value(text: &[u8]) -> Result<&[u8], JsonError> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.skip_space();
    let start = scanner.at;
    if start == text.len() {
        return Err(JsonError::Empty);
    }
    scanner.pass_value()?;
    Ok(&text[start..scanner.at])
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, JsonError> {
        self.text.get(self.at).copied().ok_or(JsonError::Unfinished)
    }

    /// Why the byte at hand is wrong.
    fn wrong<T>(&self, context: &'static str) -> Result<T, JsonError> {
        Err(JsonError::Character { character: self.peek()?, context })
    }

    fn pass_value(&mut self) -> Result<(), JsonError> {
        let mut open = Vec::new();
        let mut expected = Expected::Value;
        loop {
            self.skip_space();
            let character = self.peek()?;
            expected = match (expected, character) {
                (Expected::ValueOrEnd, b']') | (Expected::KeyOrEnd, b'}') => {
                    self.at += 1;
                    open.pop();
                    Expected::CommaOrEnd
                }
                (Expected::Value | Expected::ValueOrEnd, b'[' | b'{') => {
                    if open.len() == DEEPEST {
                        return self.wrong("exceeded max depth");
                    }
                    self.at += 1;
                    if character == b'[' {
                        open.push(Container::Array);
                        Expected::ValueOrEnd
                    } else {
                        open.push(Container::Object);
                        Expected::KeyOrEnd
                    }
                }
                (Expected::Value | Expected::ValueOrEnd, _) => {
                    self.pass_scalar(character)?;
                    Expected::CommaOrEnd
                }
                (Expected::Key | Expected::KeyOrEnd, b'"') => {
                    self.pass_string()?;
                    Expected::Colon
                }
                (Expected::Key | Expected::KeyOrEnd, _) => {
                    return self.wrong("looking for beginning of object key string");
                }
                (Expected::Colon, b':') => {
                    self.at += 1;
                    Expected::Value
                }
                (Expected::Colon, _) => return self.wrong("after object key"),
                (Expected::CommaOrEnd, _) => self.pass_separator(character, &mut open)?,
            };
            if open.is_empty() {
                return Ok(());
            }
        }
    }

    /// What stands between two elements, or after the last.
    fn pass_separator(&mut self, character: u8, open: &mut Vec<Container>) -> Result<Expected, JsonError> {
        let expected = match (open.last(), character) {
            (Some(Container::Array), b',') => Expected::Value,
            (Some(Container::Object), b',') => Expected::Key,
            (Some(Container::Array), b']') | (Some(Container::Object), b'}') => {
                open.pop();
                Expected::CommaOrEnd
            }
            (Some(Container::Array), _) => return self.wrong("after array element"),
            _ => return self.wrong("after object key:value pair"),
        };
        self.at += 1;
        Ok(expected)
    }

    fn pass_scalar(&mut self, first: u8) -> Result<(), JsonError> {
        match first {
            b'"' => self.pass_string(),
            b'-' | b'0'..=b'9' => self.pass_number(),
            b't' => self.pass_word(&[
                (b'r', "in literal true (expecting 'r')"),
                (b'u', "in literal true (expecting 'u')"),
                (b'e', "in literal true (expecting 'e')"),
            ]),
            b'f' => self.pass_word(&[
                (b'a', "in literal false (expecting 'a')"),
                (b'l', "in literal false (expecting 'l')"),
                (b's', "in literal false (expecting 's')"),
                (b'e', "in literal false (expecting 'e')"),
            ]),
            b'n' => self.pass_word(&[
                (b'u', "in literal null (expecting 'u')"),
                (b'l', "in literal null (expecting 'l')"),
                (b'l', "in literal null (expecting 'l')"),
            ]),
            _ => self.wrong("looking for beginning of value"),
        }
    }

    /// The rest of a word after its first letter.
    fn pass_word(&mut self, rest: &[(u8, &'static str)]) -> Result<(), JsonError> {
        self.at += 1;
        for &(letter, context) in rest {
            if self.peek()? != letter {
                return self.wrong(context);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn pass_string(&mut self) -> Result<(), JsonError> {
        loop {
            self.at += 1;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.pass_escape()?,
                ..0x20 => return self.wrong("in string literal"),
                _ => {}
            }
        }
    }

    /// From the backslash to the last character of the escape.
    fn pass_escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek()? {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.peek()?.is_ascii_hexdigit() {
                        return self.wrong("in \\u hexadecimal character escape");
                    }
                }
                Ok(())
            }
            _ => self.wrong("in string escape code"),
        }
    }

    fn pass_number(&mut self) -> Result<(), JsonError> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.pass_digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.pass_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.pass_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    /// One digit at least.
    fn pass_digits(&mut self, context: &'static str) -> Result<(), JsonError> {
        if !self.peek()?.is_ascii_digit() {
            return self.wrong(context);
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }
}
