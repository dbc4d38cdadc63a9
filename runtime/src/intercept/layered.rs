use core::fmt;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use std::error::Error;
use std::sync::Arc;

use tower_layer::Layer;
use tower_service::Service;

use super::{Interceptor, Messages, Next};
use crate::driver::keep;
use crate::sync::{Mutex, lock};
use crate::{Request, Response, Status};

/// A `tower` layer as an interceptor: whatever does not ask what kind of request it has, limits, timeouts, shedding of load.
/// Layers for HTTP requests go around a server that is mounted, or around the HTTP client that a channel is made over: the
/// feature `mount`.
///
/// Calls go through one service that the layer makes: it is cloned for each of them, as `tower` means it. An error of the
/// layer is the status of the call: a [`Status`] as it is, any other as UNKNOWN with its text.
///
/// ```
/// use tower_layer::Layer;
/// use unwired::Channel;
/// use unwired::intercept::{Inside, Interceptor, Layered};
///
/// fn layered<L>(channel: &Channel, layer: L) -> Channel
/// where
///     L: Layer<Inside>,
///     Layered<L::Service>: Interceptor,
/// {
///     channel.intercepted_by(Layered::new(layer))
/// }
/// ```
pub struct Layered<S>(Mutex<S>);

impl<S> Layered<S> {
    /// Puts `layer` around calls.
    pub fn new<L: Layer<Inside, Service = S>>(layer: L) -> Self {
        Self(Mutex::new(layer.layer(Inside(()))))
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

fn status_of(error: impl Into<BoxError>) -> Status {
    error.into().downcast::<Status>().map_or_else(Status::from_error, |status| *status)
}

impl<S> Interceptor for Layered<S>
where
    S: Service<Request<Messages>, Response = Response<Messages>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    async fn intercept(
        &self,
        mut request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let way = Way::default();
        request.extensions_mut().insert(way.clone());
        let mut service = lock(&self.0).clone();
        let mut outside = pin!(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(status_of)?;
            service.call(request).await.map_err(status_of)
        });
        let mut inside = pin!(async {
            let request = poll_fn(|cx| way.poll_request(cx)).await;
            way.answer(next.run(request).await);
        });
        let mut is_answered = false;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(answer) = outside.as_mut().poll(cx) {
                    return Poll::Ready(answer);
                }
                if is_answered || inside.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                is_answered = true;
            }
        })
        .await
    }
}

impl<S> fmt::Debug for Layered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layered")
    }
}

/// What a layer of [`Layered`] is around: the interceptors behind it, and the call.
#[derive(Clone, Debug)]
pub struct Inside(());

impl Service<Request<Messages>> for Inside {
    type Response = Response<Messages>;
    type Error = Status;
    type Future = Behind;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Messages>) -> Behind {
        let way = request.extensions_mut().remove::<Way>();
        if let Some(way) = &way {
            way.ask(request);
        }
        Behind(way)
    }
}

/// A response of [`Inside`] to come.
#[derive(Debug)]
pub struct Behind(Option<Way>);

impl Future for Behind {
    type Output = Result<Response<Messages>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &self.0 {
            Some(way) => way.poll_response(cx),
            None => Poll::Ready(Err(Status::internal(
                "a layer has made a request of its own, without the extensions of the one that it was given",
            ))),
        }
    }
}

/// Leads from the innermost service of a layer back to the interceptor that the layer is in.
#[derive(Clone, Default)]
struct Way(Arc<Mutex<Passing>>);

#[derive(Default)]
struct Passing {
    request: Option<Request<Messages>>,
    /// Who waits for it.
    interceptor: Option<Waker>,
    response: Option<Result<Response<Messages>, Status>>,
    /// Who waits for that, which may be another task.
    service: Option<Waker>,
}

impl Way {
    fn ask(&self, request: Request<Messages>) {
        let mut passing = lock(&self.0);
        passing.request = Some(request);
        let waker = passing.interceptor.take();
        drop(passing);
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll_request(&self, cx: &Context<'_>) -> Poll<Request<Messages>> {
        let mut passing = lock(&self.0);
        if let Some(request) = passing.request.take() {
            return Poll::Ready(request);
        }
        keep(&mut passing.interceptor, cx.waker());
        Poll::Pending
    }

    fn answer(&self, response: Result<Response<Messages>, Status>) {
        let mut passing = lock(&self.0);
        passing.response = Some(response);
        let waker = passing.service.take();
        drop(passing);
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll_response(&self, cx: &Context<'_>) -> Poll<Result<Response<Messages>, Status>> {
        let mut passing = lock(&self.0);
        if let Some(response) = passing.response.take() {
            return Poll::Ready(response);
        }
        keep(&mut passing.service, cx.waker());
        Poll::Pending
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}
