//! What is stored in a ledger, read so that nothing is taken for what it is not.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Longest text that is kept, in bytes.
#[cfg(feature = "records")]
const LONGEST_TEXT: usize = 2_000;

/// Something that is stored, and says in which form.
pub(super) trait Form: DeserializeOwned {
    /// The form that this release writes, and the only one it reads.
    const SCHEMA: u32;

    /// The form that it says it has.
    fn schema(&self) -> u32;

    /// What is wrong with it, though it is of this form.
    fn problem(&self) -> Option<String>;
}

/// Why something that is stored is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FormError {
    /// A newer release wrote it.
    Newer { schema: u64 },
    /// It is not what it should be, from this line of it on.
    Damaged { line: usize, reason: String },
}

/// All that is asked of what may be of another form.
#[derive(Deserialize)]
struct Schema {
    schema: u64,
}

pub(super) fn read<T: Form>(text: &[u8]) -> Result<T, FormError> {
    let damaged = |reason| FormError::Damaged { line: 1, reason };
    let value: T = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => {
            return match serde_json::from_slice(text) {
                Ok(Schema { schema }) if schema > u64::from(T::SCHEMA) => Err(FormError::Newer { schema }),
                _ => Err(FormError::Damaged { line: error.line().max(1), reason: reason(&error) }),
            };
        }
    };
    let schema = value.schema();
    if schema > T::SCHEMA {
        return Err(FormError::Newer { schema: schema.into() });
    }
    if schema < T::SCHEMA {
        return Err(damaged(format!("there is no form {schema}")));
    }
    value.problem().map_or(Ok(value), |reason| Err(damaged(reason)))
}

/// Whether a text may be part of a line, and is no longer than what is kept.
#[cfg(feature = "records")]
pub(super) fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

/// What the parser says, without the line, which is not that of the file.
fn reason(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it ends in the middle: whatever wrote it was cut off".to_owned();
    }
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    format!("{said} (column {})", error.column())
}
