//! The checkout service itself: what is asked of which dependency, in which order.

use std::{error::Error, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::time::timeout;

use crate::domain::{Cart, CartSource, CheckoutRequest, DependencyError, Order, Receipt, Stock};

/// What the service needs of others. The two variants differ only in how they get it.
pub(crate) trait Dependencies: Send + Sync + 'static {
    /// The longest that an order may take, if there is a limit.
    const DEADLINE: Option<Duration>;

    fn cart(
        &self,
        customer: u32,
        last_seen: Cart,
    ) -> impl Future<Output = Result<(Cart, CartSource), DependencyError>> + Send;

    fn stock(&self, sku: &str) -> impl Future<Output = Result<Stock, DependencyError>> + Send;

    fn store(&self, order: &Order) -> impl Future<Output = Result<(), DependencyError>> + Send;
}

pub(crate) fn router<D: Dependencies>(dependencies: D) -> Router {
    Router::new()
        .route("/health", get(async || StatusCode::OK))
        .route("/checkout", post(checkout::<D>))
        .with_state(Arc::new(dependencies))
}

async fn checkout<D: Dependencies>(
    State(dependencies): State<Arc<D>>,
    Json(request): Json<CheckoutRequest>,
) -> Result<Json<Receipt>, Refusal> {
    let work = take_order(&*dependencies, request);
    let receipt = match D::DEADLINE {
        Some(limit) => timeout(limit, work).await.map_err(|_| Refusal::Late(limit))?,
        None => work.await,
    };
    receipt.map(Json)
}

async fn take_order<D: Dependencies>(dependencies: &D, request: CheckoutRequest) -> Result<Receipt, Refusal> {
    let CheckoutRequest { order: id, customer, cart: last_seen } = request;
    let (cart, source) = dependencies.cart(customer, last_seen).await?;
    let Stock { available } = dependencies.stock(&cart.sku).await?;
    if available < cart.quantity {
        return Err(Refusal::OutOfStock { sku: cart.sku });
    }
    let order = Order { id, customer, cart };
    dependencies.store(&order).await?;
    Ok(Receipt { order: id, sku: order.cart.sku, available, degraded: source == CartSource::Fallback })
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("not enough of {sku} in stock")]
    OutOfStock { sku: String },
    #[error("the order took longer than {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Dependency(#[from] DependencyError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::OutOfStock { .. } => StatusCode::CONFLICT,
            Self::Late(_) | Self::Dependency(DependencyError::TimedOut { .. }) => StatusCode::GATEWAY_TIMEOUT,
            Self::Dependency(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, with_causes(&self)).into_response()
    }
}

/// The error and what caused it, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
