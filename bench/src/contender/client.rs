//! What a contender's client does for a measurement, written once for all of them.

use std::error;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use crate::load::{self, Outcome};
use crate::measure;

/// What a client may fail with.
pub(super) type Error = Box<dyn error::Error + Send + Sync>;

/// A chunk of 100 bytes, as it is encoded.
pub(super) const CHUNK: Bytes = Bytes::from_static(&[b'x'; 98]);

/// Octets of what is echoed.
pub(crate) const ECHOED: usize = 1 << 20;

/// What is echoed.
const LARGE: Bytes = Bytes::from_static(&[b'x'; ECHOED]);

/// A contender's client on tokio, one thread.
pub(super) trait Client: Clone + Send + 'static {
    fn connect(addr: SocketAddr) -> impl Future<Output = Result<Self, Error>> + Send;
    fn greet(&mut self, name: String) -> impl Future<Output = Result<String, Error>> + Send;
    /// Says how many messages came.
    fn download(&mut self, messages: u64) -> impl Future<Output = Result<u64, Error>> + Send;
    fn echo(&mut self, data: Bytes) -> impl Future<Output = Result<Bytes, Error>> + Send;
}

/// What is exchanged with a server.
#[derive(Clone, Copy)]
pub(crate) enum Exchange {
    /// Greetings, so many at a time. Counted in calls.
    Greet { in_flight: u64 },
    /// One call that answers with chunks. Counted in chunks.
    Download,
    /// Large messages, one at a time. Counted in calls.
    Echo,
}

/// Exchanges so much with the server there.
pub(crate) type Drive = fn(SocketAddr, Exchange, u64) -> Result<Outcome, Error>;

pub(super) fn drive<C: Client>(addr: SocketAddr, exchange: Exchange, count: u64) -> Result<Outcome, Error> {
    super::one_thread()?.block_on(async {
        let mut client = C::connect(addr).await?;
        greet(client.clone(), 1).await?;
        load::ready();
        let (begun, used) = (Instant::now(), measure::own_cpu_time()?);
        match exchange {
            Exchange::Greet { in_flight } => {
                let share = count.div_ceil(in_flight);
                let starts = (0..count).step_by(usize::try_from(share)?);
                let tasks: Vec<_> = starts
                    .map(|start| tokio::spawn(greet(client.clone(), share.min(count - start))))
                    .collect();
                for task in tasks {
                    task.await??;
                }
            }
            Exchange::Download => {
                let received = client.download(count).await?;
                if received != count {
                    return Err(format!("{received} messages came, not {count}").into());
                }
            }
            Exchange::Echo => {
                for _ in 0..count {
                    let back = client.echo(LARGE).await?;
                    if back.len() != ECHOED {
                        return Err(format!("{} octets came back, not {}", back.len(), ECHOED).into());
                    }
                }
            }
        }
        Ok(Outcome {
            count,
            took: begun.elapsed(),
            cpu: Some(measure::own_cpu_time()? - used),
            latency: None,
        })
    })
}

async fn greet<C: Client>(mut client: C, calls: u64) -> Result<(), Error> {
    for _ in 0..calls {
        let message = client.greet("you".to_owned()).await?;
        if message != "Hello, you!" {
            return Err(format!("the server says {message:?}").into());
        }
    }
    Ok(())
}
