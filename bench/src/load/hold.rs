//! Connections and calls that are open, and idle.

use std::error::Error;
use std::net::{SocketAddr, TcpStream};

use super::connection::Connection;
use crate::wire::requests::Requests;

/// Opens so many connections, and so many calls of `work.Work/Hold` on each, and waits until the handler of each has
/// answered its first message.
pub(super) fn open(
    addr: SocketAddr,
    connections: usize,
    calls: usize,
) -> Result<Vec<Connection<TcpStream>>, Box<dyn Error>> {
    let mut buffer = vec![0; 64 << 10];
    let requests = Requests::held(b"/work.Work/Hold");
    (0..connections)
        .map(|_| {
            let mut connection = Connection::open(addr)?;
            let mut answered = 0;
            for nth in 0..calls {
                requests.write(nth, &mut connection.output);
                connection.write()?;
            }
            while answered < calls {
                let received = connection.read(&mut buffer)?.ok_or("a call was not answered in time")?;
                if !received.ended.is_empty() {
                    return Err("a call ended that was to be held".into());
                }
                answered += received.messages;
                connection.write()?;
            }
            Ok(connection)
        })
        .collect()
}
