//! What becomes of requests that no gRPC client sends, and of those whose answer nobody takes.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::{Body as _, Frame};
use tokio::sync::Semaphore;
use tower_service::Service;
use unwired::mount::{Body, Mount};
use unwired::server::SpawnPolicy;
use unwired::transport::{Address, Peer};
use unwired::{Server, Status};
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_tokio::Tokio;

/// Greets, or waits forever when it is asked by nobody; tells when a handler is gone.
struct Host(Arc<Semaphore>);

struct Gone<'a>(&'a Semaphore);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Greeter for Host {
    async fn say_hello(
        &self,
        request: unwired::Request<HelloRequest>,
    ) -> Result<unwired::Response<HelloReply>, Status> {
        let _gone = Gone(&self.0);
        let from = request.remote_addr().map_or("nowhere".into(), |address| address.to_string());
        let note = request.extensions().get::<&str>().copied().unwrap_or("nothing");
        if request.get_ref().name.is_empty() {
            // The head leaves, and nothing follows it.
            request.send_metadata(&unwired::Metadata::new())?;
            return pending().await;
        }
        let message = format!("{} from {from}, with {note}", request.get_ref().name);
        Ok(unwired::Response::new(HelloReply { message }))
    }

    async fn say_hello_again(
        &self,
        _: unwired::Request<HelloRequest>,
    ) -> Result<unwired::Response<HelloReply>, Status> {
        panic!("on purpose")
    }
}

fn mounted(spawn: SpawnPolicy) -> (Mount, Arc<Semaphore>) {
    let gone = Arc::new(Semaphore::new(0));
    let server =
        Server::builder().add_service(GreeterServer::new(Host(Arc::clone(&gone))).spawn_policy(spawn));
    (Mount::new(server, Tokio::handle()), gone)
}

/// The octets of a request, and no end where it is to have none.
struct Octets {
    data: Option<Bytes>,
    ends: bool,
}

