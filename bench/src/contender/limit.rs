//! The limit: a server that parses the heads of frames, and nothing else, and replays its answer with the number of the
//! stream put in. What it costs is what sockets cost.

use std::error::Error;
use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{ANYWHERE, Announce};
use crate::wire::answers::{Answers, Replaying};

const READ: usize = 64 << 10;

pub(super) fn serve(announce: Announce<'_>) -> Result<(), Box<dyn Error>> {
    super::one_thread()?.block_on(async {
        let listener = TcpListener::bind(ANYWHERE).await?;
        announce(listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(connection(socket));
        }
    })
}

async fn connection(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut server = Replaying::new(Answers::Greetings);
    let (mut input, mut output) = (Vec::new(), Vec::new());
    loop {
        input.reserve(READ);
        if socket.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let taken = server.read(&input);
        input.drain(..taken);
        if server.has_output() {
            server.write(&mut output);
            socket.write_all(&output).await?;
            output.clear();
        }
    }
}
