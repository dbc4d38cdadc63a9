use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use unwired_core::grpc::Cardinality;

use super::incoming::{Hold, Incoming, Reply, Served};
use super::relay::Relay;
use super::service::{Handler, Method, Service, ServiceSettings};
use crate::call::ServedCalls;
use crate::intercept::{CallInfo, Encoded, Interceptor, Interceptors, Last, Messages, Outlet, Part, Side};
use crate::sync::{Mutex, lock};
use crate::transport::BoxFuture;
use crate::{Encoding, Metadata, Request, Response, Status};

/// A service behind interceptors.
///
/// ```
/// # use unwired::server::Service;
/// use unwired::Server;
/// use unwired::intercept::{Intercepted, on_request};
///
/// # fn serve(greeter: impl Service) {
/// let logs = on_request(|_, call| {
///     println!("{}", call.method());
///     Ok(())
/// });
/// let server = Server::builder().add_service(Intercepted::new(greeter).by(logs)).build();
/// # }
/// ```
#[derive(Clone)]
pub struct Intercepted(Arc<Inner>);

struct Inner {
    service: Arc<dyn Service>,
    interceptors: Interceptors,
    /// Of its methods, in their order.
    paths: Vec<String>,
}

impl Intercepted {
    /// `service`, behind no interceptor so far.
    pub fn new(service: impl Service) -> Self {
        Self::of(Arc::new(service), Interceptors::default())
    }

    pub(super) fn of(service: Arc<dyn Service>, interceptors: Interceptors) -> Self {
        let name = service.name();
        let paths = service.methods().iter().map(|method| format!("/{name}/{}", method.name)).collect();
        Self(Arc::new(Inner { service, interceptors, paths }))
    }

    /// The same, with calls that `interceptor` gets from the interceptors that were there before.
    #[must_use]
    pub fn by(self, interceptor: impl Interceptor) -> Self {
        Self::of(Arc::clone(&self.0.service), self.0.interceptors.and(interceptor))
    }
}

impl Service for Intercepted {
    fn name(&self) -> &'static str {
        self.0.service.name()
    }

    fn methods(&self) -> &'static [Method] {
        self.0.service.methods()
    }

    fn settings(&self) -> &ServiceSettings {
        self.0.service.settings()
    }

    fn call(&self, method: usize, call: Incoming) -> Handler {
        let stage = Arc::<Stage>::default();
        let chain = Box::pin(Arc::clone(&self.0).answer(method, call, Arc::clone(&stage)));
        Box::pin(Performance { chain, stage })
    }

    fn on_drain(&self) {
        self.0.service.on_drain();
    }
}

impl fmt::Debug for Intercepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intercepted")
            .field("name", &self.name())
            .field("interceptors", &self.0.interceptors)
            .finish()
    }
}

impl Inner {
    async fn answer(self: Arc<Self>, index: usize, call: Incoming, stage: Arc<Stage>) {
        let (Some(method), Some(path)) = (self.service.methods().get(index), self.paths.get(index)) else {
            return call.unimplemented().await;
        };
        let (request, reply) = call.many::<Encoded, _>();
        let runtime = reply.0.calls.runtime().clone();
        let call = CallInfo {
            side: Side::Server,
            path,
            request: method.request,
            response: method.response,
            runtime: &runtime,
        };
        let handler = ToHandler { inner: &self, index, stage: &stage, served: &reply.0 };
        let response = self.interceptors.begin(&call, &handler).run(request.map(Messages::new)).await;
        match method.response {
            Cardinality::One => reply.of_one(response).await,
            Cardinality::Many => reply.of_many(response).await,
        }
    }
}

/// The handler of a call that is on its way through interceptors, once it has come so far.
#[derive(Default)]
struct Stage(Mutex<Option<Act>>);

struct Act {
    handler: Handler,
    /// That of the interceptors, which the handler runs in too.
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    relay: Arc<Relay>,
}

/// Runs the interceptors of a call, and its handler beside them: a handler that waits for room goes on with what else it
/// does, whoever reads its messages.
struct Performance {
    chain: BoxFuture<'static, ()>,
    stage: Arc<Stage>,
}

