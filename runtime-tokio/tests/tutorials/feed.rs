use std::io::Cursor;
use std::sync::Arc;

use tokio::runtime::Handle;
use unwired::{Channel, Code, Server, Status};
use unwired_examples::feed::{Desk, Intake, Ledger, Limits, Patience, Tally, feed};
use unwired_proto::feed::feature_feed_client::FeatureFeedClient;
use unwired_proto::feed::feature_feed_server::FeatureFeedServer;
use unwired_proto::feed::{Delivery, Receipt};
use unwired_proto::routeguide::{Feature, Point};

use super::{in_time, serving, told};

async fn desk(ledger: &Arc<Ledger>) -> Channel {
    serving(Server::builder().add_service(FeatureFeedServer::new(Desk::new(Arc::clone(ledger))))).await
}

fn delivery(id: &str, location: Option<Point>, name: &str) -> Delivery {
    Delivery { id: id.to_owned(), feature: Some(Feature { name: name.to_owned(), location }) }
}

/// Feeds a text over a channel, from a thread of its own.
async fn fed(channel: Channel, text: String) -> (Tally, Vec<String>) {
    let runtime = Handle::current();
    let feeding = move || {
        let client = FeatureFeedClient::new(channel);
        let send = |request| -> Result<Receipt, Status> {
            Ok(runtime.block_on(client.deliver(request))?.into_inner())
        };
        let mut said = Vec::new();
        let intake = Intake::read(Cursor::new(text), None);
        let tally = feed(&intake, Patience::default(), send, |line| said.push(line.to_owned()));
        (tally, said)
    };
    tokio::task::spawn_blocking(feeding).await.unwrap()
}

#[tokio::test]
async fn a_delivery_counts_once() {
    in_time(async {
        let ledger = Arc::new(Ledger::default());
        let client = FeatureFeedClient::new(desk(&ledger).await);
        let here = Some(Point { latitude: 1, longitude: 2 });
        for (id, received, repeated) in [("a", 1, false), ("b", 2, false), ("a", 2, true)] {
            let receipt = client.deliver(delivery(id, here, "here")).await.unwrap().into_inner();
            assert_eq!(receipt, Receipt { received, repeated });
        }
        assert_eq!(ledger.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_feature_is_refused_in_words() {
    in_time(async {
        let ledger = Arc::new(Ledger::new(Limits { name: 3, ..Limits::default() }));
        let client = FeatureFeedClient::new(desk(&ledger).await);
        let here = Some(Point { latitude: 1, longitude: 2 });
        let far = Some(Point { latitude: 900_000_001, longitude: 0 });
        for (refused, why) in [
            (Delivery { id: "a".to_owned(), feature: None }, "the delivery has no feature"),
            (delivery("a", None, ""), "the feature has no location"),
            (delivery("a", far, ""), "90.0000001, 0 is not on the globe"),
            (delivery("a", here, "four"), "a name of 4 bytes is too long"),
            (delivery("", here, ""), "the delivery has no id"),
            (delivery(&"x".repeat(65), here, ""), "an id of 65 bytes is too long"),
        ] {
            let status = client.deliver(refused).await.unwrap_err();
            assert_eq!(told(&status), (Code::InvalidArgument, why));
        }
        assert_eq!(ledger.count(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_text_goes_through_line_by_line() {
    in_time(async {
        let ledger = Arc::new(Ledger::new(Limits { name: 7, ..Limits::default() }));
        let mut text: String = (0..200)
            .map(|n| {
                format!("{{\"location\": {{\"latitude\": {n}, \"longitude\": 0}}, \"name\": \"{n}\"}}\n")
            })
            .collect();
        text.push_str("{\"location\": {\"latitude\": 0, \"longitude\": 0}, \"name\": \"too long\"}\n[\n");
        let (tally, said) = fed(desk(&ledger).await, text).await;
        assert_eq!((tally.received, tally.refused, tally.broken), (200, 1, 1));
        assert_eq!(ledger.count(), 200);
        assert_eq!(said[199], "line 200: received, 200 in all: 199");
        assert!(said[200].ends_with("a name of 8 bytes is too long"), "{}", said[200]);
        assert!(said[201].starts_with("line 202: broken: "), "{}", said[201]);
        assert_eq!(tally.verdict(), Err("2 lines did not go through".to_owned()));
    })
    .await;
}
