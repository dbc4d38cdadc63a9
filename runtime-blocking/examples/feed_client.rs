//! Feeds features to a server from plain threads: `cargo run -p unwired-blocking --example feed_client -- --input FILE`.

use std::error::Error;
use std::process::ExitCode;

use unwired_examples::feed::{Intake, Patience, feed};
use unwired_examples::options::FEED_CLIENT;
use unwired_proto::feed::feature_feed_blocking_client::FeatureFeedBlockingClient;

fn main() -> ExitCode {
    FEED_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = FEED_CLIENT.from_command_line();
    let intake = Intake::open(options.input.as_deref())?;
    let stopping = intake.clone();
    unwired_examples::on_stop(move || stopping.stop())?;

    let channel = unwired_blocking::channel(&options.target)?;
    let channel = channel.try_with(|settings| options.secure_channel(settings))?.connect()?;
    let client = FeatureFeedBlockingClient::new(channel);
    let send = |request| Ok(client.deliver(request)?.into_inner());
    let tally = feed(&intake, Patience::default(), send, |line| println!("{line}"));
    println!("{tally}");
    Ok(tally.verdict()?)
}
