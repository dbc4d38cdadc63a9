//! The answers of `Watch`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use unwired::{Status, Stream};

use crate::pb::grpc::health::v1::HealthCheckResponse;
use crate::pb::grpc::health::v1::health_check_response::ServingStatus as WireStatus;

use super::board::{Board, Sight};
use super::response;

/// How it stands with a service: at once, and again whenever that changes.
///
/// A change that is over before it could be sent is left out. The stream ends when the reporter shuts down, with `UNAVAILABLE`,
/// which tells a client to look elsewhere and come back later.
#[derive(Debug)]
pub struct Watch {
    board: Arc<Board>,
    service: String,
    number: u64,
    seen: Option<Sight>,
    over: bool,
}

impl Watch {
    pub(super) fn new(board: Arc<Board>, service: String) -> Self {
        let number = board.number();
        Self { board, service, number, seen: None, over: false }
    }
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        loop {
            if this.seen.is_some_and(|seen| seen.last) {
                this.over = true;
                return Poll::Ready(Some(Err(Status::unavailable("the server is shutting down"))));
            }
            let Poll::Ready(sight) = this.board.poll_change(&this.service, this.seen, this.number, context)
            else {
                return Poll::Pending;
            };
            let told = this.seen.map(|seen| seen.status);
            this.seen = Some(sight);
            if told != Some(sight.status) {
                return Poll::Ready(Some(Ok(response(
                    sight.status.map_or(WireStatus::ServiceUnknown, Into::into),
                ))));
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.board.leave(&self.service, self.number);
    }
}
