use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use http::{Request, Response};
use tower_service::Service;
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{CallId, Config, Message, SendMessageError};
use unwired_core::http2::{Fields, Initiator, Reach, Reason, StreamError};

use super::body::{Body, Outlet};
use super::called::{Broken, ClientCall};
use super::fields;
use super::source::{Arrived, BoxError, BoxSource};
use crate::Status;
use crate::call::CallHandle;
use crate::channel::RUNTIME_ENDED;
use crate::sync::{Mutex, lock};
use crate::transport::{BoxFuture, RuntimeHandle, Sleep};

/// Where an HTTP stack keeps the error code of a stream that was reset.
type CodeOf = fn(&(dyn Error + 'static)) -> Option<u32>;

/// An HTTP/2 client that exists already, for a [`Channel`](crate::Channel) to make its calls over; see
/// [`Builder::over`](crate::channel::Builder::over).
///
/// It is any `tower` service that can be cloned, each call having a clone of its own, and that answers requests with
/// responses: a connection of `hyper` or `h2` in a few lines, or the pooling client of `hyper-util` as it is. It must not be
/// one that retries by itself.
#[derive(Clone)]
pub struct HttpClient {
    service: Arc<dyn Exchange>,
    code_of: CodeOf,
}

impl HttpClient {
    /// Calls go over `service`.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
        S: Clone + Send + 'static,
        B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self { service: Arc::new(Cloned(Mutex::new(service))), code_of: |_| None }
    }

    /// Says how an error of the HTTP stack tells that the server has reset the stream, and why: gRPC gives the codes of
    /// RST_STREAM a meaning. It is asked about an error and what caused it, in this order. Without this every such error is
    /// UNAVAILABLE.
    ///
    /// With `h2` below: `|error| Some(error.downcast_ref::<h2::Error>()?.reason()?.into())`.
    #[must_use]
    pub fn reset_codes(mut self, code_of: fn(&(dyn Error + 'static)) -> Option<u32>) -> Self {
        self.code_of = code_of;
        self
    }

    /// Starts a call, with its one message if it has one.
    ///
    /// # Errors
    ///
    /// The status of a call that cannot be started.
    pub(crate) fn start(
        &self,
        runtime: &RuntimeHandle,
        config: &Config,
        call: &NewCall<'_>,
        message: Option<Message>,
    ) -> Result<Arc<CallHandle>, Status> {
        let now = runtime.now();
        call.check_deadline(now)?;
        let mut head = Fields::new();
        call.put(now, config.accept, &mut head);
        let machine = Arc::new(ClientCall::new(call, config));
        if let Some(message) = message
            && let Err(SendMessageError::TooLong(status)) = machine.send_only(message)
        {
            return Err(status);
        }
        let request = fields::request(&head, Body::new(Arc::clone(&machine) as Arc<dyn Outlet>))?;
        runtime.spawn(Carrying {
            call: Arc::clone(&machine),
            stage: Stage::Waiting(self.service.exchange(request)),
            code_of: self.code_of,
            sleep: call.deadline.map(|deadline| runtime.sleep_until(deadline)),
            runtime: runtime.clone(),
        });
        Ok(Arc::new(CallHandle { calls: machine, id: CallId::ALONE }))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// A service without its types.
trait Exchange: Send + Sync {
    fn exchange(&self, request: Request<Body>) -> BoxFuture<'static, Result<Answered, BoxError>>;
}

/// The head of a response, and its body if it has one.
struct Answered {
    head: Fields,
    body: Option<BoxSource>,
}

struct Cloned<S>(Mutex<S>);

impl<S, B> Exchange for Cloned<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    fn exchange(&self, request: Request<Body>) -> BoxFuture<'static, Result<Answered, BoxError>> {
        let mut service = lock(&self.0).clone();
        Box::pin(async move {
            core::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
            let (head, body) = service.call(request).await.map_err(Into::into)?.into_parts();
            Ok(Answered {
                head: fields::of_response(head.status, &head.headers),
                body: if body.is_end_stream() { None } else { Some(Box::pin(body)) },
            })
        })
    }
}

/// Carries one call: waits for the response and reads it, as far as the call wants it. Whatever it holds of the HTTP stack
/// is dropped when the call ends, which is how that learns that nobody wants the rest.
struct Carrying {
    call: Arc<ClientCall>,
    stage: Stage,
    code_of: CodeOf,
    sleep: Option<Sleep>,
    runtime: RuntimeHandle,
}

enum Stage {
    Waiting(BoxFuture<'static, Result<Answered, BoxError>>),
    Reading(BoxSource),
    Over,
}

impl Carrying {
    /// What an error of the HTTP stack means for its call.
    fn on_error(code_of: CodeOf, error: &(dyn Error + 'static)) -> Broken {
        let mut why = String::from("the HTTP client failed");
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(reason) = code_of(error).map(Reason) {
                return Broken::Reset(StreamError {
                    reason,
                    by: Initiator::Peer,
                    reach: Reach::Stream,
                    unprocessed: reason == Reason::REFUSED_STREAM,
                    why: "the server reset the stream",
                });
            }
            let text = error.to_string();
            // Many an error says what its cause says.
            if !why.ends_with(&text) {
                why.push_str(": ");
                why.push_str(&text);
            }
            next = error.source();
        }
        Broken::Failed(Status::unavailable(why))
    }

    fn arrived(&self, arrived: Arrived) {
        let code_of = self.code_of;
        self.call.on_arrived(self.runtime.now(), arrived, |error| Self::on_error(code_of, &*error));
    }
}

impl Future for Carrying {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if let Some(sleep) = &mut this.sleep
            && Pin::new(sleep).poll(cx).is_ready()
        {
            this.sleep = None;
            this.call.on_deadline();
        }
        loop {
            if this.call.poll_over(cx.waker()).is_ready() {
                this.stage = Stage::Over;
                return Poll::Ready(());
            }
            match &mut this.stage {
                Stage::Waiting(answer) => match ready!(answer.as_mut().poll(cx)) {
                    Ok(Answered { head, body }) => {
                        this.call.on_head(head, body.is_none());
                        this.stage = body.map_or(Stage::Over, Stage::Reading);
                    }
                    Err(error) => this.arrived(Arrived::Failed(error)),
                },
                Stage::Reading(body) => {
                    if !this.call.wants_input() {
                        return Poll::Pending;
                    }
                    let arrived = ready!(body.as_mut().poll_read(cx));
                    this.arrived(arrived);
                }
                Stage::Over => return Poll::Ready(()),
            }
        }
    }
}

impl Drop for Carrying {
    /// A runtime that ends drops its tasks.
    fn drop(&mut self) {
        self.call.on_lost(Status::unavailable(RUNTIME_ENDED));
    }
}
