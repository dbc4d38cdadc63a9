//! The greeter with handlers that block: `cargo run -p unwired-blocking --example greeter_server`.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use unwired::{Request, Response, Server, Status};
use unwired_blocking::Workers;
use unwired_examples::options::GREETER_SERVER;
use unwired_proto::helloworld::greeter_blocking_server::{Greeter, GreeterServer};
use unwired_proto::helloworld::{HelloReply, HelloRequest};

/// How long calls that are under way may take when the program is asked to end.
const GRACE: Duration = Duration::from_secs(10);

struct PoliteGreeter;

impl Greeter for PoliteGreeter {
    fn say_hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello, {}!", request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }

    fn say_hello_again(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let message = format!("Hello again, {}!", request.get_ref().name);
        Ok(Response::new(HelloReply { message }))
    }
}

fn main() -> ExitCode {
    GREETER_SERVER.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_SERVER.from_command_line();
    let greeter = Workers::new().run(GreeterServer::new(PoliteGreeter));
    let server = options.secure_server(Server::builder())?.add_service(greeter);
    let bound = unwired_blocking::bind(options.listen)?;
    let running = bound.start(server)?;
    let stopper = running.stopper();
    unwired_examples::on_stop(move || stopper.stop(GRACE))?;
    println!("listening on {}", running.local_addr()?);
    running.wait()?;
    Ok(())
}
