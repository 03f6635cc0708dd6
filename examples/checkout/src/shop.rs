//! The running service, and a customer's browser.

use std::{
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use crate::{
    carts,
    config::Config,
    domain::{CheckoutRequest, DependencyError, Receipt},
    fragile::Fragile,
    hardened::Hardened,
    http, service,
    variant::Variant,
};

/// How long orders that are under way when the shop closes may still take.
const CLOSING_TIME: Duration = Duration::from_secs(1);

/// A checkout service on a port of its own, and a customer who buys there.
///
/// Dropping it ends the service at once; [`Shop::stop`] lets it finish its work.
#[derive(Debug)]
pub struct Shop {
    browser: http::Client,
    uri: String,
    next_customer: AtomicU32,
    server: Server,
}

/// The shop could not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The list of inventory replicas is empty.
    #[error("no inventory replica is given: the service needs at least one")]
    NoInventory,
    /// Redis or PostgreSQL could not be reached.
    #[error("a dependency is not ready: {0}")]
    Dependency(String),
    /// There is no port for the service.
    #[error("the service cannot listen on a loopback port")]
    Listen(#[from] io::Error),
}

impl From<DependencyError> for StartError {
    fn from(error: DependencyError) -> Self {
        Self::Dependency(service::with_causes(&error))
    }
}

/// The customer got no receipt.
#[derive(Debug, thiserror::Error)]
#[error("no receipt: {0}")]
pub struct CheckoutError(String);

impl From<http::Error> for CheckoutError {
    fn from(error: http::Error) -> Self {
        Self(service::with_causes(&error))
    }
}

impl Shop {
    /// Connects to all dependencies and opens the service on an ephemeral loopback port.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        if config.inventory.is_empty() {
            return Err(StartError::NoInventory);
        }
        let service = match config.variant {
            Variant::Hardened => service::router(Hardened::connect(&config).await?),
            Variant::Fragile => service::router(Fragile::connect(&config).await?),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let uri = format!("http://{}/checkout", listener.local_addr()?);
        Ok(Self {
            browser: http::Client::new(),
            uri,
            next_customer: AtomicU32::new(0),
            server: Server::start(listener, service),
        })
    }

    /// The next customer buys what is in the cart: one request to the service, from a browser with no time limit.
    pub async fn checkout(&self) -> Result<Receipt, CheckoutError> {
        let customer = self.next_customer.fetch_add(1, Ordering::Relaxed) % carts::CUSTOMERS;
        let order = rand::random_range(0..=i64::MAX);
        let request = CheckoutRequest { order, customer, cart: carts::sample(customer) };
        Ok(self.browser.post(&self.uri, &request).await?)
    }

    /// Takes no more orders, waits a moment for work that is left, and closes all connections.
    pub async fn stop(self) {
        let Self { browser, server, .. } = self;
        // Its idle connections would count as unfinished business of the server.
        drop(browser);
        server.stop().await;
    }
}

#[derive(Debug)]
struct Server {
    close: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
    _abort_on_drop: AbortOnDrop,
}

impl Server {
    fn start(listener: TcpListener, service: Router) -> Self {
        let (close, closing) = oneshot::channel::<()>();
        let task = tokio::spawn(
            axum::serve(listener, service)
                .with_graceful_shutdown(async {
                    // A dropped sender means the same: nobody is left to be served.
                    let _ = closing.await;
                })
                .into_future(),
        );
        let abort_on_drop = AbortOnDrop(task.abort_handle());
        Self { close, task, _abort_on_drop: abort_on_drop }
    }

    async fn stop(self) {
        // It fails only where the server has ended already.
        let _ = self.close.send(());
        // An order that hangs is cut off by the guard's drop.
        let _ = timeout(CLOSING_TIME, self.task).await;
    }
}

#[derive(Debug)]
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
