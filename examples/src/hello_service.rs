//! Greetings, in each of the four kinds of method.

use futures_util::{TryStreamExt, stream};
use unwired::{Channel, Request, Response, Status, Stream, Streaming};
use unwired_proto::hello_service::hello_service_client::HelloServiceClient;
use unwired_proto::hello_service::hello_service_server::HelloService;
use unwired_proto::hello_service::{HelloRequest, HelloResponse};

/// How a greeting begins in each language that the host speaks.
const LANGUAGES: [&str; 5] = ["Hello", "Hallo", "Bonjour", "Hola", "Ciao"];

/// The longest reply to many greetings, in bytes: well below the 4 MiB that clients take by default, and what one caller may
/// make the server keep.
pub const LONGEST_REPLY: usize = 64 * 1024;

/// Replies to everyone, and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl HelloService for Host {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        Ok(Response::new(reply("Hello", &request.get_ref().greeting)))
    }

    async fn lots_of_replies(
        &self,
        request: Request<HelloRequest>,
    ) -> Result<Response<impl Stream<Item = Result<HelloResponse, Status>> + Send>, Status> {
        let greeting = request.into_inner().greeting;
        let replies = LANGUAGES.into_iter().map(move |hello| Ok(reply(hello, &greeting)));
        Ok(Response::new(stream::iter(replies)))
    }

    async fn lots_of_greetings(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<HelloResponse>, Status> {
        let mut greetings = request.into_inner();
        let mut all = String::new();
        while let Some(HelloRequest { greeting }) = greetings.message().await? {
            if all.len() + greeting.len() > LONGEST_REPLY {
                let why = format!("all greetings together are longer than {LONGEST_REPLY} bytes");
                return Err(Status::resource_exhausted(why));
            }
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(&greeting);
        }
        Ok(Response::new(reply("Hello", &all)))
    }

    async fn bidi_hello(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<HelloResponse, Status>> + Send>, Status> {
        Ok(Response::new(request.into_inner().map_ok(|HelloRequest { greeting }| reply("Hello", &greeting))))
    }
}

fn reply(hello: &str, greeting: &str) -> HelloResponse {
    HelloResponse { reply: format!("{hello}, {greeting}!") }
}

/// Calls all four methods and prints the replies.
///
/// # Errors
/// The status of the first call that failed.
pub async fn exchange_greetings(channel: Channel, name: &str) -> Result<(), Status> {
    let client = HelloServiceClient::new(channel);
    let from = |greeting: &str| HelloRequest { greeting: greeting.to_owned() };

    let response = client.say_hello(from(name)).await?.into_inner();
    println!("SayHello: {}", response.reply);

    let mut responses = client.lots_of_replies(from(name)).await?.into_inner();
    while let Some(response) = responses.message().await? {
        println!("LotsOfReplies: {}", response.reply);
    }

    let guests = [name, "your friends", "everyone else"].map(from);
    let response = client.lots_of_greetings(stream::iter(guests.clone())).await?.into_inner();
    println!("LotsOfGreetings: {}", response.reply);

    let mut responses = client.bidi_hello(stream::iter(guests)).await?.into_inner();
    while let Some(response) = responses.message().await? {
        println!("BidiHello: {}", response.reply);
    }
    Ok(())
}
