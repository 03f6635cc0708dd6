//! nextest's configuration, with a group for experiments.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError};

/// The configuration where there is none.
pub(crate) const TEMPLATE: &str = include_str!("templates/nextest.toml");

/// The configuration that is there cannot be added to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NextestError {
    #[error("it is not TOML: {0}")]
    Toml(#[from] TomlError),
    #[error("`{0}` is written in a way that cannot be added to. Add this by hand:\n\n{lines}", lines = TEMPLATE)]
    Shape(&'static str),
}

/// The text with a group for experiments, and the profile that workflows name, or nothing where it has such a group.
pub(crate) fn with_group(text: &str) -> Result<Option<String>, NextestError> {
    let mut document: DocumentMut = text.parse()?;
    let group =
        |document: &DocumentMut| document.get("test-groups").and_then(|groups| groups.get("chaos")).is_some();
    if group(&document) {
        return Ok(None);
    }
    let template: DocumentMut = TEMPLATE.parse()?;
    let groups = document.entry("test-groups").or_insert_with(|| Item::Table(Table::new()));
    let groups = groups.as_table_like_mut().ok_or(NextestError::Shape("test-groups"))?;
    groups.insert("chaos", template["test-groups"]["chaos"].clone());
    let implicit = || {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    };
    let profiles = document.entry("profile").or_insert_with(implicit);
    let profiles = profiles.as_table_like_mut().ok_or(NextestError::Shape("profile"))?;
    if !profiles.contains_key("ci") {
        let mut ci = template["profile"]["ci"].clone();
        if let Some(table) = ci.as_table_mut() {
            table.set_position(None);
            if let Some(junit) = table.get_mut("junit").and_then(Item::as_table_mut) {
                junit.set_position(None);
            }
        }
        profiles.insert("ci", ci);
    }
    let default = profiles.entry("default").or_insert_with(implicit);
    let default = default.as_table_like_mut().ok_or(NextestError::Shape("profile.default"))?;
    let overrides = default.entry("overrides").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let overrides =
        overrides.as_array_of_tables_mut().ok_or(NextestError::Shape("profile.default.overrides"))?;
    let ours =
        template["profile"]["default"]["overrides"].as_array_of_tables().and_then(|tables| tables.get(0));
    overrides.extend(ours.map(placed_last));
    Ok(Some(document.to_string()))
}

/// The table without its place in the template, which would put it before others.
fn placed_last(table: &Table) -> Table {
    let mut last = table.clone();
    last.set_position(None);
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_that_is_there_gets_the_group_and_keeps_the_rest() {
        let own = "# ours\n[profile.default]\nretries = 2 # flaky\n\n[[profile.default.overrides]]\nfilter = 'test(slow)'\n";
        let merged = with_group(own).unwrap().unwrap();
        assert!(merged.starts_with(own), "{merged}");
        assert!(merged.contains("chaos = { max-threads = 1 }") && merged.contains("retries = 0"), "{merged}");
        let document: DocumentMut = merged.parse().unwrap();
        assert_eq!(document["profile"]["default"]["overrides"].as_array_of_tables().unwrap().len(), 2);
        assert_eq!(with_group(&merged).unwrap(), None, "a second time changes nothing");
        assert!(document["profile"]["ci"]["junit"]["path"].is_str(), "what the workflows name: {merged}");
        let ci = with_group("[profile.ci]\nretries = 1\n").unwrap().unwrap();
        assert!(ci.contains("[profile.ci]\nretries = 1\n") && !ci.contains("junit"), "theirs stays: {ci}");
        assert_eq!(with_group(TEMPLATE).unwrap(), None);
        assert!(with_group("").unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_added_to_comes_with_the_lines_to_add() {
        let error = with_group("[profile]\ndefault = { overrides = [] }\n").unwrap_err().to_string();
        assert!(error.starts_with("`profile.default.overrides` is written"), "{error}");
        assert!(error.contains("test-group = \"chaos\"") && error.contains("[profile.ci]"), "{error}");
    }
}
