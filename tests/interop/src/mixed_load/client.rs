use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use unwired::channel::{MethodConfig, RetryPolicy, ServiceConfig};
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Encoding, Instant, Request, Target};
use unwired_proto::hello_service::hello_service_client::HelloServiceClient;

use super::exchange::{Failure, Kind, exchange};
use super::host::HANG;
use super::random::Random;
use super::tally::Tally;
use super::{PATIENCE, be_patient};

/// One call of so many is given up, and one is let run into its deadline.
const ONE_OF: u64 = 20;
/// When that is, ms.
const SOON: u64 = 30;
/// One call of so many makes a new channel for itself and those beside it.
const NEW_CHANNEL: u64 = 500;
/// One call of so many has messages up to this length, the others up to the short one.
const LONG: (u64, u64) = (50, 300_000);
const SHORT: u64 = 600;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Served,
    Cancelled,
    Late,
}

/// A channel that several make their calls on, and that is replaced now and then.
pub(super) struct Connected {
    runtime: RuntimeHandle,
    target: Target,
    /// Whether requests are compressed.
    compresses: bool,
    /// Whether calls are made again that were unavailable.
    retries: bool,
    client: Mutex<HelloServiceClient>,
}

impl Connected {
    /// The channel of that number.
    pub(super) fn new(runtime: &RuntimeHandle, target: Target, number: u64, retries: bool) -> Self {
        let compresses = number == 0;
        let client = Mutex::new(connect(runtime, &target, compresses, retries));
        Self { runtime: runtime.clone(), target, compresses, retries, client }
    }

    fn client(&self) -> HelloServiceClient {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets calls under way end on the channel that there was.
    fn replace(&self) {
        let client = connect(&self.runtime, &self.target, self.compresses, self.retries);
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

fn connect(runtime: &RuntimeHandle, target: &Target, compresses: bool, retries: bool) -> HelloServiceClient {
    // A call that meets one server that goes away is made again unasked, but only once (gRFC A6); here it may well meet two.
    let retry = MethodConfig::new().retry(RetryPolicy::new(5, [Code::Unavailable]));
    let config = ServiceConfig::new();
    let channel = Channel::builder(runtime.clone(), target.clone())
        .connect_timeout(PATIENCE)
        .service_config(if retries { config.default_method(retry) } else { config })
        .configure(|config| be_patient(&mut config.http2.limits))
        .connect_lazy();
    let client = HelloServiceClient::new(channel);
    if compresses { client.send_compressed(Encoding::Gzip) } else { client }
}

/// Makes one call after the other.
pub(super) struct Client {
    pub(super) runtime: RuntimeHandle,
    pub(super) connected: Arc<Connected>,
    pub(super) tally: Arc<Tally>,
    pub(super) random: Random,
    /// Tells its calls from those of others.
    pub(super) number: u64,
    /// Whether its connections are cut, so that calls may be unavailable.
    pub(super) is_cut: bool,
}

impl Client {
    /// Makes calls until `end`, with a `pause` after each.
    pub(super) async fn run(mut self, end: Instant, pause: Duration) {
        let mut calls = 0;
        while self.runtime.now() < end {
            if self.random.below(NEW_CHANNEL) == 0 {
                self.connected.replace();
                self.tally.add(|sums| sums.channels += 1);
            }
            calls += 1;
            self.call(calls).await;
            self.runtime.sleep(pause).await;
        }
    }

    async fn call(&mut self, call: u64) {
        let kinds = Kind::ALL;
        let kind = kinds[self.random.below(kinds.len() as u64) as usize];
        let fate = match self.random.below(ONE_OF) {
            0 => Fate::Cancelled,
            1 => Fate::Late,
            _ => Fate::Served,
        };
        let soon = Duration::from_millis(1 + self.random.below(SOON));
        let mut head = Request::new(());
        head.set_wait_for_ready(true);
        head.set_timeout(if fate == Fate::Late { soon } else { PATIENCE });
        if fate != Fate::Served && head.metadata_mut().insert(HANG, "yes").is_err() {
            self.tally.lost(format!("{HANG} is no name of metadata"));
        }
        let greetings = self.greetings(call);
        let client = self.connected.client();
        let exchange = exchange(&client, kind, head, greetings);
        let until = if fate == Fate::Cancelled { soon } else { PATIENCE * 2 };
        let outcome = self.runtime.timeout(until, exchange).await;
        let code = match &outcome {
            Ok(Err(Failure::Status(status))) => Some(status.code()),
            _ => None,
        };
        match (fate, outcome) {
            (Fate::Served, Ok(Ok(()))) => self.tally.add(|sums| sums.served[kind as usize] += 1),
            (Fate::Cancelled, Err(_)) => self.tally.add(|sums| sums.cancelled += 1),
            (Fate::Late, _) if code == Some(Code::DeadlineExceeded) => self.tally.add(|sums| sums.late += 1),
            _ if self.is_cut && code == Some(Code::Unavailable) => self.tally.add(|sums| sums.cut += 1),
            (_, Ok(Err(Failure::Wrong(what)))) => {
                self.tally.swapped(format!("call {call} of client {}, {kind:?}: {what}", self.number));
            }
            (_, outcome) => {
                self.tally.lost(format!("call {call} of client {}, {kind:?}: {outcome:?}", self.number));
            }
        }
    }

    /// What a call says: one text in one message or several, and no two calls the same.
    fn greetings(&mut self, call: u64) -> Vec<String> {
        let longest = if self.random.below(LONG.0) == 0 { LONG.1 } else { SHORT };
        (0..=self.random.below(8))
            .map(|message| {
                let length = self.random.below(longest) as usize;
                let mut text = format!("{}.{call}.{message} ", self.number);
                // Two bits of each: so that compression has something to do, and not nothing left.
                text.extend((0..length).map(|_| char::from(b'a' + self.random.below(4) as u8)));
                text
            })
            .collect()
    }
}
