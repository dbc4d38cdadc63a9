//! Servers of the test service, and channels to them.

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::sync::Arc;

use futures_channel::oneshot;
use futures_util::future::RemoteHandle;
use unwired::channel::Builder as ChannelBuilder;
use unwired::intercept::{Interceptor, Messages, Next};
use unwired::mount::{HttpClient, Mount};
use unwired::server::{Abuse, Bound, Builder};
use unwired::tls::{ClientTls, ServerTls};
use unwired::transport::{Address, BoxFuture, Listen, RuntimeHandle, memory};
use unwired::{Channel, Encoding, Request, Response, Server, Status, Target};
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::TestServiceServer;

use crate::authority::Authority;
use crate::service::{Seen, Tester};
use crate::streams::ANY_PORT;
use crate::tasks::spawn;

/// What connections of a scenario are made of.
#[derive(Clone, Copy, Debug)]
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
    /// HTTP of somebody else's, over TCP of this host.
    Mounted(&'static Mounting),
}

/// Somebody else's HTTP: what services are mounted in, and what channels make their calls over.
pub struct Mounting {
    /// For people.
    pub name: &'static str,
    /// Serves somewhere on this host, until the future is ready.
    pub serve: fn(Mount, BoxFuture<'static, ()>) -> BoxFuture<'static, Hosted>,
    /// A client; ours where there is none.
    pub client: Option<fn() -> HttpClient>,
}

impl fmt::Debug for Mounting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a [`Mounting`] serves.
pub struct Hosted {
    /// Where it listens.
    pub address: SocketAddr,
    /// What serves.
    pub task: BoxFuture<'static, ()>,
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
    /// What its clients make their calls over, if that is none of ours.
    client: Option<fn() -> HttpClient>,
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
        self.channel_of(rt, self.target.clone())
    }

    /// A channel that is to be made to whatever stands before the server.
    pub fn channel_to(&self, target: Target) -> ChannelBuilder {
        self.channel_of(&self.rt, target)
    }

    fn channel_of(&self, rt: &RuntimeHandle, target: Target) -> ChannelBuilder {
        let channel = Channel::builder(rt.clone(), target);
        let channel = if self.is_intercepted { channel.intercepted_by(HandOn) } else { channel };
        match (&self.tls, self.client) {
            (Some(tls), _) => channel.tls(tls.clone()),
            (None, Some(client)) => channel.over(client()),
            (None, None) => channel,
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
        Transport::Mounted(mounting) => {
            let (seen, server) = tester(rt, options);
            let (stop, stopped) = stop();
            let Hosted { address, task } =
                (mounting.serve)(Mount::new(server.clone(), rt.clone()), Box::pin(stopped)).await;
            Running {
                seen,
                server,
                rt: rt.clone(),
                target: tcp(address),
                tls: None,
                is_intercepted: false,
                client: mounting.client,
                stop: Some(stop),
                task: spawn(rt, task),
            }
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
    let (seen, server) = tester(rt, options);
    let (stop, stopped) = stop();
    let served = server.clone();
    let task = spawn(rt, async move { bound.serve_with_shutdown(served, stopped).await.unwrap() });
    Running {
        seen,
        server,
        rt: rt.clone(),
        target,
        tls: None,
        is_intercepted: false,
        client: None,
        stop: Some(stop),
        task,
    }
}

/// A server of the test service, and what that has seen.
fn tester(rt: &RuntimeHandle, options: impl FnOnce(Builder) -> Builder) -> (Arc<Seen>, Server) {
    let seen = Arc::new(Seen::new(rt));
    // Compressed only to clients that take it.
    let service = TestServiceServer::new(Tester(Arc::clone(&seen))).send_compressed(Encoding::Gzip);
    (seen, options(Server::builder().add_service(service)).into())
}

/// What tells a server to end, and the future that is ready then.
fn stop() -> (oneshot::Sender<()>, impl Future<Output = ()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    (stop, async {
        let _ = stopped.await;
    })
}

/// A path where no socket is.
#[cfg(unix)]
pub fn fresh_path() -> PathBuf {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("unwired-suite-{}-{number}.sock", std::process::id()))
}
