//! Journals, for the fuzz targets.

use super::JournalReader;

/// Reads a journal. It has no more entries than lines, and its one error comes last and names a line of it.
///
/// # Panics
/// One of them does not hold.
pub fn journal(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count() as u64;
    let mut reader = JournalReader::new(data);
    let mut entries = 0;
    while let Some(read) = reader.next() {
        match read {
            Ok(entry) => {
                entries += 1;
                assert!(!format!("{entry:?}").is_empty());
            }
            Err(error) => {
                assert!(reader.next().is_none(), "it goes on after {error}");
                let named =
                    (1..=lines).any(|line| error.to_string().starts_with(&format!("line {line} of ")));
                assert!(named, "{error}");
            }
        }
    }
    assert!(entries <= lines);
    assert!(reader.torn().is_none_or(|torn| torn == lines), "only the last line may be torn");
}
