use core::time::Duration;

use unwired::channel::Builder;
use unwired::tls::ClientTls;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Target};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

/// Whom the cases call, from where, and how often.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What channels live on.
    pub runtime: RuntimeHandle,
    /// The server.
    pub target: Target,
    /// How the server is trusted, if it speaks TLS.
    pub tls: Option<ClientTls>,
    /// What the server is called instead of its host (`--server_host_override`).
    pub authority: Option<String>,
    /// What the soaks are about.
    pub soak: Soak,
    /// What the case of connection backoff is about; nothing where there is no server for it.
    pub reconnecting: Option<Reconnecting>,
}

/// How much a soak does, and how much of it may fail: the flags `--soak_…`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Soak {
    /// Calls, over all threads.
    pub iterations: u32,
    /// Calls that may fail, or take too long.
    pub max_failures: u32,
    /// A call that takes longer has failed.
    pub max_latency: Duration,
    /// From the start of one call to the start of the next, at least.
    pub min_interval: Duration,
    /// All calls are over by then.
    pub overall_timeout: Duration,
    /// The size of a request's payload, in bytes.
    pub request_size: usize,
    /// The size of a response's payload, in bytes.
    pub response_size: usize,
    /// Calls at a time.
    pub threads: u32,
}

impl Default for Soak {
    fn default() -> Self {
        Self {
            iterations: 10,
            max_failures: 0,
            max_latency: Duration::from_secs(1),
            min_interval: Duration::ZERO,
            overall_timeout: Duration::from_secs(10),
            request_size: 271_828,
            response_size: 314_159,
            threads: 1,
        }
    }
}

/// How a client is watched that cannot connect.
#[derive(Clone, Debug)]
pub struct Reconnecting {
    /// The port that takes no connection: it closes each.
    pub retry: Target,
    /// The longest wait that the server is told to expect; zero is that of gRPC, two minutes.
    pub max_backoff: Duration,
    /// How long the client tries.
    pub time: Duration,
}

impl Caller {
    /// One that calls `target` from `runtime`, without TLS.
    pub fn new(runtime: RuntimeHandle, target: Target) -> Self {
        Self { runtime, target, tls: None, authority: None, soak: Soak::default(), reconnecting: None }
    }

    /// A new channel to the server.
    pub(super) fn channel(&self) -> Channel {
        self.builder(self.target.clone()).connect_lazy()
    }

    /// A client on a channel of its own.
    pub(super) fn client(&self) -> TestServiceClient {
        TestServiceClient::new(self.channel())
    }

    pub(super) fn builder(&self, target: Target) -> Builder {
        let mut builder = Channel::builder(self.runtime.clone(), target);
        if let Some(tls) = &self.tls {
            builder = builder.tls(tls.clone());
        }
        match &self.authority {
            Some(authority) => builder.authority(authority.clone()),
            None => builder,
        }
    }
}
