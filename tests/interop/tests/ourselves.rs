//! Every case against our own server: on each runtime, with TLS, and what takes long in simulated time.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::Duration;

use unwired::server::Bound;
use unwired::tls::{ClientTls, ServerTls};
use unwired::transport::RuntimeHandle;
use unwired::{Server, Target};
use unwired_http2_rigs::Runtime;
use unwired_interop::cases::{self, Caller, Reconnecting, Soak};
use unwired_interop::server::{Interop, Reconnect};
use unwired_suite::authority::Authority;

/// Any port that is free.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The name in the certificate.
const NAME: &str = "foo.test.google.fr";
/// A machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
const RETRY_PORT: u16 = 8081;

/// Nothing is asserted of how fast a call is.
fn patient() -> Soak {
    Soak { max_latency: PATIENCE, overall_timeout: PATIENCE, ..Soak::default() }
}

/// Runs all cases but one that takes minutes, and panics with those that failed.
async fn all(caller: Caller) {
    let mut failed = Vec::new();
    for &case in cases::ALL.iter().filter(|&&case| case != "connection_backoff") {
        let outcome = caller.runtime.timeout(PATIENCE, cases::run(case, &caller)).await;
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => failed.push(format!("{case}: {failure}")),
            Err(_) => failed.push(format!("{case}: no end after {PATIENCE:?}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn on(runtime: Runtime, server: Server, caller: impl FnOnce(Caller) -> Caller) {
    let (done, is_done) = mpsc::channel();
    let run = runtime.run(async move |handle: RuntimeHandle| {
        let listener = handle.listen(LOOPBACK.into()).await?;
        let bound = Bound::new(handle.clone(), listener);
        let target = Target::Address(bound.local_address()?);
        handle.spawn(async move { bound.serve(server).await.unwrap() });
        all(caller(Caller { soak: patient(), ..Caller::new(handle, target) })).await;
        done.send(()).unwrap();
        Ok(())
    });
    run.unwrap();
    is_done.recv().unwrap();
}

fn server() -> unwired::server::Builder {
    Server::builder().add_service(Interop::new("one of its kind").service())
}

fn every_case_on(runtime: Runtime) {
    on(runtime, server().build(), |caller| caller);
}

fn every_case_with_tls_on(runtime: Runtime) {
    let authority = Authority::new("interop");
    let (chain, key) = authority.sign(NAME);
    let server = server().tls(ServerTls::from_pem(chain, key).unwrap());
    let tls = ClientTls::with_roots(authority.pem()).unwrap().server_name(NAME);
    on(runtime, server.build(), |caller| Caller {
        tls: Some(tls),
        authority: Some(NAME.to_owned()),
        ..caller
    });
}

#[test]
fn every_case_on_tokio() {
    every_case_on(Runtime::Tokio);
}

#[test]
fn every_case_on_async_std() {
    every_case_on(Runtime::AsyncStd);
}

#[test]
fn every_case_on_smol() {
    every_case_on(Runtime::Smol);
}

#[test]
fn every_case_on_threads() {
    every_case_on(Runtime::Blocking);
}

#[test]
fn every_case_with_tls_on_tokio() {
    every_case_with_tls_on(Runtime::Tokio);
}

#[test]
fn every_case_with_tls_on_threads() {
    every_case_with_tls_on(Runtime::Blocking);
}

#[test]
fn a_client_that_cannot_connect_waits_as_it_should_for_nine_minutes() {
    unwired_sim::check(0..20, |sim| {
        let (client, host) = (sim.host("client"), sim.host("server"));
        let listener = {
            let runtime = host.runtime();
            sim.run_until(
                async move { runtime.listen(SocketAddr::from(([0, 0, 0, 0], RETRY_PORT)).into()).await },
            )
        };
        let watching = Reconnect::watch(&host.runtime(), listener.unwrap());
        drop(host.serve(8080, server().add_service(watching.service())).unwrap());

        let reconnecting = Reconnecting {
            retry: Target::Host("server".to_owned(), RETRY_PORT),
            max_backoff: Duration::ZERO,
            time: Duration::from_secs(540),
        };
        let caller = Caller {
            reconnecting: Some(reconnecting),
            ..Caller::new(client.runtime(), Target::Host("server".to_owned(), 8080))
        };
        sim.run_until(async { cases::run("connection_backoff", &caller).await.unwrap() });
    });
}
