//! Servers of the test service, and channels to them.

use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use futures_channel::oneshot;
use futures_util::future::RemoteHandle;
use unwired::channel::Builder as ChannelBuilder;
use unwired::intercept::{Interceptor, Messages, Next};
use unwired::server::{Abuse, Bound, Builder};
use unwired::tls::{ClientTls, ServerTls};
use unwired::transport::{Address, Listen, RuntimeHandle, memory};
use unwired::{Channel, Encoding, Request, Response, Server, Status, Target};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::TestServiceServer;

use crate::authority::Authority;
use crate::service::{Seen, Tester};
use crate::streams::ANY_PORT;
use crate::tasks::spawn;

/// What connections of a scenario are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP of this host.
    Tcp,
    /// TLS over TCP of this host.
    Tls,
    /// A socket in the file system.
    #[cfg(unix)]
    Unix,
    /// No socket at all.
    Memory,
    /// The same, with interceptors on both sides that hand on what they get.
    Intercepted,
}

/// A server that runs until it is told to end.
pub struct Running {
    /// What its handlers have seen.
    pub seen: Arc<Seen>,
    /// What runs, for what it counts.
    pub server: Server,
    rt: RuntimeHandle,
    target: Target,
    /// How clients trust the server, where they have to.
    tls: Option<ClientTls>,
    is_intercepted: bool,
    stop: Option<oneshot::Sender<()>>,
    task: RemoteHandle<()>,
}

impl Running {
    /// Tells the server to end, and waits until it has. No scenario but one is an attack: nobody was ended for one.
    pub async fn stop(self) {
        self.stop_after_kills(0).await;
    }

    /// [`stop`](Self::stop), where so many connections were to be ended for abuse.
    pub async fn stop_after_kills(mut self, kills: u64) {
        self.tell_to_stop();
        self.task.await;
        let counts = self.server.stats().calls.http2.kills;
        // Scenarios of their own: who says nothing, and who speaks another protocol.
        let others = u64::from(counts.get(Abuse::SlowFrames)) + u64::from(counts.get(Abuse::Http1));
        assert_eq!(counts.total() - others, kills, "connections ended for abuse");
    }

    /// Tells the server to end.
    pub fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        match &self.target {
            Target::Address(Address::Tcp(address)) => *address,
            other => panic!("{other} is not an address of TCP"),
        }
    }

    /// A channel to the server that is to be made, on the server's own runtime.
    pub fn channel(&self) -> ChannelBuilder {
        self.channel_on(&self.rt)
    }

    /// A channel to the server that is to be made, on `rt`.
    pub fn channel_on(&self, rt: &RuntimeHandle) -> ChannelBuilder {
        let channel = Channel::builder(rt.clone(), self.target.clone());
        let channel = if self.is_intercepted { channel.intercepted_by(HandOn) } else { channel };
        match &self.tls {
            Some(tls) => channel.tls(tls.clone()),
            None => channel,
        }
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> TestServiceClient {
        TestServiceClient::new(self.channel().connect_lazy())
    }
}

/// Hands on what it gets, through all that it could change it with.
struct HandOn;

impl Interceptor for HandOn {
    async fn intercept(
        &self,
        request: Request<Messages>,
        next: Next<'_>,
    ) -> Result<Response<Messages>, Status> {
        let response = next.run(request.map(|messages| messages.map(Ok))).await?;
        Ok(response.map(|messages| messages.map(Ok).map_metadata(|_| ()).map_end(|status| status)))
    }
}

/// Where a server on TCP is.
pub fn tcp(address: SocketAddr) -> Target {
    Target::Address(address.into())
}

/// A client, on `rt`, of whatever is there.
pub fn client_to(rt: &RuntimeHandle, target: Target) -> TestServiceClient {
    TestServiceClient::new(Channel::builder(rt.clone(), target).connect_lazy())
}

/// Serves.
pub async fn serve(rt: &RuntimeHandle, transport: Transport) -> Running {
    serve_with(rt, transport, |server| server).await
}

/// Serves, with options.
pub async fn serve_with(
    rt: &RuntimeHandle,
    transport: Transport,
    options: impl FnOnce(Builder) -> Builder,
) -> Running {
    match transport {
        Transport::Tcp => serve_at(rt, ANY_PORT.into(), options).await,
        Transport::Tls => {
            let authority = Authority::new("the suite's");
            let (chain, key) = authority.sign("localhost");
            let tls = ServerTls::from_pem(chain, key).unwrap();
            let server = serve_at(rt, ANY_PORT.into(), |server| options(server.tls(tls))).await;
            let trust = ClientTls::with_roots(authority.pem()).unwrap().server_name("localhost");
            Running { tls: Some(trust), ..server }
        }
        #[cfg(unix)]
        Transport::Unix => serve_at(rt, Address::Unix(fresh_path()), options).await,
        Transport::Memory => {
            let (connector, listener) = memory::endpoint();
            let bound = Bound::new(rt.clone(), listener.boxed());
            run(rt, bound, Target::Memory(connector), options)
        }
        Transport::Intercepted => {
            let (connector, listener) = memory::endpoint();
            let bound = Bound::new(rt.clone(), listener.boxed());
            let server =
                run(rt, bound, Target::Memory(connector), |server| options(server.intercepted_by(HandOn)));
            Running { is_intercepted: true, ..server }
        }
    }
}

/// Serves at an address, with options.
pub async fn serve_at(
    rt: &RuntimeHandle,
    address: Address,
    options: impl FnOnce(Builder) -> Builder,
) -> Running {
    let bound = Bound::new(rt.clone(), rt.listen(address).await.unwrap());
    let target = Target::Address(bound.local_address().unwrap());
    run(rt, bound, target, options)
}

fn run(
    rt: &RuntimeHandle,
    bound: Bound,
    target: Target,
    options: impl FnOnce(Builder) -> Builder,
) -> Running {
    let seen = Arc::new(Seen::new(rt));
    // Compressed only to clients that take it.
    let service = TestServiceServer::new(Tester(Arc::clone(&seen))).send_compressed(Encoding::Gzip);
    let server: Server = options(Server::builder().add_service(service)).into();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = server.clone();
    let task = spawn(rt, async move {
        let stopped = async {
            let _ = stopped.await;
        };
        bound.serve_with_shutdown(served, stopped).await.unwrap();
    });
    Running { seen, server, rt: rt.clone(), target, tls: None, is_intercepted: false, stop: Some(stop), task }
}

/// A path where no socket is.
#[cfg(unix)]
pub fn fresh_path() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("unwired-suite-{}-{number}.sock", std::process::id()))
}