impl Future for Performance {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            if this.chain.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // It may call back into anything, so it does not run under the lock.
            let Some(mut act) = lock(&this.stage.0).take() else { return Poll::Pending };
            if act.relay.responses.is_abandoned() {
                continue;
            }
            act.relay.responses.take_changed();
            let is_done = {
                #[cfg(feature = "tracing")]
                let _entered = act.span.enter();
                act.handler.as_mut().poll(cx).is_ready()
            };
            let has_changed = act.relay.responses.take_changed();
            if !is_done {
                *lock(&this.stage.0) = Some(act);
            }
            if !has_changed {
                return Poll::Pending;
            }
        }
    }
}

/// What is behind the last interceptor.
struct ToHandler<'a> {
    inner: &'a Inner,
    index: usize,
    stage: &'a Stage,
    served: &'a Served,
}

impl Last for ToHandler<'_> {
    fn run(&self, request: Request<Messages>) -> BoxFuture<'_, Result<Response<Messages>, Status>> {
        let Self { inner, index, stage, served } = *self;
        let (messages, request) = request.into_parts();
        let relay = Arc::new(Relay::new(Arc::clone(&served.calls), messages));
        let outlet = Outlet(Arc::clone(&relay.responses));
        let (metadata, deadline, extensions) = request.into_head();
        let behind = Served {
            calls: Arc::clone(&relay) as Arc<dyn ServedCalls>,
            call: served.call,
            recv_encoding: Encoding::Identity,
            send_encoding: Encoding::Identity,
            max_recv_message: usize::MAX,
            metadata: Metadata::new(),
            hold: Hold::Alone,
        };
        let incoming = Incoming { served: behind, metadata, deadline, extensions };
        let handler = inner.service.call(index, incoming);
        let before = lock(&stage.0).replace(Act {
            handler,
            #[cfg(feature = "tracing")]
            span: tracing::Span::current(),
            relay,
        });
        // Of an interceptor that runs the call once more.
        drop(before);
        Box::pin(async move {
            let metadata = poll_fn(|cx| outlet.0.poll_head(cx.waker())).await?;
            let mut response = Response::new(Messages::new(outlet));
            *response.metadata_mut() = metadata;
            Ok(response)
        })
    }
}

impl Reply {
    /// Answers with the one message of what interceptors have made of it.
    async fn of_one(self, response: Result<Response<Messages>, Status>) {
        let (mut messages, metadata, trailers, encoding) = match response {
            Ok(response) => response.into_parts(),
            Err(status) => return self.fail(&status),
        };
        let mut is_sent = false;
        let next = poll_fn(|cx| {
            let next = messages.poll_part(cx);
            if next.is_pending() && !is_sent {
                is_sent = true;
                // A handler that sends metadata before it answers wants it to leave now.
                let _ = self.0.calls.send_metadata(self.0.call, &metadata);
            }
            next
        });
        match next.await {
            Part::Message(message) => match messages.status().await {
                status if status.is_ok() => {
                    let must_not = (!message.may_compress).then_some(Encoding::Identity);
                    let mut response = Response::from_parts(message, metadata, trailers, false);
                    response.trailers_mut().merge(status.metadata());
                    response.encoding = must_not.or(encoding);
                    self.one::<Encoded, _>(Ok(response)).await;
                }
                status => self.fail(&status),
            },
            Part::End(status) if status.is_ok() => {
                self.fail(&Status::internal(
                    "an interceptor has taken the one message of the response, and put none in its place",
                ));
            }
            Part::End(status) => self.fail(&status),
        }
    }

    /// Answers with the many messages of what interceptors have made of it.
    async fn of_many(self, response: Result<Response<Messages>, Status>) {
        let Some((mut messages, mut replies)) = self.begin::<Encoded, _, _>(response) else { return };
        loop {
            match poll_fn(|cx| messages.poll_part(cx)).await {
                Part::Message(message) => {
                    if let Err(status) = replies.send_payload(message).await {
                        return replies.end(Err(status));
                    }
                }
                Part::End(status) => return replies.end_with(status),
            }
        }
    }
}
