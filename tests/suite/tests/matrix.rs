//! Each runtime calls each: client and server in one process, on threads of their own.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use unwired::transport::{BoxFuture, RuntimeHandle};
use unwired::{Code, Status};
use unwired_async_std::AsyncStd;
use unwired_blocking::Blocking;
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_smol::Smol;
use unwired_suite::Transport;
use unwired_suite::guard::guarded;
use unwired_suite::kinds::every_kind;
use unwired_suite::messages::asking;
use unwired_suite::serving::{Running, serve};
use unwired_tokio::Tokio;

/// What one end runs on.
#[derive(Clone, Copy, Debug)]
enum On {
    Tokio,
    AsyncStd,
    Smol,
    Blocking,
}

impl On {
    /// Runs to its end what `run` makes.
    fn block_on(self, run: impl FnOnce(RuntimeHandle) -> BoxFuture<'static, ()>) {
        match self {
            Self::Tokio => {
                let runtime = tokio::runtime::Runtime::new().unwrap();
                runtime.block_on(async { run(Tokio::handle()).await });
            }
            // There is one of it in a process.
            Self::AsyncStd => async_std::task::block_on(run(AsyncStd::handle())),
            Self::Smol => {
                let executor = Arc::new(smol::Executor::new());
                smol::block_on(executor.run(run(Smol::on(&executor).handle())));
            }
            Self::Blocking => {
                let blocking = Blocking::new().unwrap();
                blocking.block_on(run(blocking.handle()));
            }
        }
    }
}

/// Calls a server on `server` from a client on `client`.
fn calls(client: On, server: On, transport: Transport) {
    let (started, starting) = mpsc::channel();
    let (done, is_done) = oneshot::channel::<Running>();
    let serving = thread::spawn(move || {
        server.block_on(move |rt| {
            Box::pin(async move {
                started.send(serve(&rt, transport).await).unwrap();
                // A client that has failed gives nothing back.
                if let Ok(running) = is_done.await {
                    running.stop().await;
                }
            })
        });
    });
    let running = starting.recv().unwrap();
    client.block_on(move |rt| {
        Box::pin(async move {
            let name = format!("{client:?} calls {server:?}, {transport:?}");
            guarded(&name, &rt, talk(&rt, &running)).await;
            let _ = done.send(running);
        })
    });
    serving.join().unwrap();
}

/// What works, and what ends early.
async fn talk(rt: &RuntimeHandle, server: &Running) {
    let channel = server.channel_on(rt).connect_lazy();
    every_kind(channel.clone()).await;

    let client = TestServiceClient::new(channel);
    let failed: Status = client.empty_call(asking(Empty {}, "fail")).await.unwrap_err();
    assert_eq!((failed.code(), failed.metadata().get("x-why")), (Code::NotFound, Some("asked")));
    let mut late = asking(Empty {}, "hang");
    late.set_timeout(Duration::from_millis(50));
    assert_eq!(client.empty_call(late).await.unwrap_err().code(), Code::DeadlineExceeded);
    let given_up = rt.timeout(Duration::from_millis(50), client.empty_call(asking(Empty {}, "hang"))).await;
    assert!(given_up.is_err());
    let begun = server.seen.begun();
    server.seen.all_gone(begun).await;
    client.empty_call(Empty {}).await.unwrap();
}

/// The tests of one client with each server.
macro_rules! calls_each {
    ($client:ident: $($name:ident: $server:ident),*) => {
        $(mod $name {
            use unwired_suite::Transport;

            use crate::On;

            #[test]
            fn over_tcp() {
                crate::calls(On::$client, On::$server, Transport::Tcp);
            }

            #[test]
            fn over_tls() {
                crate::calls(On::$client, On::$server, Transport::Tls);
            }

            #[cfg(unix)]
            #[test]
            fn over_unix_sockets() {
                crate::calls(On::$client, On::$server, Transport::Unix);
            }

            #[test]
            fn in_memory() {
                crate::calls(On::$client, On::$server, Transport::Memory);
            }
        })*
    };
}

macro_rules! each_calls_each {
    ($($name:ident: $client:ident),*) => {
        $(mod $name {
            calls_each!($client: tokio: Tokio, async_std: AsyncStd, smol: Smol, blocking: Blocking);
        })*
    };
}

each_calls_each!(tokio_calls: Tokio, async_std_calls: AsyncStd, smol_calls: Smol, blocking_calls: Blocking);
