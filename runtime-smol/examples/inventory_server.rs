//! A store of items on smol: `cargo run -p unwired-smol --example inventory_server`.

use std::error::Error;
use std::process::ExitCode;

use unwired::Server;
use unwired_examples::inventory::Shop;
use unwired_examples::options::INVENTORY_SERVER;
use unwired_proto::inventory::inventory_server::InventoryServer;

fn main() -> ExitCode {
    INVENTORY_SERVER.ended(smol::block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let options = INVENTORY_SERVER.from_command_line();
    let stop = unwired_examples::stop()?;
    let server = options.secure_server(Server::builder())?.add_service(InventoryServer::new(Shop::default()));
    let bound = options.listening(unwired_smol::bind(options.listen).await)?;
    bound.serve_with_shutdown(server, stop).await?;
    Ok(())
}
