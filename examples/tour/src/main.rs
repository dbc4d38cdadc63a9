//! A tour for newcomers: serves the greeter and the route guide on a free loopback port, calls all six of their methods over that
//! socket, and shows the conversation. Exits with 0 only if every answer was the expected one.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::greeter::PoliteGreeter;
use unwired_examples::route_guide::{Database, Guide};
use unwired_examples::tour::tour;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let server = Server::builder()
        .add_service(GreeterServer::new(PoliteGreeter))
        .add_service(RouteGuideServer::new(Guide::new(Database::embedded())));
    let bound = unwired_tokio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = bound.local_addr()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(bound.serve_with_shutdown(server, async { _ = stopped.await }));
    println!(
        "The greeter and the route guide listen on {address}; one client calls them, all on one connection."
    );

    let channel = unwired_tokio::connect(format!("http://{address}")).await?;
    let visits = tour(channel).await;
    drop(stop);
    serving.await??;

    let well = visits.iter().filter(|visit| visit.result.is_ok()).count();
    println!("\n{well} of {} methods answered as expected.", visits.len());
    Ok(if well == visits.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
