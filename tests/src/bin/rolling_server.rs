//! A greeter that can be operated: it tells of its health and of its services, and is restarted without a pause, the new one
//! listening before the old one is told to stop.
//!
//! Usage: `rolling_server ADDR:PORT`, which shares the port with others of its kind, `rolling_server unix:PATH`, which takes
//! the path over, or `rolling_server inherited`, which serves at the listeners that it was given.

use std::error::Error;
use std::net::SocketAddr;

use unwired::Server;
use unwired::transport::Address;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_services::health::{HealthReporter, ServingStatus};
use unwired_services::{pb, reflection};
use unwired_tokio::sockets::{Bind, Listener, inherited};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = std::env::args().nth(1).ok_or("usage: rolling_server ADDR:PORT | unix:PATH | inherited")?;
    let stop = unwired_examples::stop()?;
    let mut listeners = listeners(&place)?.into_iter();
    let first = listeners.next().ok_or("no listener was passed on: LISTEN_FDS is not for this process")?;
    let mut bound = unwired_tokio::listen_on(first)?;
    for listener in listeners {
        bound = bound.join(unwired_tokio::listen_on(listener)?);
    }
    println!("listening on {}", bound.local_address()?);
    let reflection = reflection::builder()
        .register(pb::FILE_DESCRIPTOR_SET)?
        .register(unwired_proto::FILE_DESCRIPTOR_SET)?
        .build();
    let health = HealthReporter::new();
    health.set("helloworld.Greeter", ServingStatus::Serving);
    let server = Server::builder()
        .on_connection_error(|error| eprintln!("{error}"))
        .add_service(health.server())
        .add_service(reflection.v1())
        .add_service(reflection.v1alpha())
        .add_service(GreeterServer::new(PoliteGreeter));
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}

fn listeners(place: &str) -> Result<Vec<Listener>, Box<dyn Error>> {
    let address = match place.strip_prefix("unix:") {
        _ if place == "inherited" => {
            return Ok(inherited()?.into_iter().map(|inherited| inherited.listener).collect());
        }
        Some(path) => Address::Unix(path.into()),
        None => place.parse::<SocketAddr>()?.into(),
    };
    Ok(vec![Bind::new().reuse_port(true).listen(&address)?])
}
