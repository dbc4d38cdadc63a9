use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;

/// Counts how often it wakes, and drops what it holds when it does: as an executor that is closed drops its tasks.
#[derive(Default)]
struct Alarm {
    woken: AtomicUsize,
    holds: Mutex<Option<MemoryStream>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.fetch_add(1, Ordering::Relaxed);
        let held = lock(&self.holds).take();
        drop(held);
    }
}

impl Alarm {
    fn count(&self) -> usize {
        self.woken.load(Ordering::Relaxed)
    }
}

/// Waits for something to read, or for room to write when `is_full`.
fn wait(stream: &mut MemoryStream, alarm: &Arc<Alarm>, is_full: bool) {
    let waker = Waker::from(Arc::clone(alarm));
    let mut cx = Context::from_waker(&waker);
    let poll = if is_full {
        stream.poll_write_vectored(&mut cx, &[IoSlice::new(b"x")])
    } else {
        stream.poll_read(&mut cx, &mut [0])
    };
    assert!(poll.is_pending());
}

fn read(stream: &mut MemoryStream, n: usize) -> Poll<Vec<u8>> {
    let mut buffer = vec![0; n];
    stream.poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer).map(|read| {
        buffer.truncate(read.unwrap());
        buffer
    })
}

fn write(stream: &mut MemoryStream, bytes: &[u8]) -> Poll<io::Result<usize>> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let slices = [IoSlice::new(first), IoSlice::new(second)];
    stream.poll_write_vectored(&mut Context::from_waker(Waker::noop()), &slices)
}

#[test]
fn a_writer_waits_while_the_pipe_is_full_and_a_reader_while_it_is_empty() {
    let (mut a, mut b) = pipe(4);
    assert!(read(&mut b, 9).is_pending());
    assert!(matches!(write(&mut a, b"abcdef"), Poll::Ready(Ok(4))));
    assert!(write(&mut a, b"ef").is_pending());
    assert_eq!(read(&mut b, 3), Poll::Ready(b"abc".to_vec()));
    assert!(matches!(write(&mut a, b"ef"), Poll::Ready(Ok(2))));
    assert_eq!(read(&mut b, 9), Poll::Ready(b"def".to_vec()));
}

#[test]
fn an_end_is_read_behind_the_bytes_and_a_dropped_reader_breaks_the_pipe() {
    let (mut a, mut b) = pipe(4);
    assert!(matches!(write(&mut a, b"ab"), Poll::Ready(Ok(2))));
    drop(a);
    assert_eq!(read(&mut b, 9), Poll::Ready(b"ab".to_vec()));
    assert_eq!(read(&mut b, 9), Poll::Ready(Vec::new()));
    assert!(
        matches!(write(&mut b, b"x"), Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe)
    );
}

#[test]
fn connections_are_accepted_in_order_and_refused_without_a_listener() {
    let (connector, mut listener) = endpoint();
    let mut client = connector.connect().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(mut server)) = listener.poll_accept(&mut cx) else { panic!("no connection") };
    assert!(matches!(write(&mut client, b"hi"), Poll::Ready(Ok(2))));
    assert_eq!(read(&mut server, 9), Poll::Ready(b"hi".to_vec()));
    assert!(listener.poll_accept(&mut cx).is_pending());
    drop(listener);
    assert_eq!(connector.connect().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn who_waits_is_woken_by_bytes_by_room_and_by_the_end() {
    let alarm = Arc::new(Alarm::default());
    let (mut a, mut b) = pipe(1);
    wait(&mut b, &alarm, false);
    assert!(matches!(write(&mut a, b"x"), Poll::Ready(Ok(1))));
    assert_eq!(alarm.count(), 1);
    wait(&mut a, &alarm, true);
    assert_eq!(read(&mut b, 9), Poll::Ready(b"x".to_vec()));
    assert_eq!(alarm.count(), 2);
    wait(&mut b, &alarm, false);
    assert!(a.poll_shutdown(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(alarm.count(), 3);
    assert!(matches!(write(&mut b, b"x"), Poll::Ready(Ok(1))));
    wait(&mut b, &alarm, true);
    drop(a);
    assert_eq!(alarm.count(), 4);

    let (connector, mut listener) = endpoint();
    let waker = Waker::from(Arc::clone(&alarm));
    assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
    connector.connect().unwrap();
    assert_eq!(alarm.count(), 5);
}

#[test]
fn a_direction_that_is_shut_down_leaves_the_other_open() {
    let (mut a, mut b) = pipe(4);
    assert!(a.poll_shutdown(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(read(&mut b, 9), Poll::Ready(Vec::new()));
    assert!(matches!(write(&mut b, b"hi"), Poll::Ready(Ok(2))));
    assert_eq!(read(&mut a, 9), Poll::Ready(b"hi".to_vec()));
}

#[test]
fn a_waker_may_drop_the_other_end() {
    for is_full in [false, true] {
        let alarm = Arc::new(Alarm::default());
        let (mut a, mut b) = pipe(1);
        if is_full {
            assert!(matches!(write(&mut b, b"y"), Poll::Ready(Ok(1))));
        }
        wait(&mut b, &alarm, is_full);
        *lock(&alarm.holds) = Some(b);
        if is_full {
            assert_eq!(read(&mut a, 1), Poll::Ready(b"y".to_vec()));
        } else {
            assert!(matches!(write(&mut a, b"x"), Poll::Ready(Ok(1))));
        }
        assert_eq!(alarm.count(), 1);
        assert!(
            matches!(write(&mut a, b"x"), Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe)
        );
    }
}

#[test]
fn who_is_gone_is_neither_woken_nor_kept() {
    let alarm = Arc::new(Alarm::default());
    let (mut a, mut b) = pipe(1);
    wait(&mut b, &alarm, false);
    drop(b);
    assert_eq!(Arc::strong_count(&alarm), 1);
    assert!(matches!(write(&mut a, b"x"), Poll::Ready(Err(_))));

    let (_connector, mut listener) = endpoint();
    let waker = Waker::from(Arc::clone(&alarm));
    assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
    drop((listener, waker));
    assert_eq!(Arc::strong_count(&alarm), 1);
    assert_eq!(alarm.count(), 0);
}
