//! Metadata: with the request, before the response and behind it.

use unwired::{Request, Response, Server, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

struct Polyglot;

impl Greeter for Polyglot {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let hello = match request.metadata().get("x-language") {
            Some("fr") => "Bonjour",
            _ => "Hello",
        };
        let message = format!("{hello}, {}!", request.get_ref().name);
        let mut response = Response::new(HelloReply { message });
        response.metadata_mut().insert("x-served-by", "polyglot")?;
        // Names that end with -bin have bytes, any others text.
        response.trailers_mut().insert_bin("x-checksum-bin", [1_u8, 2, 3])?;
        Ok(response)
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        self.say_hello(request).await
    }
}

pub(crate) async fn run() -> super::Outcome {
    let channel = super::start(Server::builder().add_service(GreeterServer::new(Polyglot))).await?;
    let mut request = super::hello("world");
    request.metadata_mut().insert("x-language", "fr")?;
    let response = GreeterClient::new(channel).say_hello(request).await?;

    assert_eq!(response.metadata().get("x-served-by"), Some("polyglot"));
    assert_eq!(response.trailers().get_bin("x-checksum-bin").as_deref(), Some(&[1, 2, 3][..]));
    println!("{}", response.get_ref().message);
    Ok(())
}
