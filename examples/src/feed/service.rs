//! The ledger as a service.

use std::sync::Arc;

use unwired::{Request, Response, Status};
use unwired_proto::feed::feature_feed_server::FeatureFeed;
use unwired_proto::feed::{Delivery, Receipt};

use super::{Ledger, Refusal};
use crate::route_guide::Feature;

/// Receives features for a ledger.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    ledger: Arc<Ledger>,
}

impl Desk {
    /// A desk for this ledger; who keeps it as well can tell what came.
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }
}

impl FeatureFeed for Desk {
    async fn deliver(&self, request: Request<Delivery>) -> Result<Response<Receipt>, Status> {
        let Delivery { id, feature } = request.into_inner();
        let feature = feature.ok_or_else(|| Status::invalid_argument("the delivery has no feature"))?;
        let location =
            feature.location.ok_or_else(|| Status::invalid_argument("the feature has no location"))?;
        let received = self.ledger.receive(&id, Feature { location: location.into(), name: feature.name })?;
        Ok(Response::new(Receipt { received: received.count, repeated: received.repeated }))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::invalid_argument(refusal.to_string())
    }
}
