//! The receiver of features on plain threads: `cargo run -p unwired-blocking --example feed_server`.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use unwired::Server;
use unwired_examples::feed::{Desk, Ledger};
use unwired_examples::options::FEED_SERVER;
use unwired_proto::feed::feature_feed_server::FeatureFeedServer;

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    FEED_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = FEED_SERVER.from_command_line();
    let ledger = Arc::new(Ledger::default());
    let desk = Desk::new(Arc::clone(&ledger));
    let server = options.secure_server(Server::builder())?.add_service(FeatureFeedServer::new(desk));
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    println!("received {} features", ledger.count());
    Ok(())
}
