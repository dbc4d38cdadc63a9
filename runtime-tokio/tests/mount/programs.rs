//! The examples, called.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;

#[allow(dead_code, reason = "it has a main")]
#[path = "../../examples/mount_axum.rs"]
mod mount_axum;
#[allow(dead_code, reason = "it has a main")]
#[path = "../../examples/mount_h2.rs"]
pub(crate) mod mount_h2;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_service_and_the_routes_of_axum_have_one_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, mount_axum::app()).await });

    let called = async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\nok\n"), "{answer}");

        let channel = unwired_tokio::connect(format!("http://{address}")).await.unwrap();
        let request = HelloRequest { name: "axum".to_owned() };
        let reply = GreeterClient::new(channel).say_hello(request).await.unwrap().into_inner();
        assert_eq!(reply.message, "Hello, axum!");
    };
    tokio::time::timeout(LONG, called).await.unwrap();
}
