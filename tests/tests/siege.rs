//! Every known attack over real sockets against our own server, for a moment each: what is to be ended is ended by its name, and
//! the neighbour is served all through.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::thread;

use tokio::sync::oneshot;
use unwired::Server;
use unwired_examples::greeter::PoliteGreeter;
use unwired_proto::helloworld::greeter_server::GreeterServer;

/// What has to stand among what the server did, by attack. An attack that is not here ends as it may.
const ENDS: &[(&str, &[&str])] = &[
    ("R1", &["GOAWAY ENHANCE_YOUR_CALM `rapid_reset`"]),
    ("R2", &["GOAWAY ENHANCE_YOUR_CALM `made_you_reset`"]),
    ("R3", &["RST REFUSED_STREAM", "GOAWAY ENHANCE_YOUR_CALM `stream_excess`"]),
    ("R5", &["GOAWAY FRAME_SIZE_ERROR `PING is not 8 octets long`"]),
    ("F1", &["GOAWAY ENHANCE_YOUR_CALM `too_many_pings`"]),
    ("F2", &["GOAWAY ENHANCE_YOUR_CALM `settings_flood`"]),
    // A fault costs a token of two buckets: which is empty first is a question of the pace.
    ("F3", &["RST PROTOCOL_ERROR", CALM]),
    ("F4", &["GOAWAY ENHANCE_YOUR_CALM `empty_frames`", "GOAWAY ENHANCE_YOUR_CALM `continuation_flood`"]),
    ("F6", &["GOAWAY ENHANCE_YOUR_CALM `window_update_flood`"]),
    ("F9", &["GOAWAY ENHANCE_YOUR_CALM `ignored_frames`"]),
    ("F10", &["GOAWAY ENHANCE_YOUR_CALM `window_update_flood`"]),
    ("F11", &["GOAWAY ENHANCE_YOUR_CALM `ignored_frames`", "GOAWAY ENHANCE_YOUR_CALM `goaway_flood`"]),
    (
        "F13",
        &[
            "GOAWAY PROTOCOL_ERROR `slow_frames: the peer did not send its SETTINGS in time`",
            "GOAWAY ENHANCE_YOUR_CALM `continuation_flood`",
        ],
    ),
    ("F15", &["GOAWAY PROTOCOL_ERROR"]),
    ("H1", &["GOAWAY ENHANCE_YOUR_CALM `continuation_flood`"]),
    ("H2", &["GOAWAY ENHANCE_YOUR_CALM `hpack_bomb`"]),
    ("H3", &["GOAWAY ENHANCE_YOUR_CALM `hpack_bomb`"]),
    ("H4", &["GOAWAY COMPRESSION_ERROR"]),
    ("H5", &["GOAWAY COMPRESSION_ERROR"]),
    ("H6", &["RST PROTOCOL_ERROR", "served"]),
    ("S3", &["RST PROTOCOL_ERROR"]),
    ("S4", &["RST PROTOCOL_ERROR"]),
    ("S5", &["RST PROTOCOL_ERROR"]),
    ("S6", &["RST PROTOCOL_ERROR"]),
    ("S8", &["`HTTP/1.1 505 HTTP Version Not Supported`, close"]),
    ("G1", &["status 8"]),
    ("G2", &["status 8"]),
    ("G5", &["status 13", "status 12"]),
    ("G6", &["status 13"]),
    ("G9", &["GOAWAY ENHANCE_YOUR_CALM `too_many_pings`"]),
    ("G12", &["GOAWAY ENHANCE_YOUR_CALM `rapid_reset`"]),
];

/// How long an attack is played again that a busy machine gave no time to end.
const LONGER: &str = "30";

#[test]
fn resets() {
    besiege("R1,R2,R3,R4,R5", "0.5");
}

#[test]
fn floods() {
    besiege("F1,F2,F3,F4,F5,F6,F7,F8,F9,F10,F11,F15", "0.5");
}

/// The preface has ten seconds by default, a field block five.
#[test]
fn slowness() {
    besiege("F13", "12");
}

#[test]
fn headers() {
    besiege("H1,H2,H3,H4,H5,H6,H8", "0.5");
}

#[test]
fn smuggling() {
    besiege("S1,S2,S3,S4,S5,S6,S8,S9", "0.5");
}

#[test]
fn messages() {
    besiege("G1,G2,G3,G4,G5,G6,G9,G12", "0.5");
}

