//! The route guide as a service.

use futures_util::{TryStreamExt, stream};
use unwired::transport::RuntimeHandle;
use unwired::{Instant, Request, Response, Status, Stream, Streaming};
use unwired_proto::routeguide::route_guide_server::RouteGuide;
use unwired_proto::routeguide::{self as wire, Rectangle, RouteNote, RouteSummary};

use super::{Area, Database, Feature, Notes, Point, Trip};

/// Knows a list of places, and remembers the notes that its callers leave.
#[derive(Debug)]
pub struct Guide {
    places: Database,
    notes: Notes,
}

impl Guide {
    /// A guide to these places, with no notes yet.
    pub fn new(places: Database) -> Self {
        Self { places, notes: Notes::default() }
    }
}

impl RouteGuide for Guide {
    async fn get_feature(&self, request: Request<wire::Point>) -> Result<Response<wire::Feature>, Status> {
        let location = Point::from(request.into_inner());
        let feature = match self.places.at(location) {
            Some(feature) => feature.into(),
            None => wire::Feature { name: String::new(), location: Some(location.into()) },
        };
        Ok(Response::new(feature))
    }

    async fn list_features(
        &self,
        request: Request<Rectangle>,
    ) -> Result<Response<impl Stream<Item = Result<wire::Feature, Status>> + Send>, Status> {
        let Rectangle { lo, hi } = request.into_inner();
        let area = Area::between(lo.unwrap_or_default().into(), hi.unwrap_or_default().into());
        let features = self.places.named_in(area).map(|feature| Ok(feature.into()));
        Ok(Response::new(stream::iter(features)))
    }

    async fn record_route(
        &self,
        request: Request<Streaming<wire::Point>>,
    ) -> Result<Response<RouteSummary>, Status> {
        let clock = request.runtime().cloned();
        let now = || clock.as_ref().map_or(Instant::ZERO, RuntimeHandle::now);
        let begun = now();
        let mut trip = Trip::default();
        let mut points = request.into_inner();
        while let Some(point) = points.message().await? {
            trip.pass(&self.places, point.into());
        }
        let summary = trip.summary(now() - begun);
        Ok(Response::new(RouteSummary {
            point_count: summary.points,
            feature_count: summary.features,
            distance: summary.metres,
            elapsed_time: summary.seconds,
        }))
    }

    async fn route_chat(
        &self,
        request: Request<Streaming<RouteNote>>,
    ) -> Result<Response<impl Stream<Item = Result<RouteNote, Status>> + Send>, Status> {
        let notes = request.into_inner();
        let earlier = notes.map_ok(|note| {
            let place = note.location.unwrap_or_default();
            let earlier = self.notes.leave(place.into(), &note.message);
            stream::iter(
                earlier
                    .into_iter()
                    .map(move |text| Ok(RouteNote { location: Some(place), message: text.to_string() })),
            )
        });
        Ok(Response::new(earlier.try_flatten()))
    }
}

impl From<wire::Point> for Point {
    fn from(point: wire::Point) -> Self {
        Self::new(point.latitude, point.longitude)
    }
}

impl From<Point> for wire::Point {
    fn from(point: Point) -> Self {
        Self { latitude: point.latitude, longitude: point.longitude }
    }
}

impl From<&Feature> for wire::Feature {
    fn from(feature: &Feature) -> Self {
        Self { name: feature.name.clone(), location: Some(feature.location.into()) }
    }
}
