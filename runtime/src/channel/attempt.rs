use core::mem::take;
use core::pin::{Pin, pin};
use core::sync::atomic::Ordering;
use core::task::{Poll, Waker};
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use unwired_core::Instant;
use unwired_core::grpc::client::{Connection, Event};
use unwired_core::http2::Reason;

use super::RUNTIME_ENDED;
use super::abort::Abort;
use super::client_channel::ClientChannel;
use super::connected::Connected;
use super::policy::Failure;
use super::stats::Tally;
use super::turns::Turns;
use crate::driver::{Driver, Link, Shared, Side, events, wake_all};
use crate::transport::{Address, BoxStream, ByteStream, RuntimeHandle};

/// What a server says to whom sends too many PINGs (gRFC A8).
const TOO_MANY_PINGS: &[u8] = b"too_many_pings";

/// A try to connect. One that is dropped before it has come to anything, because the runtime has ended, has failed.
pub(super) struct Attempt {
    pub(super) channel: Weak<ClientChannel>,
    pub(super) number: u64,
    pub(super) address: Address,
    pub(super) turns: Arc<Turns>,
    pub(super) abort: Arc<Abort>,
}

impl Attempt {
    /// Makes a connection and drives it to its end.
    pub(super) async fn run(self, runtime: RuntimeHandle) {
        let begun = runtime.now();
        let Some(tally) = self.channel.upgrade().map(|channel| Arc::clone(&channel.tally)) else { return };
        tally.on_connect();
        let stream = {
            let connecting = async {
                let channel = self.channel.upgrade()?;
                let timeout = channel.options.connect_timeout;
                Some(match runtime.timeout(timeout, channel.connect(&self.address)).await {
                    Ok(Ok(stream)) => Ok(stream),
                    Ok(Err(error)) => Err(Failure::from(error)),
                    Err(_) => Err(Failure::new(format!("no answer in {timeout:?}"), None)),
                })
            };
            let mut connecting = pin!(connecting);
            core::future::poll_fn(|cx| match self.abort.poll(cx.waker()) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => connecting.as_mut().poll(cx),
            })
            .await
        };
        match stream {
            Some(Ok(stream)) => self.drive(stream, begun, runtime, tally).await,
            Some(Err(failure)) => {
                tally.on_connect_failed();
                events::not_connected(&self.address, &failure.why);
                self.failed(failure);
            }
            None => tally.on_connect_failed(),
        }
    }

    fn failed(&self, failure: Failure) {
        if let Some(channel) = self.channel.upgrade() {
            channel.failed(self.number, failure);
        }
    }

    async fn drive(self, stream: BoxStream, begun: Instant, runtime: RuntimeHandle, tally: Arc<Tally>) {
        let Some(channel) = self.channel.upgrade() else { return };
        let config = channel.connection_config();
        let timeout = channel.options.connect_timeout;
        // A channel that nobody holds any more closes its connection, also this one.
        drop(channel);
        let connection = Connection::with_seed(config, runtime.seed(), runtime.now());
        let link = Arc::new(Link::new(connection, runtime.clone(), stream.peer().clone()));
        let connected = Arc::new(Connected::new(Arc::clone(&link), Arc::clone(&self.turns)));
        let calling = Calling {
            connected: Arc::clone(&connected),
            channel: Weak::clone(&self.channel),
            number: self.number,
            tally,
            end: None,
            noted: Noted::default(),
        };
        let mut late = Some(runtime.sleep_until(begun + timeout));
        let mut is_given_up = false;
        let mut driver = pin!(Driver::new(link, calling, stream, runtime));
        let close = || {
            let link = &connected.link;
            link.with(|shared| shared.conn.close(link.runtime.now(), Reason::NO_ERROR, "handshake"));
        };
        core::future::poll_fn(|cx| {
            if connected.is_ready.load(Ordering::Relaxed) || is_given_up {
                late = None;
            } else if self.abort.poll(cx.waker()).is_ready() {
                is_given_up = true;
                close();
            } else if late.as_mut().is_some_and(|late| Pin::new(late).poll(cx).is_ready()) {
                late = None;
                let why =
                    format!("the peer accepted the connection and said nothing of HTTP/2 in {timeout:?}");
                self.failed(Failure::new(why, None));
                close();
            }
            driver.as_mut().poll(cx)
        })
        .await;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        // One that came to something has said so, and this is not heard.
        self.failed(Failure::new(RUNTIME_ENDED, None));
    }
}

