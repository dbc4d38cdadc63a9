//! Calls a greeter from a plain thread: `cargo run -p unwired-blocking --example greeter_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::options::GREETER_CLIENT;
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_blocking_client::GreeterBlockingClient;

fn main() -> ExitCode {
    GREETER_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = GREETER_CLIENT.from_command_line();
    let channel = unwired_blocking::channel(&options.target)?;
    let channel = channel.try_with(|settings| options.secure_channel(settings))?.connect()?;
    let client = GreeterBlockingClient::new(channel);
    let request = HelloRequest { name: options.name.clone() };
    let reply = client.say_hello(request.clone())?.into_inner();
    println!("Greeter client received: {}", reply.message);
    let reply = client.say_hello_again(request)?.into_inner();
    println!("Greeter client received: {}", reply.message);
    Ok(())
}
