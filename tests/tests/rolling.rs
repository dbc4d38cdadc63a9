//! Rolling restarts under load: no call fails, however the listener goes from one process to the next.
//!
//! `UNWIRED_RESTARTS` says how many, 5 by default; `tests/nightly` makes 200. With `--nocapture` it tells the figures.
#![cfg(unix)]

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_tests::program::Server;

/// Between two calls: 1,000 in a second.
const PAUSE: Duration = Duration::from_millis(1);
/// Between two restarts.
const BETWEEN: Duration = Duration::from_millis(200);
/// What a call may take at most. A client whose first packet is dropped sends it again after a second.
const DEADLINE: Duration = Duration::from_secs(20);

const PROGRAM: &str = env!("CARGO_BIN_EXE_rolling_server");

fn restarts() -> u32 {
    std::env::var("UNWIRED_RESTARTS").map_or(5, |number| number.parse().unwrap())
}

/// Calls the server at `target` without a pause, while it is replaced by those that `start` starts.
async fn replaced_under_load(target: &str, first: Server, start: impl Fn() -> Server) {
    let client = GreeterClient::new(unwired_tokio::connect(target).await.unwrap());
    let (over, failures) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let longest = Arc::new(AtomicU64::new(0));
    let load = tokio::spawn({
        let (over, failures, longest) = (Arc::clone(&over), Arc::clone(&failures), Arc::clone(&longest));
        async move {
            let mut ticks = interval(PAUSE);
            // A machine that is busy makes them up later.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let (mut calls, mut made) = (JoinSet::new(), 0_u64);
            while !over.load(Ordering::Relaxed) {
                ticks.tick().await;
                made += 1;
                let (client, failures, longest) =
                    (client.clone(), Arc::clone(&failures), Arc::clone(&longest));
                calls.spawn(async move {
                    let mut request = unwired::Request::new(HelloRequest { name: "you".to_owned() });
                    request.set_timeout(DEADLINE);
                    let begun = Instant::now();
                    if let Err(status) = client.say_hello(request).await {
                        failures.lock().unwrap().push(status.to_string());
                    }
                    let took = u64::try_from(begun.elapsed().as_millis()).unwrap();
                    longest.fetch_max(took, Ordering::Relaxed);
                });
                while calls.try_join_next().is_some() {}
            }
            calls.join_all().await;
            made
        }
    });
    let mut server = first;
    for _ in 0..restarts() {
        tokio::time::sleep(BETWEEN).await;
        let next = start();
        tokio::task::spawn_blocking(move || server.stop().unwrap()).await.unwrap();
        server = next;
    }
    over.store(true, Ordering::Relaxed);
    let made = load.await.unwrap();
    println!("{made} calls over {} restarts, the longest {} ms", restarts(), longest.load(Ordering::Relaxed));
    let failures = failures.lock().unwrap();
    assert!(made > 0);
    assert!(failures.is_empty(), "{} of {made} calls failed, the first: {}", failures.len(), failures[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_where_processes_share_a_port() {
    let first = Server::start(Command::new(PROGRAM).arg("127.0.0.1:0")).unwrap();
    let address = first.address().to_owned();
    let start = || Server::start(Command::new(PROGRAM).arg(&address)).unwrap();
    replaced_under_load(&format!("http://{address}"), first, start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_where_processes_inherit_a_listener() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let start = || {
        let passed_on = Stdio::from(OwnedFd::from(listener.try_clone().unwrap()));
        // What a service manager does.
        let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" inherited";
        Server::start(Command::new("sh").args(["-c", script, PROGRAM]).stdin(passed_on)).unwrap()
    };
    let first = start();
    assert_eq!(first.address(), address.to_string());
    replaced_under_load(&format!("http://{address}"), first, start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_where_processes_take_a_path_over() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("unix:{}", folder.path().join("socket").display());
    let start = || Server::start(Command::new(PROGRAM).arg(&address)).unwrap();
    replaced_under_load(&address, start(), start).await;
}
