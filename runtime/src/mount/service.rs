use core::convert::Infallible;
use core::fmt;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use http::{Request, Response, Version};
use http_body::Body as HttpBody;
use tower_service::Service;
use unwired_core::grpc::server::{Call, Rejection, RequestHead};
use unwired_core::grpc::{CallId, Cardinality};

use super::body::{Body, Outlet};
use super::fields;
use super::pipe::Pipe;
use super::served::ServedCall;
use super::source::BoxError;
use crate::call::ServedCalls;
use crate::server::{Hold, Incoming, Running, Served, SpawnPolicy};
use crate::transport::{Peer, RuntimeHandle, Sleep};
use crate::{Server, Status};

/// The services of a [`Server`] as one `tower` service over HTTP requests, for a program that has an HTTP server already.
///
/// What the server's builder says of calls holds: services, limits of messages, encodings, the greatest time. What it says
/// of connections is the business of whoever has those. Handlers count in [`Server::stats`].
///
/// A clone is as good as the original, and costs no more than that of an [`Arc`].
#[derive(Clone)]
pub struct Mount(Arc<Mounted>);

struct Mounted {
    server: Server,
    runtime: RuntimeHandle,
}

impl Mount {
    /// The services of `server`, with the time and the tasks of `runtime`.
    pub fn new(server: impl Into<Server>, runtime: RuntimeHandle) -> Self {
        Self(Arc::new(Mounted { server: server.into(), runtime }))
    }

    /// The full names of the services, in the order of the alphabet: calls have paths of `/name/method`.
    pub fn service_names(&self) -> impl Iterator<Item = &'static str> {
        self.0.server.routes.names()
    }

    /// Tells the services that the server is to stop: that for health says NOT_SERVING from now on. To take no new requests, and
    /// to wait for those under way, is for whoever has the connections.
    pub fn drain(&self) {
        self.0.server.routes.drain();
    }

    fn answer<B>(&self, request: Request<B>) -> Stage
    where
        B: HttpBody<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let Mounted { server, runtime } = &*self.0;
        let (mut head, body) = request.into_parts();
        if head.version < Version::HTTP_2 {
            let status = Status::unimplemented("gRPC needs HTTP/2: HTTP/1 has no way to carry its trailers");
            let rejection = Rejection { http_status: 505, status, accept: None, is_glitch: false };
            return Stage::rejected(server, &rejection);
        }
        let request = match RequestHead::read(fields::of_request(&head), server.config.accept) {
            Ok(request) => request,
            Err(rejection) => return Stage::rejected(server, &rejection),
        };
        let route = match server.routes.find(request.names()) {
            Ok(route) => route,
            Err(what) => return Stage::refused(server, Status::unimplemented(what)),
        };
        if let Some(refusal) = route.gate.as_ref().and_then(|gate| gate.turn_away()) {
            return Stage::refused(server, refusal);
        }
        let max_timeout = [server.options.max_timeout, route.max_timeout].into_iter().flatten().min();
        let call = Call::new(runtime.now(), request, &server.config, max_timeout);
        let cardinality =
            route.service.methods().get(route.method).map_or(Cardinality::Many, |method| method.request);
        let settings = route.service.settings();
        let peer = head.extensions.remove::<Peer>().unwrap_or_default();
        let tally = Arc::clone(&server.tally);
        let call = ServedCall::new(call, &server.config, Box::pin(body), runtime.clone(), peer, tally);
        let begun = call.begin(cardinality, settings.limits, settings.encoding);
        let (deadline, call) = (call.deadline(), Arc::new(call));
        let served = Served {
            calls: Arc::clone(&call) as Arc<dyn ServedCalls>,
            call: CallId::ALONE,
            recv_encoding: begun.recv_encoding,
            send_encoding: begun.send_encoding,
            max_recv_message: settings.limits.max_recv_message.unwrap_or(server.config.max_recv_message),
            metadata: begun.metadata.clone(),
            hold: Hold::Alone,
        };
        let extensions = mem::take(&mut head.extensions);
        let incoming = Incoming { served, metadata: begun.metadata, deadline, extensions };
        let handler = route.call(incoming);
        let handler = Handling {
            running: Running::new(handler, Arc::clone(&call) as Arc<dyn ServedCalls>, CallId::ALONE),
            sleep: deadline.map(|deadline| runtime.sleep_until(deadline)),
            call: Arc::clone(&call),
        };
        if route.spawn == SpawnPolicy::Spawn {
            runtime.spawn(handler);
            return Stage::Call { call, handler: None };
        }
        Stage::Call { call, handler: Some(handler) }
    }
}

impl<B> Service<Request<B>> for Mount
where
    B: HttpBody<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        ResponseFuture { stage: self.answer(request), runtime: self.0.runtime.clone() }
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("server", &self.0.server).finish_non_exhaustive()
    }
}

/// A handler, and the time it has.
struct Handling {
    running: Running,
    sleep: Option<Sleep>,
    call: Arc<ServedCall>,
}

impl Future for Handling {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(sleep) = &mut this.sleep
            && Pin::new(sleep).poll(cx).is_ready()
        {
            this.sleep = None;
            this.call.on_deadline();
        }
        Pin::new(&mut this.running).poll(cx)
    }
}

/// The head of a response to come. The handler runs here until it has one, and in a task of its own after that, if it has
/// more to say. Dropping the future cancels the call.
pub struct ResponseFuture {
    stage: Stage,
    runtime: RuntimeHandle,
}

enum Stage {
    Call { call: Arc<ServedCall>, handler: Option<Handling> },
    Rejected(Box<Response<Body>>),
    Done,
}

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Stage::Call { call, handler } = &mut this.stage {
            if let Some(running) = handler
                && Pin::new(running).poll(cx).is_ready()
            {
                *handler = None;
            }
            let (head, is_all) = ready!(call.poll_head(cx.waker()));
            // From here on only those who have a response to send would poll the handler, and only when there is room.
            if let Some(handler) = handler.take() {
                this.runtime.spawn(handler);
            }
            let body = if is_all { Body::empty() } else { Body::new(Arc::clone(call) as Arc<dyn Outlet>) };
            this.stage = Stage::Done;
            return Poll::Ready(Ok(fields::response(&head, body)));
        }
        match mem::replace(&mut this.stage, Stage::Done) {
            Stage::Rejected(response) => Poll::Ready(Ok(*response)),
            Stage::Call { .. } | Stage::Done => Poll::Pending,
        }
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        if let Stage::Call { call, .. } = &self.stage {
            call.abandon();
        }
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl Stage {
    fn refused(server: &Server, status: Status) -> Self {
        Self::rejected(server, &Rejection { http_status: 200, status, accept: None, is_glitch: false })
    }

    fn rejected(server: &Server, rejection: &Rejection) -> Self {
        let mut pipe = Pipe::new(&server.config.http2.limits);
        Call::reject(&mut pipe, rejection);
        match pipe.take_head() {
            Some((head, _)) => Self::Rejected(Box::new(fields::response(&head, Body::empty()))),
            None => Self::Done,
        }
    }
}
