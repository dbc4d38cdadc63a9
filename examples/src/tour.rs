//! The tour: every method of the greeter and of the route guide called once, with what goes each way shown as it goes.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::join;
use futures_util::stream;
use unwired::server::{Bound, Builder};
use unwired::{Channel, Server, Status};
use unwired_proto::helloworld::HelloRequest;
use unwired_proto::helloworld::greeter_client::GreeterClient;
use unwired_proto::helloworld::greeter_server::GreeterServer;
use unwired_proto::routeguide::route_guide_client::RouteGuideClient;
use unwired_proto::routeguide::route_guide_server::RouteGuideServer;
use unwired_proto::routeguide::{Feature, Point, RouteNote};

use crate::greeter::PoliteGreeter;
use crate::route_guide::{AROUND_NEW_YORK, Area, BERKSHIRE, Database, Guide, Trip, place};

/// A method that was called, and whether it answered as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// `Service.Method`.
    pub method: &'static str,
    /// Why the answer was not the expected one.
    pub result: Result<(), String>,
}

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// The services that a tour calls, fresh.
pub fn server() -> Builder {
    Server::builder()
        .add_service(GreeterServer::new(PoliteGreeter))
        .add_service(RouteGuideServer::new(Guide::new(Database::embedded())))
}

/// Serves at `bound` and calls all six methods there, by a channel that `connect` makes to the URL that it is given; then the
/// server ends.
///
/// # Errors
/// When the server cannot be reached at all.
pub async fn visit_all<F>(
    bound: Bound,
    connect: impl FnOnce(String) -> F,
) -> Result<Vec<Visit>, Box<dyn Error>>
where
    F: Future<Output = Result<Channel, Status>>,
{
    let address = bound.local_addr()?;
    println!(
        "The greeter and the route guide listen on {address}; one client calls them, all on one connection."
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = bound.serve_with_shutdown(server(), async { _ = stopped.await });
    let touring = async {
        let visits = match connect(format!("http://{address}")).await {
            Ok(channel) => Ok(tour(channel).await),
            Err(status) => Err(status),
        };
        drop(stop);
        visits
    };
    let (served, visits) = join(serving, touring).await;
    served?;
    Ok(visits?)
}

/// Calls all six methods of the services behind `channel`, which have to be fresh: what is remembered of an earlier tour is not
/// expected.
pub async fn tour(channel: Channel) -> Vec<Visit> {
    let greeter = GreeterClient::new(channel.clone());
    let guide = RouteGuideClient::new(channel);
    vec![
        visit("Greeter.SayHello", "one request, one answer", say_hello(&greeter)).await,
        visit("Greeter.SayHelloAgain", "the same again", say_hello_again(&greeter)).await,
        visit("RouteGuide.GetFeature", "what is at a point?", get_feature(&guide)).await,
        visit("RouteGuide.ListFeatures", "one request, a stream of answers", list_features(&guide)).await,
        visit("RouteGuide.RecordRoute", "a stream of requests, one answer", record_route(&guide)).await,
        visit("RouteGuide.RouteChat", "a stream each way", route_chat(&guide)).await,
    ]
}

async fn visit(method: &'static str, about: &str, call: impl Future<Output = Outcome>) -> Visit {
    println!("\n{method}: {about}");
    let result = call.await.map_err(|error| error.to_string());
    match &result {
        Ok(()) => println!("    as expected"),
        Err(why) => println!("    NOT AS EXPECTED: {why}"),
    }
    Visit { method, result }
}

fn sent(what: impl Display) {
    println!("    --> {what}");
}

fn received(what: impl Display) {
    println!("    <-- {what}");
}

fn expect<T: PartialEq + Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}").into()) }
}

async fn say_hello(client: &GreeterClient) -> Outcome {
    sent("traveller");
    let reply = client.say_hello(HelloRequest { name: "traveller".into() }).await?.into_inner();
    received(&reply.message);
    expect(reply.message.as_str(), "Hello, traveller!")
}

async fn say_hello_again(client: &GreeterClient) -> Outcome {
    sent("traveller");
    let reply = client.say_hello_again(HelloRequest { name: "traveller".into() }).await?.into_inner();
    received(&reply.message);
    expect(reply.message.as_str(), "Hello again, traveller!")
}

async fn get_feature(client: &RouteGuideClient) -> Outcome {
    for (point, name) in [
        (BERKSHIRE, "Berkshire Valley Management Area Trail, Jefferson, NJ, USA"),
        (Point { latitude: 1, longitude: 2 }, ""),
    ] {
        sent(place(Some(point)));
        let feature = client.get_feature(point).await?.into_inner();
        received(if feature.name.is_empty() { "(nothing)" } else { &feature.name });
        expect(feature, Feature { name: name.into(), location: Some(point) })?;
    }
    Ok(())
}

async fn list_features(client: &RouteGuideClient) -> Outcome {
    const SHOWN: usize = 3;
    let (one, other) = (place(AROUND_NEW_YORK.lo), place(AROUND_NEW_YORK.hi));
    sent(format_args!("{one} .. {other}"));
    let mut features = client.list_features(AROUND_NEW_YORK).await?.into_inner();
    let mut listed = Vec::new();
    while let Some(feature) = features.message().await? {
        if listed.len() < SHOWN {
            received(&feature.name);
        }
        listed.push(feature);
    }
    received(format_args!("... and {} more", listed.len().saturating_sub(SHOWN)));
    let places = Database::embedded();
    expect(listed, places.named_in(Area::between(one, other)).map(Feature::from).collect())
}

async fn record_route(client: &RouteGuideClient) -> Outcome {
    let places = Database::embedded();
    let way: Vec<_> = places.features().iter().take(10).map(|feature| feature.location).collect();
    let mut trip = Trip::default();
    for &point in &way {
        trip.pass(&places, point);
    }
    sent(format_args!("{} points, one by one", way.len()));
    let points = way.into_iter().map(Point::from);
    let summary = client.record_route(stream::iter(points)).await?.into_inner();
    received(format_args!(
        "{} points, {} places, {} m, {} s",
        summary.point_count, summary.feature_count, summary.distance, summary.elapsed_time
    ));
    let expected = trip.summary(Duration::ZERO);
    expect(
        (summary.point_count, summary.feature_count, summary.distance),
        (expected.points, expected.features, expected.metres),
    )
}

async fn route_chat(client: &RouteGuideClient) -> Outcome {
    let notes = [(1, "The view is fine"), (2, "Mind the dog"), (1, "It rains"), (1, "It still does")];
    let notes = notes.map(|(latitude, text)| RouteNote {
        location: Some(Point { latitude, longitude: 0 }),
        message: text.into(),
    });
    for note in &notes {
        sent(format_args!("\"{}\" at {}", note.message, place(note.location)));
    }
    let mut earlier = client.route_chat(stream::iter(notes)).await?.into_inner();
    let mut heard = Vec::new();
    while let Some(note) = earlier.message().await? {
        received(format_args!("\"{}\" at {}", note.message, place(note.location)));
        heard.push(note.message);
    }
    expect(heard, vec!["The view is fine".into(), "The view is fine".into(), "It rains".into()])
}
