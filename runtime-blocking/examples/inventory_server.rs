//! A store of items on plain threads: `cargo run -p unwired-blocking --example inventory_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::Server;
use unwired_examples::inventory::Shop;
use unwired_examples::options::INVENTORY_SERVER;
use unwired_proto::inventory::inventory_server::InventoryServer;

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    INVENTORY_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = INVENTORY_SERVER.from_command_line();
    let server = options.secure_server(Server::builder())?.add_service(InventoryServer::new(Shop::default()));
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
