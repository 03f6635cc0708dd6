//! Which names say that their value is not to be shown. The one place where this is decided.

/// A variable whose name contains one of these, in any case, has a value that is not shown.
const IN_VARIABLES: [&str; 8] =
    ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH"];

/// So has one whose name ends in one of these.
const ENDS_OF_VARIABLES: [&str; 3] = ["PASS", "PWD", "_PW"];

/// But not these: the shell's, which hold folders.
const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];

/// An option or a field whose name ends in one of these, in any case and however its words are joined. Stricter than for
/// variables: it is looked for in all text, and `keys=5` or `--auth-mode none` is ordinary text.
const ENDS_OF_OPTIONS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "credentials",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "masterauth",
];

/// Whether the value of the environment variable `name` is not to be shown.
pub(crate) fn hides_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends_so = ENDS_OF_VARIABLES.iter().any(|end| name.ends_with(end));
    IN_VARIABLES.iter().any(|part| name.contains(part)) || (ends_so && !FOLDERS.contains(&name.as_str()))
}

/// Whether what is given as `name=value` or `--name value` is not to be shown.
pub(super) fn hides_option(name: &str) -> bool {
    let is_shouted = name.contains(|letter: char| letter.is_ascii_uppercase())
        && !name.contains(|letter: char| letter.is_ascii_lowercase());
    if is_shouted && !name.starts_with('-') {
        // What is written so is a variable.
        return hides_variable(name);
    }
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    ENDS_OF_OPTIONS.iter().any(|end| plain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_hidden_by_their_names() {
        for name in
            ["POSTGRES_PASSWORD", "pgpassword", "API_KEY", "Auth", "GITHUB_TOKEN", "DB_PASS", "PGPASS"]
        {
            assert!(hides_variable(name), "{name}");
        }
        for name in ["MYSQL_PWD", "db_pwd", "SAPWD", "ADMIN_PW"] {
            assert!(hides_variable(name), "{name}");
        }
        for name in ["POSTGRES_USER", "PORT", "PATH", "PWD", "OLDPWD", "LANG", "CHECKOUT_VARIANT", "HTTPW"] {
            assert!(!hides_variable(name), "{name}");
        }
    }

    #[test]
    fn options_are_hidden_by_the_end_of_their_names() {
        for name in ["--password", "--requirepass", "-api-key", "db.password", "sharedSecret", "PGPASSWORD"] {
            assert!(hides_option(name), "{name}");
        }
        for name in ["MYSQL_PWD", "ADMIN_PW", "--db-pwd"] {
            assert!(hides_option(name), "{name}");
        }
        for name in
            ["--auth-mode", "keys", "--password-file", "tokens_left", "bypassed", "--key", "PWD", "OLDPWD"]
        {
            assert!(!hides_option(name), "{name}");
        }
    }
}
