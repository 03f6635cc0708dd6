//! The lines in Cargo.toml. All else in it stays as it is, comments and spaces, too.

use std::path::{Component, Path, PathBuf};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TomlError, Value, value};

/// What of tokio the sample uses.
const TOKIO_FEATURES: [&str; 2] = ["io-util", "net"];

/// Cargo.toml cannot be given what is needed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("it is not TOML: {0}")]
    Toml(#[from] TomlError),
    #[error(
        "`{0}` is written in a way that cannot be added to: write it as a table, or add the lines by hand"
    )]
    Shape(&'static str),
    #[error(
        "its test target `chaos` has a main of libtest: add `harness = false` to it, or give it another name"
    )]
    Libtest,
}

/// Where the harness comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Version(String),
    /// Relative to the package, or absolute.
    Path(PathBuf),
    Git(String),
}

impl Origin {
    fn dependency(&self) -> Item {
        let (key, said) = match self {
            Self::Version(version) => return value(version.as_str()),
            Self::Path(path) => ("path", path.to_string_lossy().into_owned()),
            Self::Git(url) => ("git", url.clone()),
        };
        let mut table = InlineTable::new();
        table.insert(key, said.into());
        value(table)
    }
}

/// The text with what experiments need, and what was added; nothing where all is there.
pub(crate) fn with_experiments(
    text: &str,
    origin: &Origin,
) -> Result<(String, Vec<&'static str>), ManifestError> {
    let mut document: DocumentMut = text.parse()?;
    let mut added = Vec::new();
    let is_there = ["dependencies", "dev-dependencies"]
        .iter()
        .any(|table| document.get(table).and_then(|table| table.get("chaos-harness")).is_some());
    let usual = document.get("dependencies").and_then(|table| table.get("tokio")).cloned();
    let dependencies = document.entry("dev-dependencies").or_insert_with(|| Item::Table(Table::new()));
    let dependencies = dependencies.as_table_like_mut().ok_or(ManifestError::Shape("dev-dependencies"))?;
    if !is_there {
        dependencies.insert("chaos-harness", origin.dependency());
        added.push("the dev-dependency chaos-harness");
    }
    let tokio = dependencies.entry("tokio").or_insert(Item::None);
    if give_features(tokio, usual.as_ref())? {
        added.push("the dev-dependency tokio");
    }
    if add_target(&mut document)? {
        added.push("the test target chaos");
    }
    Ok((document.to_string(), added))
}

/// Has tokio with what the sample uses of it; from where the package has it already. Whether anything was missing.
fn give_features(tokio: &mut Item, usual: Option<&Item>) -> Result<bool, ManifestError> {
    if tokio.is_none() {
        let mut table = InlineTable::new();
        let is_inherited = usual.and_then(|usual| usual.get("workspace")).is_some();
        let version = usual.and_then(|usual| usual.as_str().or_else(|| usual.get("version")?.as_str()));
        if is_inherited {
            table.insert("workspace", true.into());
        } else {
            table.insert("version", version.unwrap_or("1").into());
        }
        *tokio = value(table);
    } else if let Some(version) = tokio.as_str() {
        let mut table = InlineTable::new();
        table.insert("version", version.into());
        *tokio = value(table);
    }
    let table = tokio.as_table_like_mut().ok_or(ManifestError::Shape("dev-dependencies.tokio"))?;
    let features = table.entry("features").or_insert_with(|| value(Array::new()));
    let features = features.as_array_mut().ok_or(ManifestError::Shape("dev-dependencies.tokio.features"))?;
    let has = |feature: &str| {
        features
            .iter()
            .any(|given| matches!(given.as_str(), Some(given) if given == feature || given == "full"))
    };
    let missing: Vec<_> = TOKIO_FEATURES.into_iter().filter(|feature| !has(feature)).collect();
    let is_changed = !missing.is_empty();
    for feature in missing {
        features.push(feature);
    }
    Ok(is_changed)
}