/// What a client does with the calls of one connection.
struct Calling {
    connected: Arc<Connected>,
    channel: Weak<ClientChannel>,
    number: u64,
    tally: Arc<Tally>,
    end: Option<String>,
    noted: Noted,
}

/// What events ask for.
#[derive(Default)]
struct Noted {
    woken: Vec<Waker>,
    ready: bool,
    retired: bool,
    freed: bool,
    too_many_pings: bool,
}

impl Side for Calling {
    type Protocol = Connection;

    fn on_events(&mut self, shared: &mut Shared<Connection>) {
        let noted = &mut self.noted;
        while let Some(event) = shared.conn.poll_event() {
            match event {
                Event::Ready => noted.ready = true,
                Event::Metadata { call } => shared.wakers.of(call).take_watchers(&mut noted.woken),
                Event::Message { call } => noted.woken.extend(shared.wakers.of(call).recv.take()),
                Event::Writable { call } => noted.woken.extend(shared.wakers.of(call).send.take()),
                Event::Done { call } => {
                    let wakers = shared.wakers.of(call);
                    wakers.ended = true;
                    wakers.take_all(&mut noted.woken);
                }
                Event::CallsAvailable => noted.freed = true,
                Event::GoingAway { reason, debug } => {
                    noted.retired = true;
                    noted.too_many_pings = is_too_many_pings(reason, &debug);
                }
                Event::Closed(end) => {
                    noted.retired = true;
                    self.end = Some(end.to_string());
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, link: &Arc<Link<Connection>>) -> bool {
        wake_all(&mut self.noted.woken);
        let ready = take(&mut self.noted.ready);
        let retired = take(&mut self.noted.retired);
        let freed = take(&mut self.noted.freed);
        let too_many_pings = take(&mut self.noted.too_many_pings);
        if ready {
            events::up(events::End::Client, &link.peer);
            self.connected.is_ready.store(true, Ordering::Relaxed);
            self.tally.on_connected(self.number, link);
        }
        if ready || retired {
            let is_wanted = self.channel.upgrade().is_some_and(|channel| {
                if too_many_pings {
                    channel.ping_less();
                }
                let is_wanted = !ready || channel.connected(self.number, &self.connected);
                if retired {
                    channel.lost(&self.connected);
                }
                is_wanted
            });
            if !is_wanted {
                link.with(|shared| shared.conn.drain(link.runtime.now(), None));
            }
        }
        if freed || retired {
            self.connected.is_full.store(false, Ordering::Relaxed);
            // Those who wait for a server that is gone go elsewhere; one call may begin where one has ended.
            self.connected.turns.wake(retired);
        }
        false
    }

    fn on_end(&mut self, link: &Arc<Link<Connection>>, error: Option<io::Error>) {
        if self.connected.is_ready.load(Ordering::Relaxed) {
            let why = || error.as_ref().map(ToString::to_string).or(self.end.clone());
            let stats = || link.ask(|conn| conn.stats().http2);
            events::down(events::End::Client, &link.peer, stats, why);
            self.tally.on_over(self.number, link);
        } else {
            self.tally.on_connect_failed();
        }
        self.connected.turns.wake(true);
        if let Some(channel) = self.channel.upgrade() {
            channel.lost(&self.connected);
            if !self.connected.is_ready.load(Ordering::Relaxed) {
                let why = match (&error, self.end.take()) {
                    (Some(error), _) => error.to_string(),
                    (None, Some(end)) => format!("the peer does not speak gRPC: {end}"),
                    (None, None) => "the connection ended".to_owned(),
                };
                if let Some(address) = &link.peer.remote {
                    events::not_connected(address, &why);
                }
                channel.failed(self.number, Failure::new(why, error));
            }
        }
    }
}

fn is_too_many_pings(reason: Reason, debug: &Bytes) -> bool {
    reason == Reason::ENHANCE_YOUR_CALM && debug == TOO_MANY_PINGS
}
