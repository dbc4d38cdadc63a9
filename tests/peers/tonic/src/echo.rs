//! Metadata that a server sends back. A handler of tonic's has no way to send any behind an answer, so this is a layer.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::MapFrame;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::{ECHO_INITIAL, ECHO_TRAILING};

/// Makes [`Echo`].
#[derive(Clone)]
pub(crate) struct EchoLayer;

impl<S> Layer<S> for EchoLayer {
    type Service = Echo<S>;

    fn layer(&self, inner: S) -> Echo<S> {
        Echo(inner)
    }
}

/// Adds to what `S` answers the metadata that is to come back.
#[derive(Clone)]
pub(crate) struct Echo<S>(S);

impl<S, B> Service<Request<B>> for Echo<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let initial = only(request.headers(), ECHO_INITIAL);
        let trailing = only(request.headers(), ECHO_TRAILING);
        let answered = self.0.call(request);
        Box::pin(async move {
            let mut response = answered.await?;
            response.headers_mut().extend(initial);
            Ok(response.map(|body| Body::new(with_trailers(body, trailing))))
        })
    }
}

/// `body`, with `more` among its trailers if it has any.
fn with_trailers(
    body: Body,
    more: HeaderMap,
) -> MapFrame<Body, impl FnMut(http_body::Frame<bytes::Bytes>) -> http_body::Frame<bytes::Bytes>> {
    body.map_frame(move |frame| match frame.into_trailers() {
        Ok(mut trailers) => {
            trailers.extend(more.clone());
            http_body::Frame::trailers(trailers)
        }
        Err(frame) => frame,
    })
}

/// What `headers` have under `name`.
fn only(headers: &HeaderMap, name: &'static str) -> HeaderMap {
    let name = HeaderName::from_static(name);
    headers.get_all(&name).into_iter().map(|value| (name.clone(), value.clone())).collect()
}
