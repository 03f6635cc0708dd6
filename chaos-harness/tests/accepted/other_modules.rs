//! Systems of other modules, by path and by glob import; a system and an experiment beside a module of the same name.

use chaos_harness::prelude::*;

mod common {
    use chaos_harness::prelude::*;

    /// A private constant of the system's own module.
    const IMAGE: &str = "redis:7";

    #[system(redis = container(IMAGE, port = 6379))]
    pub(crate) async fn shop() -> Result<()> {
        Ok(())
    }

    pub(super) mod deeper {
        use chaos_harness::prelude::*;

        #[system(postgres = container("postgres:17", port = 5432))]
        pub(in crate::other_modules::common) async fn near() -> Result<()> {
            Ok(())
        }

        #[system(postgres = container("postgres:17", port = 5432))]
        pub(crate) async fn far() -> Result<()> {
            near__system();
            Ok(())
        }
    }
}

mod cart {
    pub(crate) mod checkout {
        use chaos_harness::prelude::*;

        #[chaos_test(system = super::super::common::shop, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
        async fn survives() -> Result<()> {
            Ok(())
        }

        #[chaos_test(system = crate::other_modules::common::deeper::far, hypothesis = "h", inject(kill(postgres)), expect(p99 < 1s))]
        async fn survives_far() -> Result<()> {
            Ok(())
        }

        pub(crate) fn names() -> [String; 2] {
            [survives__experiment(), survives_far__experiment()]
                .map(|experiment| experiment.definition().name.clone())
        }
    }
}

mod glob {
    #[expect(clippy::wildcard_imports, reason = "what is tried here")]
    use crate::other_modules::common::*;
    use chaos_harness::prelude::*;

    #[chaos_test(system = shop, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
    async fn survives() -> Result<()> {
        Ok(())
    }
}

mod shop {}

#[system(redis = container("redis:7", port = 6379))]
async fn shop() -> Result<()> {
    Ok(())
}

#[chaos_test(system = shop, hypothesis = "h", inject(kill(redis)), expect(p99 < 1s))]
async fn shop_survives() -> Result<()> {
    Ok(())
}

pub(crate) fn check() {
    assert_eq!(
        cart::checkout::names(),
        ["survives", "survives_far"].map(|name| format!("other_modules::cart::checkout::{name}"))
    );
}
