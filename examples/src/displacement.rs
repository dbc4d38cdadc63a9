//! Distances in a plane: the service of a tutorial.
//!
//! Its methods begin with small letters: they are called so on the wire (`/my_package.DisplacementService/computeDisplacement`),
//! and `compute_displacement` in Rust.

use futures_util::stream;
use unwired::{Channel, Request, Response, Status, Streaming};
use unwired_proto::my_package::displacement_service_client::DisplacementServiceClient;
use unwired_proto::my_package::displacement_service_server::DisplacementService;
use unwired_proto::my_package::{Displacement, DisplacementResponse, PathResponse, Point};

/// Measures in a plane, where the distance of two points is that of Pythagoras.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plane;

impl DisplacementService for Plane {
    async fn compute_displacement(
        &self,
        request: Request<Displacement>,
    ) -> Result<Response<DisplacementResponse>, Status> {
        let Displacement { start, end } = request.into_inner();
        let start = start.ok_or_else(|| Status::invalid_argument("the displacement has no start"))?;
        let end = end.ok_or_else(|| Status::invalid_argument("the displacement has no end"))?;
        Ok(Response::new(DisplacementResponse { distance: distance(start, end) as f32 }))
    }

    async fn measure_path(
        &self,
        request: Request<Streaming<Point>>,
    ) -> Result<Response<PathResponse>, Status> {
        let mut points = request.into_inner();
        let mut path = PathResponse::default();
        let mut last = None;
        while let Some(point) = points.message().await? {
            path.points += 1;
            if let Some(last) = last.replace(point) {
                path.distance += distance(last, point);
            }
        }
        Ok(Response::new(path))
    }
}

/// In floats, where no two points are too far from each other.
fn distance(start: Point, end: Point) -> f64 {
    let right = f64::from(end.x) - f64::from(start.x);
    let up = f64::from(end.y) - f64::from(start.y);
    right.hypot(up)
}

/// Has a displacement and a path measured, and prints what they measure.
///
/// # Errors
/// The status of the first call that failed.
pub async fn measure(channel: Channel) -> Result<(), Status> {
    let client = DisplacementServiceClient::new(channel);
    let (start, end) = (Point { x: 1, y: 2 }, Point { x: 4, y: 6 });
    let displacement = Displacement { start: Some(start), end: Some(end) };
    let response = client.compute_displacement(displacement).await?.into_inner();
    println!("From (1, 2) to (4, 6) it is {}", response.distance);
    let square = [(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)].map(|(x, y)| Point { x, y });
    let response = client.measure_path(stream::iter(square)).await?.into_inner();
    println!("Around the square of {} points it is {}", response.points, response.distance);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let at = |x, y| Point { x, y };
        assert_eq!(distance(at(1, 2), at(4, 6)), 5.0);
        assert_eq!(distance(at(4, 6), at(1, 2)), 5.0);
        assert_eq!(distance(at(-7, 7), at(-7, 7)), 0.0);
    }

    #[test]
    fn the_farthest_points_are_not_too_far() {
        let corner = |at| Point { x: at, y: at };
        let side = 2f64.powi(32) - 1.0;
        assert_eq!(distance(corner(i32::MIN), corner(i32::MAX)), side.hypot(side));
    }
}
