//! Unix sockets: an address like any other. The server removes its file when it ends.

use unwired::Server;
use unwired::transport::Address;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;

pub(crate) async fn run() -> super::Outcome {
    let path = std::env::temp_dir().join(format!("unwired-topics-{}.sock", std::process::id()));
    let bound = unwired_tokio::bind(Address::Unix(path.clone())).await?;
    let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
    let serving = tokio::spawn(bound.serve(server));

    let channel = unwired_tokio::connect(format!("unix:{}", path.display())).await?;
    let reply = GreeterClient::new(channel).say_hello(super::hello("neighbour")).await?;
    println!("{}", reply.into_inner().message);
    serving.abort();
    Ok(())
}
