//! What stands between calls and handlers: interceptors of both sides, and credentials.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use unwired::channel::{AllowPlaintext, CallCredentials, CallTarget};
use unwired::codec::Prost;
use unwired::intercept::{Intercepted, Interceptor, Messages, Next, Payload, Side, on_request};
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Metadata, Request, Response, Status};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::{Empty, SimpleRequest, SimpleResponse, StreamingOutputCallRequest};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use crate::messages::{asking, input, output, simple, sizes};
use crate::serving::{Transport, serve, serve_with};
use crate::tasks::poll_once;

/// What interceptors have seen, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

/// Writes down each call, and how it ends.
struct Logging(&'static str, Log);

impl Interceptor for Logging {
    async fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let Self(name, log) = self;
        let side = match next.call().side() {
            Side::Client => "to",
            Side::Server => "at",
        };
        log.lock().unwrap().push(format!("{name} {side} {}", next.call().method()));
        let response = next.run(request).await?;
        let (name, log) = (*name, Arc::clone(log));
        Ok(response.map(|messages| {
            messages.map_end(move |status| {
                log.lock().unwrap().push(format!("{name} {}", status.code() as u32));
                status
            })
        }))
    }
}

pub async fn interceptors_see_calls_of_all_kinds_in_order(rt: &RuntimeHandle, transport: Transport) {
    let log = Log::default();
    let server = serve_with(rt, transport, |server| {
        server.intercepted_by(Logging("c", Arc::clone(&log))).intercepted_by(Logging("d", Arc::clone(&log)))
    })
    .await;
    let channel = server.channel().intercepted_by(Logging("a", Arc::clone(&log))).connect_lazy();
    let client = TestServiceClient::new(channel.intercepted_by(Logging("b", Arc::clone(&log))));
    let expected = |method: &str| {
        let seen = ["a to", "b to", "c at", "d at"].map(|who| format!("{who} {method}"));
        seen.into_iter().chain(["d 0", "c 0", "b 0", "a 0"].map(str::to_owned)).collect::<Vec<_>>()
    };
    client.empty_call(Empty {}).await.unwrap();
    assert_eq!(taken(&log), expected("EmptyCall"));
    let mut answers = client.streaming_output_call(sizes([1, 2])).await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}
    assert_eq!(taken(&log), expected("StreamingOutputCall"));
    client.streaming_input_call(stream::iter([input([1])])).await.unwrap();
    assert_eq!(taken(&log), expected("StreamingInputCall"));
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    requests.send(output([1])).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    requests.close();
    assert!(answers.message().await.unwrap().is_none());
    assert_eq!(taken(&log), expected("FullDuplexCall"));
    // Those of one client are not those of its channel.
    TestServiceClient::new(channel).empty_call(Empty {}).await.unwrap();
    assert!(!taken(&log).iter().any(|line| line.starts_with('b')));
    server.stop().await;
}

/// Changes whatever there is to change.
struct Change;

impl Interceptor for Change {
    async fn intercept(
        &self,
        mut request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let value = if next.call().side() == Side::Client { "the client's" } else { "the server's" };
        request.metadata_mut().append("x-echo", value).unwrap();
        let runtime = next.call().runtime().clone();
        runtime.sleep(Duration::from_millis(1)).await;
        let longer = |message: Payload| {
            let mut longer: StreamingOutputCallRequest = message.decode::<Prost, _>()?;
            longer.payload.get_or_insert_default().body.push(7);
            Payload::encode::<Prost, _>(&longer)
        };
        let response = next.run(request.map(|messages| messages.map(longer))).await?;
        Ok(response.map(|messages| {
            messages.map_metadata(|metadata| metadata.insert("x-head", "changed").unwrap()).map_end(
                |mut status| {
                    assert!(status.is_ok(), "{status}");
                    let mut metadata = status.metadata_mut().clone();
                    metadata.append("x-end", "changed").unwrap();
                    Status::with_metadata(Code::Ok, "", metadata)
                },
            )
        }))
    }
}

pub async fn interceptors_change_metadata_messages_and_ends(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.intercepted_by(Change)).await;
    let client = TestServiceClient::new(server.channel().intercepted_by(Change).connect_lazy());
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    let metadata = answers.metadata().await;
    assert!(metadata.get_all("x-echo").eq(["the client's", "the server's"]), "{metadata:?}");
    assert_eq!(metadata.get("x-head"), Some("changed"));
    for round in 0..3 {
        requests.send(output([round])).await.unwrap();
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.payload.unwrap().body, [round, 7, 7], "both sides have made it longer");
    }
    requests.close();
    let trailers = answers.trailers().await.unwrap();
    assert!(trailers.get_all("x-end").eq(["changed", "changed"]), "{trailers:?}");
    server.stop().await;
}

