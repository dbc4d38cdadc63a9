//! The standard services over a socket: health, reflection, rich errors.

use futures_util::future::RemoteHandle;
use unwired::server::{Bound, Builder};
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Request, Response, Server, Status, Target};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_services::error_details::{BadRequest, StatusExt, bad_request::FieldViolation};
use unwired_services::health::{HealthReporter, ServingStatus};
use unwired_services::pb::grpc::health::v1::health_check_response::ServingStatus as WireStatus;
use unwired_services::pb::grpc::health::v1::health_client::HealthClient;
use unwired_services::pb::grpc::health::v1::{HealthCheckRequest, HealthListRequest};
use unwired_services::pb::grpc::reflection::v1::server_reflection_client::ServerReflectionClient;
use unwired_services::pb::grpc::reflection::v1::server_reflection_request::MessageRequest;
use unwired_services::pb::grpc::reflection::v1::server_reflection_response::MessageResponse;
use unwired_services::pb::grpc::reflection::{v1, v1alpha};
use unwired_services::{pb, reflection};

use crate::streams::ANY_PORT;
use crate::tasks::spawn;

/// Serves, and gives a channel to what is served while the handle is held.
async fn serving(rt: &RuntimeHandle, server: Builder) -> (Channel, RemoteHandle<std::io::Result<()>>) {
    let bound = Bound::new(rt.clone(), rt.listen(ANY_PORT.into()).await.unwrap());
    let target = Target::Address(bound.local_address().unwrap());
    let serving = spawn(rt, bound.serve(server));
    (Channel::builder(rt.clone(), target).connect_lazy(), serving)
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

pub async fn health_is_checked_listed_and_watched(rt: &RuntimeHandle) {
    let reporter = HealthReporter::new();
    let (channel, _serving) = serving(rt, Server::builder().add_service(reporter.server())).await;
    let client = HealthClient::new(channel);

    let whole = client.check(about("")).await.unwrap().into_inner();
    assert_eq!(whole.status(), WireStatus::Serving);
    assert_eq!(client.check(about("p.S")).await.unwrap_err().code(), Code::NotFound);

    let mut watch = client.watch(about("p.S")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), WireStatus::ServiceUnknown);
    reporter.set("p.S", ServingStatus::Serving);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), WireStatus::Serving);

    let list = client.list(HealthListRequest {}).await.unwrap().into_inner().statuses;
    assert_eq!(list.len(), 2);
    assert_eq!(list["p.S"].status(), WireStatus::Serving);

    reporter.shut_down();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), WireStatus::NotServing);
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
}

pub async fn reflection_answers_both_versions(rt: &RuntimeHandle) {
    let reflection = reflection::builder()
        .register(pb::FILE_DESCRIPTOR_SET)
        .and_then(|builder| builder.register(unwired_proto::FILE_DESCRIPTOR_SET))
        .unwrap()
        .build();
    let server = Server::builder().add_service(reflection.v1()).add_service(reflection.v1alpha());
    let (channel, _serving) = serving(rt, server).await;

    let client = ServerReflectionClient::new(channel.clone());
    let (mut questions, mut answers) = client.server_reflection_info_halves(Request::new(())).await.unwrap();
    let mut ask = async |question| {
        let request = v1::ServerReflectionRequest { message_request: Some(question), ..Default::default() };
        questions.send(request).await.unwrap();
        answers.message().await.unwrap().unwrap().message_response.unwrap()
    };
    let MessageResponse::ListServicesResponse(list) = ask(MessageRequest::ListServices(String::new())).await
    else {
        panic!("no list");
    };
    assert!(list.service.iter().any(|service| service.name == "helloworld.Greeter"));
    let symbol = MessageRequest::FileContainingSymbol("routeguide.RouteGuide.GetFeature".to_owned());
    let MessageResponse::FileDescriptorResponse(files) = ask(symbol).await else { panic!("no file") };
    assert_eq!(files.file_descriptor_proto.len(), 1);

    let client = v1alpha::server_reflection_client::ServerReflectionClient::new(channel);
    let (mut questions, mut answers) = client.server_reflection_info_halves(Request::new(())).await.unwrap();
    let question = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { message_request: Some(question), ..Default::default() };
    questions.send(request).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    drop(questions);
    assert!(answers.message().await.unwrap().is_none());
}

/// Wants a name.
struct Strict;

impl Greeter for Strict {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let HelloRequest { name } = request.into_inner();
        if name.is_empty() {
            let violation =
                FieldViolation { field: "name".to_owned(), reason: "EMPTY".to_owned(), ..Default::default() };
            let details = [BadRequest { field_violations: vec![violation] }];
            return Err(Status::rich(Code::InvalidArgument, "who are you?", details));
        }
        Ok(Response::new(HelloReply { message: format!("Hello, {name}!") }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub async fn an_error_carries_its_details(rt: &RuntimeHandle) {
    let server = Server::builder().add_service(GreeterServer::new(Strict));
    let (channel, _serving) = serving(rt, server).await;
    let client = GreeterClient::new(channel);
    let status = client.say_hello(HelloRequest::default()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "who are you?"));
    let bad_request: BadRequest = status.detail().unwrap();
    assert_eq!(bad_request.field_violations[0].reason, "EMPTY");
    let reply = client.say_hello_again(HelloRequest { name: "you".to_owned() }).await.unwrap();
    assert_eq!(reply.into_inner().message, "Hello, you!");
}