impl http_body::Body for Octets {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.data.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None if self.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// A greeting of `name`.
fn greeting(method: &str, name: &str) -> Request<Octets> {
    let message = [&[10, name.len() as u8], name.as_bytes()].concat();
    let message = if name.is_empty() { Vec::new() } else { message };
    let data = [&[0, 0, 0, 0, message.len() as u8][..], &message].concat();
    Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(format!("http://localhost/helloworld.Greeter/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Octets { data: Some(data.into()), ends: true })
        .unwrap()
}

async fn answer(mount: &Mount, request: Request<Octets>) -> Response<Body> {
    let Ok(response) = mount.clone().call(request).await;
    response
}

/// All of a body: its octets and its trailers.
async fn read(mut body: Body) -> (Vec<u8>, HeaderMap) {
    let (mut octets, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.unwrap().into_data() {
            Ok(data) => octets.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().unwrap(),
        }
    }
    assert!(body.is_end_stream());
    (octets, trailers)
}

fn status_of(headers: &HeaderMap) -> (&str, &str) {
    let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
    (text("grpc-status"), text("grpc-message"))
}

#[tokio::test]
async fn a_call_is_answered_with_messages_and_trailers() {
    for spawn in [SpawnPolicy::Adaptive, SpawnPolicy::Spawn] {
        let (mount, _) = mounted(spawn);
        let mut request = greeting("SayHello", "Ada");
        let remote = Some(Address::Tcp("192.0.2.1:7".parse().unwrap()));
        request.extensions_mut().insert(Peer { remote, ..Peer::default() });
        request.extensions_mut().insert("a note");
        let response = answer(&mount, request).await;
        assert_eq!((response.status().as_u16(), response.headers().len()), (200, 1));
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let (octets, trailers) = read(response.into_body()).await;
        assert_eq!(std::str::from_utf8(&octets[7..]), Ok("Ada from 192.0.2.1:7, with a note"));
        assert_eq!(status_of(&trailers), ("0", ""));
    }
}

#[tokio::test]
async fn what_is_no_call_is_answered_as_http_has_it() {
    let (mount, gone) = mounted(SpawnPolicy::Adaptive);
    let mut other = greeting("SayHello", "Ada");
    other.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let mut got = greeting("SayHello", "Ada");
    *got.method_mut() = Method::GET;
    let mut old = greeting("SayHello", "Ada");
    *old.version_mut() = Version::HTTP_11;
    for (request, expected) in [(other, 415), (got, 405), (old, 505)] {
        let response = answer(&mount, request).await;
        assert_eq!(response.status().as_u16(), expected);
        assert!(response.body().is_end_stream());
    }
    assert_eq!(gone.available_permits(), 0, "no handler has begun");
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented_in_one_frame() {
    let (mount, _) = mounted(SpawnPolicy::Adaptive);
    let mut nowhere = greeting("SayHello", "Ada");
    *nowhere.uri_mut() = "http://localhost/other.Service/Method".parse().unwrap();
    for (request, what) in [
        (greeting("SayGoodbye", "Ada"), "the service helloworld.Greeter has no method SayGoodbye"),
        (nowhere, "the service other.Service is not served here"),
    ] {
        let response = answer(&mount, request).await;
        assert_eq!(status_of(response.headers()), ("12", what));
        assert!(response.body().is_end_stream());
    }
}

#[tokio::test]
async fn a_panic_is_unknown_and_counted() {
    let (gone, server) = (Arc::new(Semaphore::new(0)), Server::builder());
    let server = server.add_service(GreeterServer::new(Host(gone))).build();
    let mount = Mount::new(server.clone(), Tokio::handle());
    let response = answer(&mount, greeting("SayHelloAgain", "Ada")).await;
    let what = "the handler of the call panicked: the output of its server says where and why";
    assert_eq!(status_of(response.headers()), ("2", what));
    let stats = server.stats();
    assert_eq!((stats.handlers_panicked, stats.handlers_running), (1, 0));
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_its_prefix() {
    let (mount, _) = mounted(SpawnPolicy::Adaptive);
    let mut request = greeting("SayHello", "Ada");
    *request.body_mut() = Octets { data: Some(Bytes::from_static(&[0, 1, 0, 0, 0])), ends: false };
    let response = answer(&mount, request).await;
    assert_eq!(status_of(response.headers()).0, "8");
}

#[tokio::test]
async fn who_drops_the_answer_drops_the_handler() {
    for spawn in [SpawnPolicy::Adaptive, SpawnPolicy::Spawn] {
        let (mount, gone) = mounted(spawn);
        // While the request is read, and while the head is waited for.
        let mut request = greeting("SayHello", "Ada");
        request.body_mut().ends = false;
        let mut waiting = Box::pin(mount.clone().call(request));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waiting);
        // After the head.
        let response = answer(&mount, greeting("SayHello", "")).await;
        assert_eq!(response.status().as_u16(), 200);
        drop(response);
        gone.acquire().await.unwrap().forget();
    }
}

/// The deadline is that of a client who takes nothing of what it gets.
#[tokio::test(start_paused = true)]
async fn a_deadline_drops_the_handler_although_nobody_takes_the_answer() {
    let (mount, gone) = mounted(SpawnPolicy::Adaptive);
    let mut request = greeting("SayHello", "");
    request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
    let response = answer(&mount, request).await;
    gone.acquire().await.unwrap().forget();
    let (octets, trailers) = read(response.into_body()).await;
    assert_eq!((octets.len(), status_of(&trailers).0), (0, "4"));
}

/// Before there is a head, everything fits into one.
#[tokio::test(start_paused = true)]
async fn a_deadline_before_the_head_is_answered_with_it() {
    let (mount, _) = mounted(SpawnPolicy::Adaptive);
    let mut request = greeting("SayHello", "Ada");
    request.body_mut().ends = false;
    request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
    let response = answer(&mount, request).await;
    assert_eq!(status_of(response.headers()).0, "4");
    assert!(response.body().is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_for_its_client_is_dropped_at_the_deadline() {
    let (mount, _) = mounted(SpawnPolicy::Adaptive);
    let mut request = greeting("SayHello", "Ada");
    request.headers_mut().insert("grpc-timeout", "50m".parse().unwrap());
    let response = answer(&mount, request).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let (octets, trailers) = read(response.into_body()).await;
    assert_eq!((octets.len(), status_of(&trailers).0), (0, "4"));
}

#[tokio::test]
async fn a_mount_says_what_it_serves() {
    let (mount, _) = mounted(SpawnPolicy::Adaptive);
    assert_eq!(mount.service_names().collect::<Vec<_>>(), ["helloworld.Greeter"]);
    let mut mount = mount;
    let ready = pin!(poll_fn(|cx| Service::<Request<Octets>>::poll_ready(&mut mount, cx))).await;
    assert_eq!(ready, Ok(()));
}
