use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use unwired::codec::Codec;
use unwired::generated::{Handler, Incoming, Method, ServiceSettings};
use unwired::{Request, Status};

use super::Reply;
use super::pool::{Job, Pool};
use crate::Streaming;
use crate::reactor::lock;
use crate::wait::Wait;

/// Workers for each thread that the machine can run at once: handlers that block mostly wait for something else.
const WORKERS_PER_CPU: usize = 8;
/// Calls that wait for a worker.
const DEFAULT_MAX_QUEUED: usize = 1024;

/// Threads in which the handlers of blocking services run.
///
/// They begin as they are needed, and end when there was nothing to do for ten seconds, and with the last server that has a
/// service in them. Clones are the same threads: several services, also of several servers, may share them.
///
/// ```
/// # use unwired_proto::helloworld::greeter_blocking_server::{Greeter, GreeterServer};
/// # use unwired_proto::helloworld::{HelloReply, HelloRequest};
/// # use unwired::{Request, Response, Server, Status};
/// # use unwired_blocking::Workers;
/// struct MyGreeter;
///
/// impl Greeter for MyGreeter {
///     fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
///         Ok(Response::new(HelloReply { message: format!("Hello, {}!", request.get_ref().name) }))
///     }
/// #    fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
/// #        self.say_hello(request)
/// #    }
/// }
///
/// let workers = Workers::new().max_workers(16).max_queued(100);
/// let server = Server::builder().add_service(workers.run(GreeterServer::new(MyGreeter)));
/// let running = unwired_blocking::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0)))?.start(server)?;
/// # running.shutdown(std::time::Duration::ZERO)?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Workers(Arc<Owner>);

/// Closes the pool with the last who may add to it.
struct Owner(Arc<Pool>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Workers {
    /// Workers, eight at most for each thread that the machine can run at once, with a queue of 1024 calls.
    pub fn new() -> Self {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Owner(Arc::new(Pool::new(cpus * WORKERS_PER_CPU, DEFAULT_MAX_QUEUED)))))
    }

    /// Workers at a time, one at least.
    #[must_use]
    pub fn max_workers(self, workers: usize) -> Self {
        self.0.0.set_limits(Some(workers), None);
        self
    }

    /// Calls that wait while every worker is busy; their deadlines hold meanwhile. One more gets RESOURCE_EXHAUSTED at once.
    #[must_use]
    pub fn max_queued(self, calls: usize) -> Self {
        self.0.0.set_limits(None, Some(calls));
        self
    }

    /// The handlers of `service` run in these workers. A server of whichever runtime takes what this returns.
    pub fn run<S: Service>(&self, service: S) -> InWorkers<S> {
        InWorkers { service, workers: self.clone() }
    }

    /// Handles a call whose request is one message.
    #[doc(hidden)]
    pub fn one<C, T>(
        &self,
        call: Incoming,
        handle: impl FnOnce(Request<T>, Reply) + Send + 'static,
    ) -> Handler
    where
        C: Codec<T>,
        T: Send + 'static,
    {
        let workers = self.clone();
        Box::pin(async move {
            // On the server's own thread, which has the message: a worker is not there to wait for it.
            if let Some((request, reply)) = call.one::<C, T>().await {
                workers.have_done(reply, |reply| handle(request, reply)).await;
            }
        })
    }

    /// Handles a call whose request is many messages.
    #[doc(hidden)]
    pub fn many<C, T>(
        &self,
        call: Incoming,
        handle: impl FnOnce(Request<Streaming<T>>, Reply) + Send + 'static,
    ) -> Handler
    where
        C: Codec<T>,
        T: Send + 'static,
    {
        let workers = self.clone();
        Box::pin(async move {
            let (request, reply) = call.many::<C, T>();
            let request = request.map(|messages| Streaming::new(messages, Wait::Park));
            workers.have_done(reply, |reply| handle(request, reply)).await;
        })
    }

    /// Waits until a worker has run `handle`.
    async fn have_done(&self, reply: unwired::generated::Reply, handle: impl FnOnce(Reply) + Send + 'static) {
        let pool = &self.0.0;
        let (end, ended) = end();
        let reply = Arc::new(Mutex::new(Some(reply)));
        let (refused, job_reply) = (Arc::clone(&reply), reply);
        let job: Job = Box::new(move || {
            let reply = lock(&job_reply).take();
            if let Some(reply) = reply {
                handle(Reply(reply));
            }
            drop(end);
        });
        match pool.push(job) {
            Ok(number) => Queued { pool, number, ended }.await,
            Err(job) => {
                if let Some(reply) = lock(&refused).take() {
                    let (workers, queued) = pool.limits();
                    reply.fail(&Status::resource_exhausted(format!(
                        "all of {workers} workers are busy, and {queued} calls wait for one"
                    )));
                }
                drop(job);
            }
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (max_workers, max_queued) = self.0.0.limits();
        f.debug_struct("Workers")
            .field("max_workers", &max_workers)
            .field("max_queued", &max_queued)
            .finish_non_exhaustive()
    }
}

/// A job in the queue or under way. Dropped, it is taken out of the queue, for its call is over; a handler that runs finds
/// that out itself.
struct Queued<'a> {
    pool: &'a Pool,
    number: u64,
    ended: Arc<Mutex<Ended>>,
}

#[derive(Default)]
struct Ended {
    has_ended: bool,
    waker: Option<Waker>,
}

/// Says, by its drop, that a job is done, however.
struct End(Arc<Mutex<Ended>>);

fn end() -> (End, Arc<Mutex<Ended>>) {
    let ended = Arc::<Mutex<Ended>>::default();
    (End(Arc::clone(&ended)), ended)
}

impl Drop for End {
    fn drop(&mut self) {
        let mut ended = lock(&self.0);
        ended.has_ended = true;
        let waker = ended.waker.take();
        drop(ended);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Queued<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut ended = lock(&self.ended);
        if ended.has_ended {
            return Poll::Ready(());
        }
        ended.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        drop(self.pool.take_back(self.number));
    }
}

/// A blocking service: generated code implements it, [`Workers::run`] makes a service of a server out of it.
pub trait Service: Send + Sync + 'static {
    /// Full name, with the package.
    fn name(&self) -> &'static str;

    /// Its methods, in the order of their numbers.
    fn methods(&self) -> &'static [Method];

    /// How it is served.
    fn settings(&self) -> &ServiceSettings;

    /// Handles a call of the method of that number.
    fn call(&self, method: usize, call: Incoming, workers: &Workers) -> Handler;
}

/// A blocking service as a server takes it; see [`Workers::run`].
#[derive(Clone, Debug)]
pub struct InWorkers<S> {
    service: S,
    workers: Workers,
}

impl<S: Service> unwired::server::Service for InWorkers<S> {
    fn name(&self) -> &'static str {
        self.service.name()
    }

    fn methods(&self) -> &'static [Method] {
        self.service.methods()
    }

    fn settings(&self) -> &ServiceSettings {
        self.service.settings()
    }

    fn call(&self, method: usize, call: Incoming) -> Handler {
        self.service.call(method, call, &self.workers)
    }
}
