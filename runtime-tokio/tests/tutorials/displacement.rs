use tokio_stream::iter;
use unwired::{Code, Server};
use unwired_examples::displacement::{Plane, measure};
use unwired_proto::my_package::displacement_service_client::DisplacementServiceClient;
use unwired_proto::my_package::displacement_service_server::DisplacementServiceServer;
use unwired_proto::my_package::{Displacement, Point};

use super::{in_time, serving, told};

const START: Point = Point { x: 1, y: 2 };
const END: Point = Point { x: 4, y: 6 };

async fn client() -> DisplacementServiceClient {
    let server = Server::builder().add_service(DisplacementServiceServer::new(Plane));
    DisplacementServiceClient::new(serving(server).await)
}

#[tokio::test]
async fn a_displacement_is_as_long_as_pythagoras_has_it() {
    in_time(async {
        let client = client().await;
        for (start, end, distance) in [
            (START, END, 5.0),
            (END, START, 5.0),
            (START, START, 0.0),
            (Point { x: i32::MIN, y: 0 }, Point { x: i32::MAX, y: 0 }, 4_294_967_295.0),
        ] {
            let displacement = Displacement { start: Some(start), end: Some(end) };
            let response = client.compute_displacement(displacement).await.unwrap().into_inner();
            assert_eq!(response.distance, distance);
        }
    })
    .await;
}

#[tokio::test]
async fn a_displacement_without_an_end_has_no_length() {
    in_time(async {
        let client = client().await;
        for (start, end, message) in [
            (None, Some(END), "the displacement has no start"),
            (Some(START), None, "the displacement has no end"),
            (None, None, "the displacement has no start"),
        ] {
            let status = client.compute_displacement(Displacement { start, end }).await.unwrap_err();
            assert_eq!(told(&status), (Code::InvalidArgument, message));
        }
    })
    .await;
}

#[tokio::test]
async fn a_path_is_as_long_as_its_parts() {
    in_time(async {
        let client = client().await;
        for (points, distance) in [
            (vec![], 0.0),
            (vec![START], 0.0),
            (vec![START, END, START], 10.0),
            ((0..10_000).map(|x| Point { x, y: 0 }).collect(), 9_999.0),
        ] {
            let sent = points.len() as u64;
            let response = client.measure_path(iter(points)).await.unwrap().into_inner();
            assert_eq!((response.points, response.distance), (sent, distance));
        }
    })
    .await;
}

#[tokio::test]
async fn the_program_s_calls_all_succeed() {
    in_time(async {
        let server = Server::builder().add_service(DisplacementServiceServer::new(Plane));
        measure(serving(server).await).await.unwrap();
    })
    .await;
}
