use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use polling::{Event, PollMode, Poller};
use socket2::Socket;
use unwired_sockets::watched::{self as sockets, Direction};

use super::Reactor;
use super::sync::lock;

/// A socket that the reactor watches. It does not block.
#[derive(Debug)]
pub struct Source {
    watched: Arc<Watched>,
    reactor: Arc<Reactor>,
    key: usize,
}

/// A socket, and what the reactor knows of it.
///
/// The system tells of a state and not of a change: what is forgotten here, it tells again. So a socket is registered
/// once, and nothing has to be said to the system between one message and the next.
#[derive(Debug)]
pub(super) struct Watched {
    socket: Socket,
    ways: Mutex<[Way; 2]>,
}

/// One direction.
#[derive(Debug)]
struct Way {
    is_ready: bool,
    /// The system is asked to tell.
    is_watched: bool,
    waker: Option<Waker>,
}

impl Watched {
    fn new(socket: Socket) -> Self {
        // Until it has been tried, a socket counts as ready.
        let way = || Way { is_ready: true, is_watched: false, waker: None };
        Self { socket, ways: Mutex::new([way(), way()]) }
    }

    /// Tells the system what to tell, under the lock, so that two of these come to it in order.
    fn ask(&self, poller: &Poller, key: usize, [read, write]: &[Way; 2]) -> io::Result<()> {
        let interest = Event::new(key, read.is_watched, write.is_watched);
        poller.modify_with_mode(&self.socket, interest, PollMode::Level)
    }

    /// The system has told.
    pub(super) fn on_event(&self, poller: &Poller, event: Event, woken: &mut Vec<Waker>) {
        let mut ways = lock(&self.ways);
        let mut changed = false;
        for (way, is_ready) in ways.iter_mut().zip([event.readable, event.writable]) {
            if !is_ready || !way.is_watched {
                continue;
            }
            way.is_ready = true;
            match way.waker.take() {
                Some(waker) => woken.push(waker),
                // Nobody wants to know: it would be told without end.
                None => {
                    way.is_watched = false;
                    changed = true;
                }
            }
        }
        if changed {
            // Should it fail, the system tells once more, and then this is tried again.
            let _ = self.ask(poller, event.key, &ways);
        }
    }
}

impl Source {
    /// Watches `socket`, which does not block.
    pub(crate) fn new(reactor: &Arc<Reactor>, socket: Socket) -> io::Result<Self> {
        let watched = Arc::new(Watched::new(socket));
        let key = reactor.watch(Arc::clone(&watched));
        let source = Self { watched, reactor: Arc::clone(reactor), key };
        // SAFETY: the socket is deleted from the poller before it is closed. The drop of `Source` deletes it; the socket
        // lives at least as long, and is lent to nobody that could close it.
        unsafe { reactor.poller.add_with_mode(&source.watched.socket, Event::none(key), PollMode::Level)? };
        Ok(source)
    }
}

impl sockets::Watched for Source {
    fn socket(&self) -> &Socket {
        &self.watched.socket
    }

    fn poll_ready(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ways = lock(&self.watched.ways);
        let way = direction.of(&mut ways);
        if way.is_ready {
            return Poll::Ready(Ok(()));
        }
        let replaced = match &way.waker {
            Some(there) if there.will_wake(cx.waker()) => None,
            _ => way.waker.replace(cx.waker().clone()),
        };
        let asked = if std::mem::replace(&mut way.is_watched, true) {
            Ok(())
        } else {
            self.watched.ask(&self.reactor.poller, self.key, &ways)
        };
        drop(ways);
        drop(replaced);
        match asked {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn clear(&mut self, direction: Direction) {
        direction.of(&mut lock(&self.watched.ways)).is_ready = false;
    }

    fn another(&self, socket: Socket) -> io::Result<Self> {
        Self::new(&self.reactor, socket)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // It fails only where adding it has failed.
        let _ = self.reactor.poller.delete(&self.watched.socket);
        self.reactor.unwatch(self.key);
    }
}
