//! `unwired` on a loop of one's own, for which there is no adapter: a server and its client in one thread.
//! `cargo run -p unwired-sockets --example bare_loop`; the adapter is in `adapter.rs`.

#[cfg(unix)]
mod adapter;

#[cfg(unix)]
pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let greeting = adapter::run(greeting)?;
    println!("{}", greeting.map_err(|error| error.to_string())?);
    Ok(())
}

/// Serves the greeter, calls it, and ends the server.
#[cfg(unix)]
async fn greeting(
    runtime: unwired::transport::RuntimeHandle,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    use std::net::{Ipv4Addr, SocketAddr};
    use unwired::server::Bound;
    use unwired::{Channel, Server, Target};
    use unwired_examples::greeter::PoliteGreeter;
    use unwired_proto::helloworld::HelloRequest;
    use unwired_proto::helloworld::greeter_client::GreeterClient;
    use unwired_proto::helloworld::greeter_server::GreeterServer;

    let listener = runtime.listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).await?;
    let bound = Bound::new(runtime.clone(), listener);
    let target = Target::Address(bound.local_address()?);
    let server = Server::builder().add_service(GreeterServer::new(PoliteGreeter));
    runtime.spawn(async move { drop(bound.serve(server).await) });

    let client = GreeterClient::new(Channel::builder(runtime, target).connect_lazy());
    let reply = client.say_hello(HelloRequest { name: "loop".to_owned() }).await?;
    Ok(reply.into_inner().message)
}

#[cfg(not(unix))]
fn main() {
    println!("this example watches its sockets by their file descriptors, which this system does not have");
}
