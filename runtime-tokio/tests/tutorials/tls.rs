use std::ffi::OsString;
use std::fs;
use std::future::pending;
use std::path::PathBuf;

use unwired::{Code, Server, Status};
use unwired_examples::hello_service::Host;
use unwired_examples::options::{HELLO_CLIENT, HELLO_SERVER, Options};
use unwired_proto::hello_service::HelloRequest;
use unwired_proto::hello_service::hello_service_client::HelloServiceClient;
use unwired_proto::hello_service::hello_service_server::HelloServiceServer;
use unwired_suite::authority::Authority;

use super::in_time;

/// A folder with certificates, removed with this.
struct Files(PathBuf);

impl Files {
    /// `ca.pem`, and what it has signed: `leaf.pem`, `leaf.key`. `other.pem` has signed nothing.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("unwired-tutorials-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = Self(folder);
        let authority = Authority::new("examples");
        let (chain, key) = authority.sign("localhost");
        let other = Authority::new("other").pem();
        for (name, content) in
            [("ca.pem", authority.pem()), ("leaf.pem", chain), ("leaf.key", key), ("other.pem", other)]
        {
            fs::write(files.0.join(name), content).unwrap();
        }
        files
    }

    /// An option and its file, as arguments.
    fn option(&self, option: &str, file: &str) -> [OsString; 2] {
        [option.into(), self.0.join(file).into()]
    }

    /// Certificate and key, as arguments.
    fn identity(&self) -> Vec<OsString> {
        [self.option("--tls-cert", "leaf.pem"), self.option("--tls-key", "leaf.key")].concat()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Serves with these arguments; where.
async fn serving(arguments: Vec<OsString>) -> String {
    let options = HELLO_SERVER.parse(arguments).unwrap();
    let server: Server =
        options.secure_server(Server::builder()).unwrap().add_service(HelloServiceServer::new(Host)).into();
    let bound = unwired_tokio::bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = bound.local_addr().unwrap();
    tokio::spawn(async move { bound.serve_with_shutdown(server, pending()).await });
    format!("https://{address}")
}

/// Calls with these arguments.
async fn call(target: &str, arguments: &[OsString]) -> Result<String, Status> {
    let arguments = [&[OsString::from("--addr"), target.into()], arguments].concat();
    let options: Options = HELLO_CLIENT.parse(arguments).unwrap();
    let channel = options.secure_channel(unwired_tokio::channel(&options.target)?).unwrap();
    let client = HelloServiceClient::new(channel.connect().await?);
    Ok(client.say_hello(HelloRequest { greeting: "you".to_owned() }).await?.into_inner().reply)
}

#[tokio::test]
async fn the_command_line_decides_whom_a_client_trusts() {
    in_time(async {
        let files = Files::new("client");
        let target = serving(files.identity()).await;
        let name = ["--tls-name".into(), "localhost".into()];
        let trusting = [files.option("--tls-ca", "ca.pem"), name.clone()].concat();
        assert_eq!(call(&target, &trusting).await.unwrap(), "Hello, you!");
        // The options say enough without `https`.
        let plain = target.replace("https", "http");
        assert_eq!(call(&plain, &trusting).await.unwrap(), "Hello, you!");
        for mistrusting in [
            [files.option("--tls-ca", "other.pem"), name].concat(),
            [files.option("--tls-ca", "ca.pem"), ["--tls-name".into(), "other.test".into()]].concat(),
        ] {
            assert_eq!(call(&target, &mistrusting).await.unwrap_err().code(), Code::Unavailable);
        }
        assert_eq!(call(&plain, &[]).await.unwrap_err().code(), Code::Unavailable);
    })
    .await;
}

#[tokio::test]
async fn the_command_line_decides_whom_a_server_trusts() {
    in_time(async {
        let files = Files::new("server");
        let strict = [files.identity(), files.option("--tls-ca", "ca.pem").to_vec()].concat();
        let target = serving(strict).await;
        let trusting =
            [files.option("--tls-ca", "ca.pem"), ["--tls-name".into(), "localhost".into()]].concat();
        assert_eq!(call(&target, &trusting).await.unwrap_err().code(), Code::Unavailable);
        let shown = [trusting, files.identity()].concat();
        assert_eq!(call(&target, &shown).await.unwrap(), "Hello, you!");
    })
    .await;
}
