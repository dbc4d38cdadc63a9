//! Rich errors: a status with the standard details of `google.rpc`, from `unwired-services`.

use unwired::{Code, Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};
use unwired_services::error_details::{BadRequest, StatusExt, bad_request::FieldViolation};

struct Strict;

impl Greeter for Strict {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        if request.get_ref().name.is_empty() {
            let violation = FieldViolation {
                field: "name".to_owned(),
                description: "must not be empty".to_owned(),
                ..FieldViolation::default()
            };
            let details = BadRequest { field_violations: vec![violation] };
            return Err(Status::rich(Code::InvalidArgument, "whom shall I greet?", [details]));
        }
        Ok(Response::new(HelloReply { message: format!("Hello, {}!", request.get_ref().name) }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub(crate) async fn run() -> super::Outcome {
    let channel = super::start(Server::builder().add_service(GreeterServer::new(Strict))).await?;
    let Err(status) = GreeterClient::new(channel).say_hello(super::hello("")).await else {
        panic!("somebody without a name was greeted");
    };
    let details: BadRequest = status.detail().ok_or("no details have come")?;
    assert_eq!(details.field_violations.len(), 1);
    for violation in details.field_violations {
        println!("{status}: {} {}", violation.field, violation.description);
    }
    Ok(())
}
