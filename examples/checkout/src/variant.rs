//! Which of the two builds of the service runs.

use std::{env, ffi::OsString, fmt, str::FromStr};

/// How the service treats its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Variant {
    /// Time limits, retries with backoff, hedged requests, circuit breakers and a fallback.
    #[default]
    Hardened,
    /// None of these: each call waits for as long as it takes, and each error is the customer's.
    Fragile,
}

/// The name of a variant that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such variant of the checkout service: {0:?} (`hardened` or `fragile`)")]
pub struct UnknownVariant(OsString);

impl Variant {
    /// The environment variable that [`Variant::from_env`] reads.
    pub const ENV: &str = "CHECKOUT_VARIANT";

    /// The variant that `CHECKOUT_VARIANT` names; hardened where it is not set.
    pub fn from_env() -> Result<Self, UnknownVariant> {
        env::var_os(Self::ENV).map_or(Ok(Self::default()), |name| match name.to_str() {
            Some(name) => name.parse(),
            None => Err(UnknownVariant(name)),
        })
    }
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(name: &str) -> Result<Self, UnknownVariant> {
        match name {
            "hardened" => Ok(Self::Hardened),
            "fragile" => Ok(Self::Fragile),
            other => Err(UnknownVariant(other.into())),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hardened => "hardened",
            Self::Fragile => "fragile",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_read_back_from_its_name() {
        for variant in [Variant::Hardened, Variant::Fragile] {
            assert_eq!(variant.to_string().parse(), Ok(variant));
        }
    }

    #[test]
    fn an_unknown_variant_names_the_known_ones() {
        let error = "Hardened".parse::<Variant>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no such variant of the checkout service: \"Hardened\" (`hardened` or `fragile`)"
        );
    }
}
