//! The route guide on tokio: `cargo run -p unwired-tokio --example route_guide_server`.

mod signals;

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::options::ROUTE_GUIDE_SERVER;
use unwired_examples::route_guide::{Database, Guide};
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;

#[tokio::main]
async fn main() -> ExitCode {
    ROUTE_GUIDE_SERVER.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_SERVER.from_command_line();
    let stop = signals::stop()?;
    let places = match &options.db {
        Some(file) => Database::load(file)?,
        None => Database::embedded(),
    };
    let server = Server::builder().add_service(RouteGuideServer::new(Guide::new(places)));
    let bound = unwired_tokio::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    println!("listening on {}", bound.local_addr()?);
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