/// Answers unary calls itself.
struct Answer;

impl Interceptor for Answer {
    async fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        match request.metadata().get("x-answer") {
            Some("refuse") => Err(Status::permission_denied("not you")),
            Some("answer") => {
                let mut request = request;
                let asked = request.get_mut().message().await?.unwrap();
                let asked: SimpleRequest = asked.decode::<Prost, _>()?;
                let answer = SimpleResponse { payload: asked.payload, ..Default::default() };
                let mut response = Response::new(Messages::one(Payload::encode::<Prost, _>(&answer)?));
                response.metadata_mut().insert("x-from", "an interceptor").unwrap();
                response.trailers_mut().insert("x-behind", "an interceptor").unwrap();
                Ok(response)
            }
            // A copy of what is next runs it once more.
            Some("twice") => {
                let mut again = Request::new(Messages::one(Payload::encode::<Prost, _>(&simple([]))?));
                *again.metadata_mut() = request.metadata().clone();
                next.run(request).await?;
                next.run(again).await
            }
            _ => next.run(request).await,
        }
    }
}

pub async fn an_interceptor_answers_in_place_of_what_is_behind_it(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.intercepted_by(Answer)).await;
    let by_server = server.client();
    let by_client = TestServiceClient::new(server.channel().intercepted_by(Answer).connect_lazy());
    let asked = |what: &str| {
        let mut request = Request::new(simple([3]));
        request.metadata_mut().insert("x-answer", what).unwrap();
        request
    };
    for client in [&by_server, &by_client] {
        let status = client.unary_call(asked("refuse")).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "not you"));
        let response = client.unary_call(asked("answer")).await.unwrap();
        assert_eq!(response.metadata().get("x-from"), Some("an interceptor"));
        assert_eq!(response.trailers().get("x-behind"), Some("an interceptor"));
        assert_eq!(response.into_inner().payload.unwrap().body, [3]);
    }
    assert_eq!(server.seen.begun(), 0);
    by_server.unary_call(asked("twice")).await.unwrap();
    assert_eq!(server.seen.begun(), 2);
    // The server's interceptor does it again for each.
    by_client.unary_call(asked("twice")).await.unwrap();
    assert_eq!(server.seen.begun(), 6);
    server.stop().await;
}

/// Never hands on.
struct Hold;

impl Interceptor for Hold {
    async fn intercept(&self, request: Request<Messages>, _: Next<'_>) -> Result<Response<Messages>, Status> {
        let _request = request;
        pending().await
    }
}

