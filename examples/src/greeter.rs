//! The greeter: the smallest service there is.

use unwired::{Channel, Request, Response, Status};
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::Greeter;
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// Greets whoever calls, by the name they give.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoliteGreeter;

impl Greeter for PoliteGreeter {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello, {}!", request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }

    async fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello again, {}!", request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }
}

/// Asks for both greetings and prints them.
///
/// # Errors
/// The status of the first call that failed.
pub async fn greet(channel: Channel, name: &str) -> Result<(), Status> {
    let client = GreeterClient::new(channel);
    let request = HelloRequest { name: name.to_owned() };
    let reply = client.say_hello(request.clone()).await?.into_inner();
    println!("Greeter client received: {}", reply.message);
    let reply = client.say_hello_again(request).await?.into_inner();
    println!("Greeter client received: {}", reply.message);
    Ok(())
}
