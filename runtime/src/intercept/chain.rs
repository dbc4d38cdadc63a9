use core::fmt;
use std::sync::Arc;

use unwired_core::grpc::Cardinality;

use super::Messages;
use crate::transport::{BoxFuture, RuntimeHandle};
use crate::{Request, Response, Status};

/// Stands between calls and what answers them; see [the module](super).
pub trait Interceptor: Send + Sync + 'static {
    /// Answers `request`, most often by what [`next`](Next::run) makes of it.
    ///
    /// At a server the future is dropped when its call ends early, at a client when nobody waits for the call any more; so
    /// are messages that it has returned.
    fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> impl Future<Output = Result<Response<Messages>, Status>> + Send;
}

type Outcome<'a> = BoxFuture<'a, Result<Response<Messages>, Status>>;

/// [`Interceptor`] without its type.
trait Erased: Send + Sync {
    fn intercept<'a>(&'a self, request: Request<Messages>, next: Next<'a>) -> Outcome<'a>;
}

impl<I: Interceptor> Erased for I {
    fn intercept<'a>(&'a self, request: Request<Messages>, next: Next<'a>) -> Outcome<'a> {
        Box::pin(Interceptor::intercept(self, request, next))
    }
}

/// Interceptors in the order in which they see a request.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(Option<Arc<[Arc<dyn Erased>]>>);

impl Interceptors {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// These, and then `interceptor`.
    #[must_use]
    pub(crate) fn and(&self, interceptor: impl Interceptor) -> Self {
        let there = self.0.iter().flat_map(|there| there.iter().cloned());
        Self(Some(there.chain([Arc::new(interceptor) as Arc<dyn Erased>]).collect()))
    }

    /// The first of them, and behind the last one `last`.
    pub(crate) fn begin<'a>(&'a self, call: &'a CallInfo<'a>, last: &'a dyn Last) -> Next<'a> {
        Next { rest: self.0.as_deref().unwrap_or_default(), last, call }
    }
}

impl fmt::Debug for Interceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} interceptors", self.0.as_ref().map_or(0, |there| there.len()))
    }
}

/// What a call comes to behind all interceptors.
pub(crate) trait Last: Send + Sync {
    fn run(&self, request: Request<Messages>) -> Outcome<'_>;
}

/// What comes behind an interceptor: the next one, or the call itself. A copy of it runs the call once more.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    rest: &'a [Arc<dyn Erased>],
    last: &'a dyn Last,
    call: &'a CallInfo<'a>,
}

impl<'a> Next<'a> {
    /// The call.
    pub const fn call(&self) -> &'a CallInfo<'a> {
        self.call
    }

    /// Hands the call on, and waits for its response: at a server until the handler answers or sends metadata, at a client
    /// for the one message of a response; a stream is returned at once, and [`Messages::metadata`] says when the server has
    /// begun to answer.
    ///
    /// Dropping the future gives the call up; so does dropping the messages of the response.
    ///
    /// # Errors
    ///
    /// The status of a call without messages.
    pub async fn run(self, request: Request<Messages>) -> Result<Response<Messages>, Status> {
        match self.rest.split_first() {
            Some((first, rest)) => first.intercept(request, Next { rest, ..self }).await,
            None => self.last.run(request).await,
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("call", self.call).field("interceptors", &self.rest.len()).finish()
    }
}

/// At which end of a call an interceptor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Where it is made.
    Client,
    /// Where it is answered.
    Server,
}

/// A call, as interceptors are told of it.
#[derive(Clone, Debug)]
pub struct CallInfo<'a> {
    pub(crate) side: Side,
    pub(crate) path: &'a str,
    pub(crate) request: Cardinality,
    pub(crate) response: Cardinality,
    pub(crate) runtime: &'a RuntimeHandle,
}

impl<'a> CallInfo<'a> {
    /// At which end this is.
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The path, as on the wire: `/helloworld.Greeter/SayHello`.
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// The full name of the service: `helloworld.Greeter`.
    pub fn service(&self) -> &'a str {
        self.names().0
    }

    /// The name of the method: `SayHello`.
    pub fn method(&self) -> &'a str {
        self.names().1
    }

    fn names(&self) -> (&'a str, &'a str) {
        self.path.trim_start_matches('/').rsplit_once('/').unwrap_or_default()
    }

    /// How many messages the request has.
    pub const fn request(&self) -> Cardinality {
        self.request
    }

    /// How many messages the response has.
    pub const fn response(&self) -> Cardinality {
        self.response
    }

    /// The runtime that the call lives on: for the time and for tasks.
    pub const fn runtime(&self) -> &'a RuntimeHandle {
        self.runtime
    }
}
