use tokio_stream::{StreamExt, iter};
use unwired::{Code, Request, Server, Status, Streaming};
use unwired_examples::hello_service::{Host, LONGEST_REPLY, exchange_greetings};
use unwired_proto::hello_service::hello_service_client::HelloServiceClient;
use unwired_proto::hello_service::hello_service_server::HelloServiceServer;
use unwired_proto::hello_service::{HelloRequest, HelloResponse};

use super::{in_time, serving, told};

async fn client() -> HelloServiceClient {
    HelloServiceClient::new(serving(Server::builder().add_service(HelloServiceServer::new(Host))).await)
}

fn from(greeting: &str) -> HelloRequest {
    HelloRequest { greeting: greeting.to_owned() }
}

async fn all(replies: Streaming<HelloResponse>) -> Result<Vec<String>, Status> {
    replies.map(|response| response.map(|response| response.reply)).collect().await
}

#[tokio::test]
async fn one_greeting_one_reply() {
    in_time(async {
        let response = client().await.say_hello(from("you")).await.unwrap().into_inner();
        assert_eq!(response.reply, "Hello, you!");
    })
    .await;
}

#[tokio::test]
async fn one_greeting_many_replies() {
    in_time(async {
        let responses = client().await.lots_of_replies(from("you")).await.unwrap().into_inner();
        let replies = all(responses).await.unwrap();
        assert_eq!(replies, ["Hello, you!", "Hallo, you!", "Bonjour, you!", "Hola, you!", "Ciao, you!"]);
    })
    .await;
}

#[tokio::test]
async fn many_greetings_one_reply() {
    in_time(async {
        let client = client().await;
        for (greetings, reply) in
            [(vec![], "Hello, !"), (vec!["a"], "Hello, a!"), (vec!["a", "b", "c"], "Hello, a, b, c!")]
        {
            let greetings: Vec<_> = greetings.into_iter().map(from).collect();
            let response = client.lots_of_greetings(iter(greetings)).await.unwrap().into_inner();
            assert_eq!(response.reply, reply);
        }
    })
    .await;
}

#[tokio::test]
async fn greetings_without_end_are_refused() {
    in_time(async {
        let endless = iter(std::iter::repeat_with(|| from(&"x".repeat(1_000))));
        let status = client().await.lots_of_greetings(endless).await.unwrap_err();
        let why = format!("all greetings together are longer than {LONGEST_REPLY} bytes");
        assert_eq!(told(&status), (Code::ResourceExhausted, why.as_str()));
    })
    .await;
}

#[tokio::test]
async fn each_greeting_is_replied_to_before_the_next() {
    in_time(async {
        let (mut greetings, mut replies) = client().await.bidi_hello_halves(Request::new(())).await.unwrap();
        for name in ["a", "b", "c"] {
            greetings.send(from(name)).await.unwrap();
            assert_eq!(replies.message().await.unwrap().unwrap().reply, format!("Hello, {name}!"));
        }
        drop(greetings);
        assert_eq!(replies.message().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_program_s_calls_all_succeed() {
    in_time(async {
        let server = Server::builder().add_service(HelloServiceServer::new(Host));
        exchange_greetings(serving(server).await, "you").await.unwrap();
    })
    .await;
}
