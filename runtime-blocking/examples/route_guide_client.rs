//! Calls a route guide from a plain thread: `cargo run -p unwired-blocking --example route_guide_client`.

use std::error::Error;
use std::process::ExitCode;

use unwired_blocking::Channel;
use unwired_examples::options::ROUTE_GUIDE_CLIENT;
use unwired_examples::route_guide::client::{
    AROUND_NEW_YORK, BERKSHIRE, describe, heading, notes, place, way,
};
use unwired_proto::routeguide::Point;
use unwired_proto::routeguide::route_guide_blocking_client::RouteGuideBlockingClient;

fn main() -> ExitCode {
    ROUTE_GUIDE_CLIENT.ended(run())
}

fn run() -> Result<(), Box<dyn Error>> {
    let options = ROUTE_GUIDE_CLIENT.from_command_line();
    let channel = unwired_blocking::channel(&options.target)?;
    travel(channel.try_with(|settings| options.secure_channel(settings))?.connect()?)?;
    Ok(())
}

fn travel(channel: Channel) -> Result<(), unwired::Status> {
    let client = RouteGuideBlockingClient::new(channel);

    heading("GetFeature");
    for point in [BERKSHIRE, Point { latitude: 0, longitude: 0 }] {
        println!("{}", describe(&client.get_feature(point)?.into_inner()));
    }

    heading("ListFeatures");
    for feature in client.list_features(AROUND_NEW_YORK)?.into_inner() {
        println!("{}", describe(&feature?));
    }

    heading("RecordRoute");
    let summary = client.record_route(way())?.into_inner();
    println!("Passed {} points, {} of them known", summary.point_count, summary.feature_count);
    println!("Went {} m in {} s", summary.distance, summary.elapsed_time);

    heading("RouteChat");
    for note in client.route_chat(notes())?.into_inner() {
        let note = note?;
        println!("{} was left at {}", note.message, place(note.location));
    }
    Ok(())
}
