//! What an experiment's file needs: `use chaos_harness::prelude::*;`

pub use crate::blast_radius::{Risk, Stage};
pub use crate::experiment::Experiment;
#[doc(no_inline)]
pub use crate::macros::{chaos_test, system};
pub use crate::proxy::Stream;
pub use crate::secret::Secret;
pub use crate::system::{Ready, Service, Services, System};
pub use crate::units::{ByteRate, Bytes, Percent, Rate, Share};
pub use crate::{BoxError, Result};
