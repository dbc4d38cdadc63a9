//! The system's sockets in the file system.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use unwired::server::Bound;
use unwired::transport::{Address, Credentials, Peer, RuntimeHandle};
use unwired::{Channel, Code, Request, Response, Server, Status, Target};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

use crate::serving::{client_to, fresh_path, serve_at};
use crate::sockets::connected;
use crate::streams::{read, read_exact, write_all};
use crate::tasks::spawn;

pub async fn a_socket_in_the_file_system_carries_bytes(rt: &RuntimeHandle) {
    let address = Address::Unix(fresh_path());
    let mut listener = rt.listen(address.clone()).await.unwrap();
    assert_eq!(listener.local_address().unwrap(), address);
    let (mut client, mut server) = connected(rt, &mut listener, address.clone()).await;
    assert_eq!(client.peer().remote, Some(address.clone()));
    assert_eq!(server.peer().local, Some(address));

    write_all(&mut client, b"hi").await.unwrap();
    let mut buffer = [0; 2];
    read_exact(&mut server, &mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hi");
    drop(client);
    assert_eq!(read(&mut server, &mut buffer).await.unwrap(), 0);
}

pub async fn a_path_that_nobody_listens_at_is_one_clear_line(rt: &RuntimeHandle) {
    let path = fresh_path();
    let target = Target::Address(Address::Unix(path.clone()));
    let status = client_to(rt, target).empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains(path.to_str().unwrap()), "{status}");
}

/// Whether a call at `path` is answered.
async fn is_served(rt: &RuntimeHandle, path: &Path) -> bool {
    client_to(rt, Target::Address(Address::Unix(path.to_owned()))).empty_call(Empty {}).await.is_ok()
}

pub async fn a_socket_that_nobody_listens_at_is_replaced_and_goes_with_its_server(rt: &RuntimeHandle) {
    let path = fresh_path();
    // The file stays, as it does when a program is killed.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let server = serve_at(rt, Address::Unix(path.clone()), |server| server).await;
    assert!(is_served(rt, &path).await);
    server.stop().await;
    assert!(!path.exists());
}

pub async fn a_socket_that_somebody_listens_at_stays(rt: &RuntimeHandle) {
    let path = fresh_path();
    let server = serve_at(rt, Address::Unix(path.clone()), |server| server).await;
    let Err(error) = rt.listen(Address::Unix(path.clone())).await else { panic!("two listen at one path") };
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(is_served(rt, &path).await);
    server.stop().await;
}

struct Doorman(Arc<Mutex<Option<Peer>>>);

impl Greeter for Doorman {
    async fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        *self.0.lock().unwrap() = request.peer().cloned();
        Ok(Response::new(HelloReply::default()))
    }

    async fn say_hello_again(&self, _: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        Err(Status::unimplemented("once is enough"))
    }
}

pub async fn a_handler_sees_whose_process_calls_it(rt: &RuntimeHandle) {
    let path = fresh_path();
    let address = Address::Unix(path.clone());
    let listener = rt.listen(address.clone()).await.unwrap();
    let file = std::fs::symlink_metadata(&path).unwrap();
    let seen = Arc::new(Mutex::new(None));
    let server = Server::builder().add_service(GreeterServer::new(Doorman(Arc::clone(&seen))));
    let _serving = spawn(rt, Bound::new(rt.clone(), listener).serve(server));

    let channel = Channel::builder(rt.clone(), Target::Address(address.clone())).connect_lazy();
    GreeterClient::new(channel).say_hello(HelloRequest::default()).await.unwrap();
    let peer = seen.lock().unwrap().take().unwrap();
    assert_eq!(peer.local, Some(address));
    // This process made the file, too.
    let own = Credentials { uid: file.uid(), gid: file.gid(), pid: Some(std::process::id()) };
    assert_eq!(peer.credentials, cfg!(target_os = "linux").then_some(own));
}
