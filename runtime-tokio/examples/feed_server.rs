//! The receiver of features on tokio: `cargo run -p unwired-tokio --example feed_server`.

mod signals;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use unwired::Server;
use unwired_examples::feed::{Desk, Ledger};
use unwired_examples::options::FEED_SERVER;
use unwired_proto::feed::feature_feed_server::FeatureFeedServer;

#[tokio::main]
async fn main() -> ExitCode {
    FEED_SERVER.ended(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = FEED_SERVER.from_command_line();
    let stop = signals::stop()?;
    let ledger = Arc::new(Ledger::default());
    let desk = Desk::new(Arc::clone(&ledger));
    let server = Server::builder().add_service(FeatureFeedServer::new(desk));
    let bound = unwired_tokio::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    println!("listening on {}", bound.local_addr()?);
    bound.serve_with_shutdown(server, stop).await?;
    println!("received {} features", ledger.count());
    Ok(())
}