#[test]
fn every_attack_is_played_or_is_not_for_a_reason() {
    let list = Command::new(env!("CARGO_BIN_EXE_siege")).arg("--list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let ids: Vec<&str> = list.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    let table = include_str!("../../core/tests/attacks/README.md");
    let mut known: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" |").map(|(id, _)| id))
        .filter(|id| id.starts_with(|c: char| c.is_ascii_uppercase()))
        .collect();
    assert!(!known.is_empty());
    known.retain(|id| !ids.contains(id));
    assert!(known.is_empty(), "neither played nor told why not: {known:?}");
}

#[test]
fn nobody_but_this_machine_is_attacked() {
    for address in ["192.0.2.1:50051", "0.0.0.0:50051"] {
        let refused = Command::new(env!("CARGO_BIN_EXE_siege")).args(["--addr", address]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        let why = String::from_utf8(refused.stderr).unwrap();
        assert!(why.contains("is not on the loopback"), "{why}");
    }
}

/// Plays these attacks for so many seconds each.
fn besiege(attacks: &str, seconds: &str) {
    let panics = count_panics();
    let server = Serving::start();
    let mut rows = play(server.address, attacks, seconds);
    for id in attacks.split(',') {
        let ends = ends(id);
        if !has_all(&rows[id], ends) {
            rows.extend(play(server.address, id, LONGER));
        }
        let row = &rows[id];
        assert!(has_all(row, ends), "{ends:?} is not all there: {row}");
    }
    let errors = server.stop();
    assert_eq!(panics.load(Ordering::Relaxed), 0, "the server panicked");
    // What the attacker was told, the application was told as well.
    let calmed =
        attacks.split(',').flat_map(ends).filter_map(|end| end.strip_prefix(CALM)?.strip_suffix('`'));
    for name in calmed {
        let line = format!("{name} (ENHANCE_YOUR_CALM)");
        assert!(errors.iter().any(|error| error.contains(&line)), "{line} is not among {errors:?}");
    }
}

/// How a connection ends that asks too much, but for the name of what it did.
const CALM: &str = "GOAWAY ENHANCE_YOUR_CALM `";

/// What has to stand in the row of an attack.
fn ends(id: &str) -> &'static [&'static str] {
    ENDS.iter().find(|(known, _)| *known == id).map_or(&[], |(_, ends)| ends)
}

fn has_all(row: &str, ends: &[&str]) -> bool {
    ends.iter().all(|end| row.contains(end))
}

/// The rows of the table, by attack.
fn play(address: SocketAddr, attacks: &str, seconds: &str) -> BTreeMap<String, String> {
    let played = Command::new(env!("CARGO_BIN_EXE_siege"))
        .args(["--addr", &address.to_string(), "--attack", attacks, "--seconds", seconds])
        .args(["--rate", "100", "--strict"])
        .output()
        .unwrap();
    let table = String::from_utf8(played.stdout).unwrap();
    assert!(played.status.success(), "{table}{}", String::from_utf8_lossy(&played.stderr));
    let row = |line: &str| Some((line.strip_prefix("| ")?.split_once(" |")?.0.to_owned(), line.to_owned()));
    table.lines().filter_map(row).collect()
}

/// Our greeter on a thread of its own.
struct Serving {
    address: SocketAddr,
    errors: Arc<Mutex<Vec<String>>>,
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Serving {
    fn start() -> Self {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&errors);
        let server = Server::builder()
            .add_service(GreeterServer::new(PoliteGreeter))
            .on_connection_error(move |error| told.lock().unwrap().push(error.to_string()));
        let (stop, stopped) = oneshot::channel();
        let (tell, listening) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name(WORKER)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let bound = unwired_tokio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
                tell.send(bound.local_addr().unwrap()).unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                bound.serve_with_shutdown(server, stopped).await.unwrap();
            });
        });
        Self { address: listening.recv().unwrap(), errors, stop, thread }
    }

    /// What the application was told of connections that were ended.
    fn stop(self) -> Vec<String> {
        let _ = self.stop.send(());
        self.thread.join().unwrap();
        std::mem::take(&mut *self.errors.lock().unwrap())
    }
}

/// The threads that the server runs on.
const WORKER: &str = "served";

/// Panics on them.
fn count_panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    static COUNT: Once = Once::new();
    COUNT.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if thread::current().name() == Some(WORKER) {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            report(panic);
        }));
    });
    &PANICS
}
