//! The examples of the topics run to their ends.

#[allow(dead_code, reason = "it has a main")]
#[path = "../examples/topics/main.rs"]
mod topics;

/// Longer than anything takes here.
const LONG: std::time::Duration = std::time::Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_topic_runs_to_its_end() {
    for (topic, run) in topics::TOPICS {
        match tokio::time::timeout(LONG, run()).await {
            Ok(outcome) => outcome.unwrap_or_else(|error| panic!("{topic}: {error}")),
            Err(_) => panic!("{topic} has no end"),
        }
    }
}
