//! Compression, with the feature `gzip`, `deflate` or `zstd`: each side says whether it compresses what it sends.

use unwired::{Encoding, Server};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;

pub(crate) async fn run() -> super::Outcome {
    // To a client that accepts it.
    let greeter = GreeterServer::new(PoliteGreeter).send_compressed(Encoding::Gzip);
    let channel = super::start(Server::builder().add_service(greeter)).await?;
    let client = GreeterClient::new(channel).send_compressed(Encoding::Gzip);

    let response = client.say_hello(super::hello(&"world ".repeat(100))).await?;
    assert!(response.was_compressed());

    // A secret beside what others choose is better not compressed with it: its length would tell of it.
    let mut request = super::hello("a secret");
    request.disable_compression();
    println!("{}", client.say_hello(request).await?.into_inner().message);
    Ok(())
}
