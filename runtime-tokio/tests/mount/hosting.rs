use hyper::server::conn::http2;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use unwired::mount::{HttpClient, Mount};
use unwired::transport::BoxFuture;
use unwired_suite::Mounting;
use unwired_suite::serving::Hosted;

use crate::programs::mount_h2;

/// As much as streams may have ahead, and connections of all their streams: nobody who does not read holds up the others.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 64 << 20;

/// Services in hyper.
pub(crate) static SERVER: Mounting = Mounting { name: "mounted in hyper", serve, client: None };

/// Services over bare connections of h2.
pub(crate) static H2: Mounting = Mounting { name: "mounted over h2", serve: serve_bare, client: None };

/// Services in hyper, called over hyper.
pub(crate) static BOTH: Mounting =
    Mounting { name: "mounted in hyper, over hyper", serve, client: Some(client) };

fn serve(mount: Mount, stopped: BoxFuture<'static, ()>) -> BoxFuture<'static, Hosted> {
    listen(stopped, move |socket| {
        http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(1000)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(mount.clone()))
    })
}

fn serve_bare(mount: Mount, stopped: BoxFuture<'static, ()>) -> BoxFuture<'static, Hosted> {
    listen(stopped, move |socket| mount_h2::serve(socket, mount.clone()))
}

/// Serves each connection that comes, until `stopped` is ready.
fn listen<F>(
    stopped: BoxFuture<'static, ()>,
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> BoxFuture<'static, Hosted>
where
    F: Future<Output: Send> + Send + 'static,
{
    Box::pin(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                connections.spawn(serve(socket));
            }
        };
        let task = Box::pin(async move {
            tokio::select! {
                () = serving => {}
                () = stopped => {}
            }
        });
        Hosted { address, task }
    })
}

fn client() -> HttpClient {
    let client = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .build_http();
    HttpClient::new(client).reset_codes(|error| Some(error.downcast_ref::<h2::Error>()?.reason()?.into()))
}
