//! The receiver of features on smol: `cargo run -p unwired-smol --example feed_server`.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use unwired::Server;
use unwired_examples::feed::{Desk, Ledger};
use unwired_examples::options::FEED_SERVER;
use unwired_proto::feed::feature_feed_server::FeatureFeedServer;

fn main() -> ExitCode {
    FEED_SERVER.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = FEED_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let ledger = Arc::new(Ledger::default());
    let desk = Desk::new(Arc::clone(&ledger));
    let server = options.secure_server(Server::builder())?.add_service(FeatureFeedServer::new(desk));
    let bound = options.listening(unwired_smol::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    println!("received {} features", ledger.count());
    Ok(())
}
