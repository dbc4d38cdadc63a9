use std::thread;

use crate::service::{Serving, request};

#[test]
fn sixty_four_threads_on_one_channel_get_their_own_answers() {
    let server = Serving::new();
    let client = server.client();
    thread::scope(|threads| {
        for thread in 0..64 {
            let client = &client;
            threads.spawn(move || {
                for call in 0..50 {
                    let name = format!("{thread}.{call}");
                    let reply = client.say_hello(request(&name)).unwrap();
                    assert_eq!(reply.get_ref().reply, format!("Hello, {name}"));
                }
            });
        }
    });
}

#[test]
fn streams_and_calls_share_a_channel() {
    let server = Serving::new();
    let client = server.client();
    thread::scope(|threads| {
        for thread in 0..8 {
            let client = &client;
            threads.spawn(move || {
                let names = move || (0..200).map(move |n| format!("{thread}.{n}"));
                let replies = client.bidi_hello(names().map(request)).unwrap().into_inner();
                let replies = replies.map(|reply| reply.unwrap().reply);
                assert!(replies.eq(names().map(|name| format!("Hello, {name}"))));
            });
            threads.spawn(move || {
                for call in 0..100 {
                    let name = format!("{thread}.{call}");
                    assert_eq!(
                        client.say_hello(request(&name)).unwrap().get_ref().reply,
                        format!("Hello, {name}")
                    );
                }
            });
        }
    });
}
