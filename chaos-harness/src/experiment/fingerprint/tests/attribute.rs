//! The same through the attribute: what a person changes in a file.

use super::of;
use crate::experiment::Experiment;
use crate::ledger::Part;

/// A file with an experiment in it.
macro_rules! file {
    ($name:ident { $($attribute:tt)* } $($item:tt)*) => {
        mod $name {

            use crate::macros::{chaos_test, system};
            use crate::{Result, Service};

            pub(super) struct Client(Service);

            impl Client {
                fn get(&self, _path: &str, _times: u32) -> impl Future<Output = Result> + use<> {
                    let Self(_service) = self;
                    std::future::ready(Ok(()))
                }
            }

            #[system(crate = crate, echo = process("echo --port {port}", replicas = 10))]
            async fn pair(echo: Service) -> Result<Client> {
                Ok(Client(echo))
            }

            #[chaos_test(crate = crate, system = pair, $($attribute)*)]
            #[ignore = "only what is registered is looked at"]
            $($item)*

            pub(super) fn experiment() -> crate::Experiment {
                survives__experiment()
            }
        }
    };
}

file!(before {
    hypothesis = "nobody notices",
    load(rate = 200/s, baseline = 5s),
    steady_state(error_rate < 1%),
    inject(latency(echo, 5ms)),
    expect(error_rate < 1%),
} async fn survives(client: &Client) -> Result {
    client.get("/cart", 1).await?;
    client.get("/", 2).await
});

#[rustfmt::skip]
file!(laid_out {
    // Prose, a longer phase, and another order of clauses.
    expect(  error_rate<1%  ), inject(latency(echo, 5000us,),),
    steady_state(error_rate < 1.0%),
    load(rate = 200/s, baseline = 50s, turbulence = 60s), seed = 7, parallel,
    hypothesis = "nobody notices that it is slow",
} 
    /// What it is for.
    async fn survives(client: &Client) -> Result
    {
        // First the cart,
        client
            .get(
                "/cart",
                1,
            )
            .await?;
        /* then the rest. */ client.get("/", 2).await
    });

file!(body {
    hypothesis = "nobody notices",
    load(rate = 200/s, baseline = 5s),
    steady_state(error_rate < 1%),
    inject(latency(echo, 5ms)),
    expect(error_rate < 1%),
} async fn survives(client: &Client) -> Result {
    client.get("/cart", 1).await?;
    client.get("/", 3).await
});

file!(revised {
    hypothesis = "nobody notices",
    load(rate = 200/s, baseline = 5s),
    steady_state(error_rate < 1%),
    inject(latency(echo, 6ms)),
    expect(error_rate < 1%),
    revision = 2,
} async fn survives(client: &Client) -> Result {
    client.get("/cart", 1).await?;
    client.get("/", 2).await
});

fn changed(to: &Experiment) -> Vec<Part> {
    of(to.definition()).changed_since(&of(before::experiment().definition()))
}

#[test]
fn layout_prose_and_longer_phases_are_not_seen() {
    assert_eq!(changed(&laid_out::experiment()), []);
}

#[test]
fn a_changed_token_is_seen_where_it_stands() {
    assert_eq!(changed(&body::experiment()), [Part::Body]);
    assert_eq!(changed(&revised::experiment()), [Part::Faults, Part::Revision]);
}
