//! A service with one method, which streams messages of 100 bytes; written as the generator writes services.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use unwired::generated::{Cardinality, Handler, Incoming, Method, ServiceSettings};
use unwired::server::Service;
use unwired::{Request, Response, Status, Stream, codec};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

pub(super) const PATH: &str = "/bench.Flow/Download";

/// Sends so many messages, and notes that it has.
pub(super) struct Flow {
    pub(super) messages: usize,
    pub(super) sent: Arc<Mutex<usize>>,
    pub(super) settings: ServiceSettings,
}

/// So many replies.
struct Replies {
    left: usize,
    sent: Arc<Mutex<usize>>,
}

impl Stream for Replies {
    type Item = Result<HelloReply, Status>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Poll::Ready(Some(Ok(HelloReply { message: "x".repeat(98) })))
    }
}

impl Service for Flow {
    fn name(&self) -> &'static str {
        "bench.Flow"
    }

    fn methods(&self) -> &'static [Method] {
        const METHODS: &[Method] = &[Method::new("Download", Cardinality::One, Cardinality::Many)];
        METHODS
    }

    fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    fn call(&self, _: usize, call: Incoming) -> Handler {
        let replies = Replies { left: self.messages, sent: Arc::clone(&self.sent) };
        Box::pin(async move {
            let called: Option<(Request<HelloRequest>, _)> = call.one::<codec::Prost, _>().await;
            if let Some((_, reply)) = called {
                reply.many::<codec::Prost, _, _>(Ok(Response::new(replies))).await;
            }
        })
    }
}