/// Adds the test target; whether it was missing.
fn add_target(document: &mut DocumentMut) -> Result<bool, ManifestError> {
    let tests = document.entry("test").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let tests = tests.as_array_of_tables_mut().ok_or(ManifestError::Shape("test"))?;
    let name_of = |table: &Table| table.get("name").and_then(Item::as_str).map(str::to_owned);
    if let Some(own) = tests.iter().find(|table| name_of(table).as_deref() == Some("chaos")) {
        let is_ours = own.get("harness").and_then(Item::as_bool) == Some(false);
        return if is_ours { Ok(false) } else { Err(ManifestError::Libtest) };
    }
    let mut table = Table::new();
    table.insert("name", value("chaos"));
    table.insert("harness", Item::Value(Value::from(false)));
    tests.push(table);
    Ok(true)
}

/// The way from a folder to another, both absolute: relative where they have more than the root in common.
pub(crate) fn way(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    if common < 2 {
        return to.iter().collect();
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - common);
    let way: PathBuf = up.chain(to[common..].iter().copied()).collect();
    if way.as_os_str().is_empty() { ".".into() } else { way }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> (String, Vec<&'static str>) {
        with_experiments(text, &Origin::Version("0.1.0".to_owned())).unwrap()
    }

    const BARE: &str = "\
[package]
name = \"shop\" # ours
edition   = \"2024\"

[dependencies]
";

    #[test]
    fn what_is_missing_is_added_and_the_rest_stays_as_it_is() {
        let (text, added) = with(BARE);
        let expected = format!(
            "{BARE}
[dev-dependencies]
chaos-harness = \"0.1.0\"
tokio = {{ version = \"1\", features = [\"io-util\", \"net\"] }}

[[test]]
name = \"chaos\"
harness = false
"
        );
        assert_eq!(text, expected);
        assert_eq!(added.len(), 3);
        assert_eq!(with(&text), (text.clone(), Vec::new()), "a second time changes nothing");
    }

    #[test]
    fn dependencies_that_are_there_are_only_added_to() {
        let own = "[dependencies]\nchaos-harness = { path = \"../own\" }\n\n[dev-dependencies]\n\
                   tokio = \"1.30\" # runtime\n\n[[test]]\nname = \"app\"\n";
        let (text, added) = with(own);
        assert_eq!(added, ["the dev-dependency tokio", "the test target chaos"]);
        assert!(text.contains("tokio = { version = \"1.30\", features = [\"io-util\", \"net\"] }"), "{text}");
        assert!(text.contains("[[test]]\nname = \"app\"\n\n[[test]]\nname = \"chaos\"\n"), "{text}");

        let (full, added) = with("[dev-dependencies]\ntokio = { version = \"1\", features = [\"full\"] }\n");
        assert!(!added.contains(&"the dev-dependency tokio"), "{full}");
        let (inherited, _) = with("[dependencies]\ntokio.workspace = true\n");
        assert!(inherited.contains("tokio = { workspace = true, features = ["), "{inherited}");
        let (pinned, _) = with("[dependencies.tokio]\nversion = \"1.44\"\n");
        assert!(pinned.contains("tokio = { version = \"1.44\", features = ["), "{pinned}");
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let error = |text| with_experiments(text, &Origin::Version("1".to_owned())).unwrap_err().to_string();
        assert!(error("[[test]]\nname = \"chaos\"\n").contains("add `harness = false`"));
        assert!(error("test = [{ name = \"x\" }]\n").starts_with("`test` is written in a way"));
        assert!(error("[package\n").starts_with("it is not TOML"));
    }

    #[test]
    fn the_way_to_another_folder_is_short() {
        let way = |from, to| way(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/w/shop", "/w/chaos/harness"), "../chaos/harness");
        assert_eq!(way("/w/a/b", "/w"), "../..");
        assert_eq!(way("/w", "/w"), ".");
        assert_eq!(way("/w/shop", "/elsewhere"), "/elsewhere");
    }
}
