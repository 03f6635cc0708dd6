//! Stored plans, for the fuzz targets.

use super::{Definition, Plan, StoredError};
use crate::secret::MASK;

/// Reads a plan, or an experiment. One that can be run is stored and reads back as the same; where its secrets are
/// missing then, it is refused for that.
///
/// # Panics
/// It is otherwise.
#[expect(clippy::expect_used, reason = "that is how a fuzz target fails")]
pub fn plan(data: &[u8]) {
    if let Ok(definition) = Definition::from_json(data) {
        let stored = serde_json::to_vec(&definition).expect("it is plain data");
        same(&definition, Definition::from_json(&stored), &stored);
    }
    if let Ok(plan) = Plan::from_json(data) {
        let stored = plan.redactor().line(&plan).expect("it is plain data");
        let said = String::from_utf8_lossy(&stored).into_owned();
        let read = Plan::from_json(&stored);
        if !said.contains(MASK) {
            same(&plan, read, &stored);
        }
        assert!(plan.redactor().text(&format!("{:?}", plan.definition.system)).len() < 1 << 20);
    }
}

#[expect(clippy::panic, reason = "that is how a fuzz target fails")]
fn same<T: PartialEq + std::fmt::Debug>(stored: &T, read: Result<T, StoredError>, text: &[u8]) {
    match read {
        Ok(read) => assert_eq!(read, *stored),
        Err(error) => {
            let text = String::from_utf8_lossy(text);
            if !(text.contains(MASK) && matches!(error, StoredError::Problems(_))) {
                panic!("{error}: {text}");
            }
        }
    }
}
