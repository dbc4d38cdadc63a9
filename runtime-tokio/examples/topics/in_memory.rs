//! Client and server in one process, without a socket: for tests that shall not wait for ports. All that happens on a connection
//! happens here too.

use unwired::server::Bound;
use unwired::transport::{Listen, memory};
use unwired::{Channel, Server, Target};
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_tokio::Tokio;

pub(crate) async fn run() -> super::Outcome {
    let (connector, listener) = memory::endpoint();
    let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
    tokio::spawn(Bound::new(Tokio::handle(), listener.boxed()).serve(server));

    let channel = Channel::builder(Tokio::handle(), Target::Memory(connector)).connect_lazy();
    let reply = GreeterClient::new(channel).say_hello(super::hello("myself")).await?;
    println!("{}", reply.into_inner().message);
    Ok(())
}
