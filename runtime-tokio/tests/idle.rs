//! What an open call without traffic holds at a server, in octets of memory, besides its handler's own future.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use unwired::codec::Prost;
use unwired::generated::{Cardinality, Handler, Incoming, Method, ServiceSettings};
use unwired::server::Service;
use unwired::{Request, Response, Server, Status, Stream, Streaming};
use unwired_proto::routeguide::RouteNote;

/// Counts for each thread: the server has one of its own.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: each call goes to the system's allocator as it came. Counting allocates nothing: the cell is a constant without a
// destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get() + layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.set(HELD.get() - layout.size() as isize);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

const CALLS: u32 = 100;
/// What each may hold besides its handler's own future, octets: 1,074 are counted.
const MOST: usize = 1_100;
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends back what it gets.
struct Hold(ServiceSettings);

static STARTED: AtomicUsize = AtomicUsize::new(0);
static OWN: AtomicUsize = AtomicUsize::new(0);

async fn hold(
    request: Request<Streaming<RouteNote>>,
) -> Result<Response<impl Stream<Item = Result<RouteNote, Status>> + Send>, Status> {
    Ok(Response::new(request.into_inner()))
}

impl Service for Hold {
    fn name(&self) -> &'static str {
        "test.Hold"
    }

    fn methods(&self) -> &'static [Method] {
        const METHODS: &[Method] = &[Method::new("Hold", Cardinality::Many, Cardinality::Many)];
        METHODS
    }

    fn settings(&self) -> &ServiceSettings {
        &self.0
    }

    fn call(&self, _: usize, call: Incoming) -> Handler {
        // As generated code does it.
        Box::pin(async move {
            let (request, reply) = call.many::<Prost, _>();
            let handler = hold(request);
            OWN.store(size_of_val(&handler), Ordering::Relaxed);
            STARTED.fetch_add(1, Ordering::Relaxed);
            reply.many::<Prost, _, _>(handler.await).await;
        })
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

/// Opens `CALLS` calls with one message each, and keeps them open.
fn load(server: SocketAddr, go: &mpsc::Receiver<()>) {
    const HEADERS: u8 = 1;
    let mut socket = TcpStream::connect(server).unwrap();
    let mut discarding = socket.try_clone().unwrap();
    thread::spawn(move || while discarding.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {});
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    socket.write_all(&frame(4, 0, 0, &[])).unwrap();
    // The server's SETTINGS have come by then.
    go.recv().unwrap();
    socket.write_all(&frame(4, 1, 0, &[])).unwrap();
    // `:method: POST`, `:scheme: http`, and literals whose names are in the static table, or not (RFC 7541, appendix A).
    let block = [
        vec![0x83, 0x86, 0x04],
        text("/test.Hold/Hold"),
        vec![0x01],
        text("localhost"),
        vec![0x0f, 0x10],
        text("application/grpc"),
        vec![0x0f, 0x2b],
        text("test/1.0"),
        vec![0x00],
        text("te"),
        text("trailers"),
    ]
    .concat();
    // An empty message.
    let message = [0; 5];
    let calls = (0..CALLS).map(|n| 2 * n + 1);
    let frames = calls.flat_map(|id| [frame(HEADERS, 4, id, &block), frame(0, 0, id, &message)].concat());
    socket.write_all(&frames.collect::<Vec<u8>>()).unwrap();
    // Until the test has seen enough.
    let _ = go.recv();
}

#[tokio::test]
async fn an_idle_call_holds_little_besides_its_handler() {
    let bound = unwired_tokio::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = bound.local_addr().unwrap();
    let (start, go) = mpsc::channel();
    tokio::spawn(async move {
        bound.serve(Server::builder().add_service(Hold(ServiceSettings::default()))).await
    });
    let client = thread::spawn(move || load(address, &go));
    // The connection is made, and has settled.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = HELD.get();
    start.send(()).unwrap();

    let begun = Instant::now();
    let each = loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let all_started = STARTED.load(Ordering::Relaxed) == CALLS as usize;
        let held = usize::try_from(HELD.get() - before).unwrap_or(0) / CALLS as usize;
        let each = held - OWN.load(Ordering::Relaxed).min(held);
        // What the burst needed goes back when the connection has been quiet for a while.
        if all_started && (each <= MOST || begun.elapsed() > PATIENCE) {
            break each;
        }
        assert!(begun.elapsed() <= 2 * PATIENCE, "the calls were not served");
    };
    assert!(each > 0 && each <= MOST, "{each} octets for each call besides the handler's own future");
    drop(start);
    client.join().unwrap();
}
