//! Our client calls a peer server of another make: every turn a call may take.
//!
//! Usage: `peer_client COMMAND...`, where the command starts a server of `tests/peers/peer.proto` that prints `listening on
//! ADDR:PORT`; or `peer_client ADDR:PORT`, where one is, behind a proxy. Prints a line per check; the exit code tells only whether the checks could be made at all.

mod check;
mod checks;

use std::error::Error;
use std::net::SocketAddr;
use std::process::Command;

use unwired::Channel;
use unwired_tests::peer::peer_client::PeerClient;
use unwired_tests::program::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let command: Vec<String> = std::env::args().skip(1).collect();
    if let [address] = &command[..]
        && address.parse::<SocketAddr>().is_ok()
    {
        let channel = unwired_tokio::connect(&format!("http://{address}")).await?;
        every_call(&channel).await;
        return Ok(());
    }
    let (program, arguments) = command.split_first().ok_or("usage: peer_client COMMAND...")?;
    let server = Server::start(Command::new(program).args(arguments))?;
    let channel = unwired_tokio::connect(&format!("http://{}", server.address())).await?;
    let client = every_call(&channel).await;
    checks::compression(&client).await;
    checks::limits(&client).await;
    Ok(())
}

/// Every turn a call may take that holds over a proxy too.
async fn every_call(channel: &Channel) -> PeerClient {
    let client = PeerClient::new(channel.clone());
    checks::four_kinds(&client).await;
    checks::metadata(&client).await;
    checks::statuses(channel, &client).await;
    checks::early_ends(&client).await;
    client
}
