//! Our client calls a peer server of another make: every turn a call may take.
//!
//! Usage: `peer_client COMMAND...`, where the command starts a server of `tests/peers/peer.proto` that prints `listening on
//! ADDR:PORT`. Prints a line per check; the exit code tells only whether the checks could be made at all.

mod check;
mod checks;
mod server;

use std::error::Error;

use unwired_tests::peer::peer_client::PeerClient;

use crate::server::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let server = Server::start(&command)?;
    let channel = unwired_tokio::connect(&format!("http://{}", server.address())).await?;
    let client = PeerClient::new(channel.clone());
    checks::four_kinds(&client).await;
    checks::metadata(&client).await;
    checks::statuses(&channel, &client).await;
    checks::early_ends(&client).await;
    checks::compression(&client).await;
    checks::limits(&client).await;
    Ok(())
}
