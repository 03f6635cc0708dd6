//! How a replica of the inventory service is asked.

use std::{net::SocketAddr, time::Duration};

use futures::future::join_all;

use crate::{
    domain::{DependencyError, Stock},
    http,
};

/// Connections opened to each replica before the first order.
const WARM_CONNECTIONS: usize = 2;
const WARM_UP_LIMIT: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct StockClient(http::Client);

impl StockClient {
    /// A client with open connections to each replica that answers.
    pub(crate) async fn connect(replicas: &[SocketAddr]) -> Self {
        let client = http::Client::new();
        let health_checks = replicas.iter().flat_map(|replica| {
            let uri = format!("http://{replica}/health");
            let client = &client;
            (0..WARM_CONNECTIONS).map(move |_| {
                let uri = uri.clone();
                async move { tokio::time::timeout(WARM_UP_LIMIT, client.warm_up(&uri)).await }
            })
        });
        // A replica that is down now is no reason not to start: it may be back at the first order.
        join_all(health_checks).await;
        Self(client)
    }

    pub(crate) async fn get(&self, replica: SocketAddr, sku: &str) -> Result<Stock, DependencyError> {
        let answer = self.0.get(&format!("http://{replica}/stock/{sku}")).await;
        answer.map_err(|source| DependencyError::Inventory { replica, source })
    }
}
