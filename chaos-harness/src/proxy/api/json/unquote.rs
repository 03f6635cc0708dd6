//! What a quoted string says.

/// What `quoted`, a valid JSON string with its quotes, says. Bytes that are not UTF-8 and halves of surrogate pairs
/// become replacement characters, one each.
pub(super) fn unquote(quoted: &[u8]) -> String {
    let inner = &quoted[1..quoted.len() - 1];
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(escape) = rest.iter().position(|byte| *byte == b'\\') {
        push_bytes(&mut text, &rest[..escape]);
        rest = push_escaped(&mut text, &rest[escape + 1..]);
    }
    push_bytes(&mut text, rest);
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// Pushes what the escape at the start of `rest`, without its backslash, stands for; what follows it.
fn push_escaped<'a>(text: &mut String, rest: &'a [u8]) -> &'a [u8] {
    let (letter, after) = match rest.split_first() {
        Some((b'b', after)) => ('\u{8}', after),
        Some((b'f', after)) => ('\u{c}', after),
        Some((b'n', after)) => ('\n', after),
        Some((b'r', after)) => ('\r', after),
        Some((b't', after)) => ('\t', after),
        Some((b'u', after)) => return push_code_point(text, after),
        Some((itself, after)) => (char::from(*itself), after),
        None => return rest,
    };
    text.push(letter);
    after
}

/// Pushes the character of the four digits at the start of `rest`, or of the pair that they begin; what follows.
fn push_code_point<'a>(text: &mut String, rest: &'a [u8]) -> &'a [u8] {
    let (first, after) = code_unit(rest);
    if let Some(pair) = after.strip_prefix(b"\\u") {
        let (second, after_pair) = code_unit(pair);
        if let [Ok(character)] = char::decode_utf16([first, second]).collect::<Vec<_>>()[..] {
            text.push(character);
            return after_pair;
        }
    }
    text.push(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
    after
}

fn code_unit(digits: &[u8]) -> (u16, &[u8]) {
    let (digits, after) = digits.split_at(digits.len().min(4));
    let unit = digits
        .iter()
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .fold(0, |unit: u16, digit| (unit << 4) | u16::try_from(digit).unwrap_or_default());
    (unit, after)
}
