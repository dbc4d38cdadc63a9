//! The route guide on async-std: `cargo run -p unwired-async-std --example route_guide_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::options::ROUTE_GUIDE_SERVER;
use unwired_examples::route_guide::{Database, Guide};
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;

fn main() -> ExitCode {
    ROUTE_GUIDE_SERVER.ended(async_std::task::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let places = Database::open(options.db.as_deref())?;
    let server =
        options.secure_server(Server::builder())?.add_service(RouteGuideServer::new(Guide::new(places)));
    let bound = options.listening(unwired_async_std::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
