//! The token of the API, out of a file or the environment.

use crate::arguments::TokenSource;
use crate::bounded;
use chaos_harness::proxy::{ApiToken, ApiTokenError};
use std::env;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The variable that holds the token, for server and commands alike.
const VARIABLE: &str = "CHAOS_API_TOKEN";

/// How long a file with a token may be.
const LONGEST: usize = 4096;

/// What a mode allows to any but the owner.
const OTHERS: u32 = 0o077;

/// Why there is no token. What was read is not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token file {} cannot be read", file.display())]
    Read { file: PathBuf, source: io::Error },
    #[error("the token file {} holds no token: write it there alone, on one line", file.display())]
    File { file: PathBuf, source: ApiTokenError },
    #[error("the token file {} is no text", file.display())]
    NotText { file: PathBuf },
    #[error("{VARIABLE} is no token")]
    Variable { source: ApiTokenError },
    #[error("{VARIABLE} is no text")]
    VariableNotText,
}

/// The token that the file holds, or the environment where no file is named. A variable of blanks is none.
pub(crate) fn read(source: &TokenSource) -> Result<Option<ApiToken>, TokenError> {
    let Some(file) = &source.token_file else { return from_environment() };
    let unreadable = |source| TokenError::Read { file: file.clone(), source };
    let open = File::open(file).map_err(unreadable)?;
    warn_of_readers(file, &open.metadata().map_err(unreadable)?);
    let bytes = bounded::read_open(open, LONGEST).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| TokenError::NotText { file: file.clone() })?;
    let token = ApiToken::new(text.trim());
    token.map(Some).map_err(|source| TokenError::File { file: file.clone(), source })
}

/// A token that others on this machine can read keeps none of them out. It is taken all the same: a volume that a secret is
/// mounted from may have no other mode.
fn warn_of_readers(file: &Path, found: &Metadata) {
    let mode = found.permissions().mode() & 0o777;
    // A pipe is whoever's that made it, and gone with it.
    if found.is_file() && mode & OTHERS != 0 {
        let file = file.display();
        eprintln!("warning: others can get at the token file {file} (mode {mode:o}): chmod 600 {file}");
    }
}

fn from_environment() -> Result<Option<ApiToken>, TokenError> {
    match env::var(VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            ApiToken::new(text.trim()).map(Some).map_err(|source| TokenError::Variable { source })
        }
        Ok(_) | Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(TokenError::VariableNotText),
    }
}
