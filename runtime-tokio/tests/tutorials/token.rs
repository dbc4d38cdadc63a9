use std::sync::{Arc, Mutex};

use unwired::{Code, Server};
use unwired_examples::token::{Log, guarded, knock};

use super::{in_time, serving, told};

#[tokio::test]
async fn a_token_opens_the_door_and_each_call_is_written_down() {
    in_time(async {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&lines);
        let log = Log::to(move |line| written.lock().unwrap().push(line));
        let channel = serving(guarded(Server::builder(), log)).await;
        let (refused, greeting) = knock(channel, "Legolas").await.unwrap();
        assert_eq!(told(&refused), (Code::Unauthenticated, "there is no such token"));
        assert_eq!(greeting, "Hello, Legolas! Gandalf may enter.");
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for (line, outcome) in lines.iter().zip(["Unauthenticated", "Ok"]) {
            assert!(line.starts_with(&format!("/helloworld.Greeter/SayHello: {outcome} after ")), "{line}");
        }
    })
    .await;
}
