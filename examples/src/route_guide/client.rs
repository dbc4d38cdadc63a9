//! A traveller who asks the guide everything it can be asked.

use futures_util::stream;
use unwired::{Channel, Status};
use unwired_proto::routeguide::route_guide_client::RouteGuideClient;
use unwired_proto::routeguide::{Feature, Point, Rectangle, RouteNote};

use super::Database;

/// A place that every route guide knows.
pub const BERKSHIRE: Point = Point { latitude: 409_146_138, longitude: -746_188_906 };

/// Two corners with many places between them.
pub const AROUND_NEW_YORK: Rectangle = Rectangle {
    lo: Some(Point { latitude: 400_000_000, longitude: -750_000_000 }),
    hi: Some(Point { latitude: 420_000_000, longitude: -730_000_000 }),
};

/// Calls all four methods and prints what they answer.
///
/// # Errors
/// The status of the first call that failed.
pub async fn travel(channel: Channel) -> Result<(), Status> {
    let client = RouteGuideClient::new(channel);

    heading("GetFeature");
    for point in [BERKSHIRE, Point { latitude: 0, longitude: 0 }] {
        let feature = client.get_feature(point).await?.into_inner();
        println!("{}", describe(&feature));
    }

    heading("ListFeatures");
    let mut features = client.list_features(AROUND_NEW_YORK).await?.into_inner();
    while let Some(feature) = features.message().await? {
        println!("{}", describe(&feature));
    }

    heading("RecordRoute");
    let summary = client.record_route(stream::iter(way())).await?.into_inner();
    println!("Passed {} points, {} of them known", summary.point_count, summary.feature_count);
    println!("Went {} m in {} s", summary.distance, summary.elapsed_time);

    heading("RouteChat");
    let mut earlier = client.route_chat(stream::iter(notes())).await?.into_inner();
    while let Some(note) = earlier.message().await? {
        println!("{} was left at {}", note.message, place(note.location));
    }
    Ok(())
}

/// Prints which method is called next.
pub fn heading(method: &str) {
    println!("-------------- {method} --------------");
}

/// Ten places, as far from each other as the list of places has them.
pub fn way() -> Vec<Point> {
    let places = Database::embedded();
    places.features().iter().take(10).map(|feature| feature.location.into()).collect()
}

/// Four notes at three places: at the last one, a note is there already.
pub fn notes() -> Vec<RouteNote> {
    [(0, 1, "First note"), (0, 2, "Second note"), (0, 3, "Third note"), (0, 1, "Fourth note")]
        .map(|(latitude, longitude, message)| RouteNote {
            location: Some(Point { latitude, longitude }),
            message: message.to_owned(),
        })
        .to_vec()
}

/// A place in words.
pub fn describe(feature: &Feature) -> String {
    let at = place(feature.location);
    if feature.name.is_empty() { format!("Nothing at {at}") } else { format!("{} at {at}", feature.name) }
}

/// Where a message says it is; without a word, it is where the equator meets the meridian of Greenwich.
pub fn place(location: Option<Point>) -> super::Point {
    location.unwrap_or_default().into()
}