pub async fn a_deadline_holds_over_interceptors(rt: &RuntimeHandle, transport: Transport) {
    let server = serve_with(rt, transport, |server| server.intercepted_by(Hold)).await;
    let there = server.client();
    let here = TestServiceClient::new(server.channel().intercepted_by(Hold).connect_lazy());
    for client in [there, here] {
        let mut request = Request::new(Empty {});
        request.set_timeout(Duration::from_millis(50));
        assert_eq!(client.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
        let mut request = Request::new(sizes([1]));
        request.set_timeout(Duration::from_millis(50));
        let status = match client.streaming_output_call(request).await {
            Ok(answers) => answers.into_inner().message().await.unwrap_err(),
            Err(status) => status,
        };
        assert_eq!(status.code(), Code::DeadlineExceeded);
        // And nothing is left of a call that nobody waits for.
        let mut dropped = Box::pin(client.empty_call(Empty {}));
        assert!(poll_once(&mut dropped).await.is_none());
    }
    assert_eq!(server.seen.begun(), 0);
    server.stop().await;
}

/// Who has been found to call.
#[derive(Clone)]
struct User(String);

struct Greeting;

impl Greeter for Greeting {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let user = request.extensions().get::<User>().ok_or_else(|| Status::internal("nobody calls"))?;
        Ok(Response::new(HelloReply { message: format!("{}: {}", user.0, request.get_ref().name) }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub async fn a_token_is_checked_and_its_owner_known_to_the_handler(rt: &RuntimeHandle, transport: Transport) {
    let check = on_request(|request, call| {
        assert!(request.peer().is_some());
        assert_eq!(call.path(), "/helloworld.Greeter/SayHello");
        let token = request.metadata().get("authorization").and_then(|token| token.strip_prefix("Bearer "));
        let user = token.ok_or_else(|| Status::unauthenticated("say who you are: authorization: Bearer"))?;
        let user = User(user.to_owned());
        request.extensions_mut().insert(user);
        Ok(())
    });
    // One service: the other one of the server asks for no token.
    let server = serve_with(rt, transport, |server| {
        server.add_service(Intercepted::new(GreeterServer::new(Greeting)).by(check))
    })
    .await;
    let channel = server.channel().connect_lazy();
    TestServiceClient::new(channel.clone()).empty_call(Empty {}).await.unwrap();
    let hello = HelloRequest { name: "hello".to_owned() };
    let status = GreeterClient::new(channel.clone()).say_hello(hello.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let channel = channel.intercepted_by(on_request(|request, _| {
        request.metadata_mut().insert_secret("authorization", "Bearer me").map_err(Status::from_error)
    }));
    let answer = GreeterClient::new(channel).say_hello(hello).await.unwrap();
    assert_eq!(answer.into_inner().message, "me: hello");
    server.stop().await;
}

/// Gets a token, or does not.
struct Token(Result<&'static str, Code>, Arc<Mutex<Vec<CallTarget>>>);

impl CallCredentials for Token {
    async fn metadata(&self, call: CallTarget) -> Result<Metadata, Status> {
        self.1.lock().unwrap().push(call);
        let token = self.0.map_err(|code| Status::new(code, "no token"))?;
        let mut metadata = Metadata::new();
        metadata.insert_secret("x-echo", token).map_err(Status::from_error)?;
        Ok(metadata)
    }
}

pub async fn credentials_are_shown_where_nobody_reads_along(rt: &RuntimeHandle, transport: Transport) {
    let server = serve(rt, transport).await;
    let asked = Arc::<Mutex<Vec<CallTarget>>>::default();
    let token = |token| Token(token, Arc::clone(&asked));
    let shown = async |channel: &Channel| {
        let response = TestServiceClient::new(channel.clone()).empty_call(Empty {}).await?;
        Ok::<_, Status>(response.metadata().get_all("x-echo").map(str::to_owned).collect::<Vec<_>>())
    };
    let channel = server.channel().call_credentials(token(Ok("one"))).connect_lazy();
    if matches!(transport, Transport::Tcp | Transport::Mounted(_)) {
        let status = shown(&channel).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains("https://"), "{status}");
        assert!(status.message().contains("AllowPlaintext"), "{status}");
        assert!(asked.lock().unwrap().is_empty() && server.seen.begun() == 0);
    } else {
        assert_eq!(shown(&channel).await.unwrap(), ["one"]);
        let target = asked.lock().unwrap().pop().unwrap();
        let scheme = if matches!(transport, Transport::Tls) { "https" } else { "http" };
        assert!(target.service_url.starts_with(&format!("{scheme}://")), "{target:?}");
        assert!(target.service_url.ends_with("/grpc.testing.TestService"), "{target:?}");
        assert_eq!(target.method, "EmptyCall");
    }
    let plain = server.channel().connect_lazy();
    let channel = plain.with_call_credentials(AllowPlaintext(token(Ok("two"))));
    assert_eq!(shown(&channel).await.unwrap(), ["two"]);
    // Of one call, besides those of its channel.
    let mut request = Request::new(sizes([1]));
    request.set_call_credentials(AllowPlaintext(token(Ok("three"))));
    let answers = TestServiceClient::new(channel).streaming_output_call(request).await.unwrap();
    assert!(answers.into_inner().metadata().await.get_all("x-echo").eq(["two", "three"]));
    assert!(shown(&plain).await.unwrap().is_empty());
    for (given, code) in [(Code::Unavailable, Code::Unavailable), (Code::NotFound, Code::Internal)] {
        let channel = plain.with_call_credentials(AllowPlaintext(token(Err(given))));
        assert_eq!(shown(&channel).await.unwrap_err().code(), code);
    }
    server.stop().await;
}

pub async fn what_interceptors_leave_out_is_a_clear_failure(rt: &RuntimeHandle, transport: Transport) {
    /// Leaves nothing of whichever direction is asked for.
    struct Swallow;

    impl Interceptor for Swallow {
        async fn intercept(
            &self,
            request: Request<Messages>,
            next: Next<'_>,
        ) -> Result<Response<Messages>, Status> {
            if request.metadata().get("x-swallow") == Some("request") {
                return next.run(request.map(|_| Messages::empty())).await;
            }
            Ok(next.run(request).await?.map(|_| Messages::empty()))
        }
    }

    let server = serve_with(rt, transport, |server| server.intercepted_by(Swallow)).await;
    let here = TestServiceClient::new(server.channel().intercepted_by(Swallow).connect_lazy());
    let there = server.client();
    for client in [here, there] {
        for what in ["request", "response"] {
            let mut request = asking(Empty {}, "");
            request.metadata_mut().insert("x-swallow", what).unwrap();
            let status = client.empty_call(request).await.unwrap_err();
            assert_ne!(status.code(), Code::Ok, "{what}");
        }
    }
    server.stop().await;
}
