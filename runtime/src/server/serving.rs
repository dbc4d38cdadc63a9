use std::io;
use std::sync::Arc;

use http::Extensions;
use unwired_core::grpc::server::{Connection, Event};
use unwired_core::grpc::{CallId, Cardinality, Status};
use unwired_core::http2::{ConnectionEnd, Initiator, Reason};

use super::connection_error::{ConnectionError, OnConnectionError};
use super::incoming::{Hold, Incoming, Served};
use super::listening::Open;
use super::routes::{Route, Routes};
use super::running::Running;
use super::stats::Counted;
use crate::call::ServedCalls;
use crate::driver::{Link, Shared, Side, events, wake_all};
use crate::transport::RuntimeHandle;

/// What a server does with the calls of one connection.
pub(crate) struct Serving {
    routes: Arc<Routes>,
    runtime: RuntimeHandle,
    /// Calls whose one message has not come: their handlers start with it.
    waiting: Vec<Option<Arc<Route>>>,
    /// Calls whose handlers start when the lock is free again.
    ready: Vec<(CallId, Arc<Route>)>,
    woken: Vec<core::task::Waker>,
    /// The handshake is complete, and nobody has been told.
    is_ready: bool,
    max_recv_message: usize,
    /// This connection's place among those that are open.
    open: Open,
    counted: Counted,
    /// Who is told when a fault ends the connection, and what there is to tell.
    on_error: Option<OnConnectionError>,
    fault: Option<Box<str>>,
    /// How HTTP/2 came to its end. It is apart, since for most of the time there is none.
    end: Option<Box<ConnectionEnd>>,
}

impl Serving {
    pub(crate) fn new(
        routes: Arc<Routes>,
        runtime: RuntimeHandle,
        max_recv_message: usize,
        open: Open,
        counted: Counted,
        on_error: Option<OnConnectionError>,
    ) -> Self {
        Self {
            routes,
            runtime,
            waiting: Vec::new(),
            ready: Vec::new(),
            woken: Vec::new(),
            is_ready: false,
            max_recv_message,
            open,
            counted,
            on_error,
            fault: None,
            end: None,
        }
    }

    /// A call has come: finds its method.
    fn on_call(&mut self, conn: &mut Connection, call: CallId) {
        let Some(head) = conn.request(call) else { return };
        match self.routes.find(head.names()) {
            Ok(route) => {
                let route = Arc::clone(route);
                let Some(method) = route.service.methods().get(route.method) else { return };
                if let Some(refusal) = route.gate.as_ref().and_then(|gate| gate.turn_away()) {
                    conn.finish(call, &refusal);
                    return conn.release(call);
                }
                if let Some(timeout) = route.max_timeout {
                    conn.shorten_deadline(call, self.runtime.now() + timeout);
                }
                conn.accept(call, method.request, route.service.settings().limits);
                match method.request {
                    Cardinality::One => self.wait(call, route),
                    Cardinality::Many => self.ready.push((call, route)),
                }
            }
            Err(what) => {
                conn.finish(call, &Status::unimplemented(what));
                conn.release(call);
            }
        }
    }

    fn wait(&mut self, call: CallId, route: Arc<Route>) {
        if self.waiting.len() <= call.index() {
            self.waiting.resize_with(call.index() + 1, || None);
        }
        if let Some(place) = self.waiting.get_mut(call.index()) {
            *place = Some(route);
        }
    }

    fn started(&mut self, call: CallId) -> Option<Arc<Route>> {
        self.waiting.get_mut(call.index())?.take()
    }

    /// Runs the handler as far as it goes at once.
    fn start(&self, link: &Arc<Link<Connection>>, call: CallId, route: &Route) {
        let settings = route.service.settings();
        let incoming = link.with(|shared| {
            let deadline = shared.conn.deadline(call);
            let send_encoding = shared.conn.set_encoding(call, settings.encoding);
            let recv_encoding = shared.conn.request(call)?.encodings.recv;
            let metadata = shared.conn.take_metadata(call);
            Some((metadata, deadline, recv_encoding, send_encoding))
        });
        let Some((metadata, deadline, recv_encoding, send_encoding)) = incoming else { return };
        let served = Served {
            calls: Arc::clone(link) as Arc<dyn ServedCalls>,
            call,
            recv_encoding,
            send_encoding,
            max_recv_message: settings.limits.max_recv_message.unwrap_or(self.max_recv_message),
            metadata: metadata.clone(),
            hold: Hold::Alone,
        };
        let incoming = Incoming { served, metadata, deadline, extensions: Extensions::new() };
        let handler = route.call(incoming);
        let mut running = Running::new(handler, Arc::clone(link) as Arc<dyn ServedCalls>, call);
        if route.pace.spawns(route.spawn, || link.runtime.spawns_handler()) {
            return link.runtime.spawn(running);
        }
        let sampled = route.pace.sample(|| link.runtime.now());
        let done = running.first_step();
        if let Some(before) = sampled {
            route.pace.record(link.runtime.now() - before);
        }
        if !done {
            link.runtime.spawn(running);
        }
    }
}

impl Side for Serving {
    type Protocol = Connection;

    fn on_events(&mut self, shared: &mut Shared<Connection>) {
        while let Some(event) = shared.conn.poll_event() {
            match event {
                Event::Call { call } => self.on_call(&mut shared.conn, call),
                Event::Message { call } => match self.started(call) {
                    Some(route) => self.ready.push((call, route)),
                    None => self.woken.extend(shared.wakers.of(call).recv.take()),
                },
                Event::Writable { call } => self.woken.extend(shared.wakers.of(call).send.take()),
                Event::Ended { call, .. } => {
                    if self.started(call).is_some() {
                        // No handler has heard of the call.
                        shared.release(call, &mut self.woken);
                    } else {
                        let wakers = shared.wakers.of(call);
                        wakers.ended = true;
                        wakers.take_all(&mut self.woken);
                    }
                }
                Event::Ready => self.is_ready = true,
                Event::Closed(end) => {
                    let is_ours = end.by == Initiator::Library;
                    if is_ours && end.reason != Reason::NO_ERROR {
                        self.fault = Some(end.to_string().into());
                    } else if is_ours && shared.conn.stats().http2.kills.total() > 0 {
                        // A peer that takes no bytes: there was no code that could have been sent to it.
                        self.fault = Some(end.why.into());
                    }
                    self.end = Some(Box::new(end));
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, link: &Arc<Link<Connection>>) -> bool {
        wake_all(&mut self.woken);
        if core::mem::take(&mut self.is_ready) {
            events::up(events::End::Server, &link.peer);
            self.open.on_ready();
        }
        let mut ready = core::mem::take(&mut self.ready);
        let ran = !ready.is_empty();
        for (call, route) in ready.drain(..) {
            self.start(link, call, &route);
        }
        self.ready = ready;
        ran
    }

    fn on_end(&mut self, link: &Arc<Link<Connection>>, why: Option<io::Error>) {
        self.counted.over(link);
        let end = || why.as_ref().map(ToString::to_string).or(self.end.as_ref().map(ToString::to_string));
        let stats = || link.ask(|conn| conn.stats().http2);
        events::down(events::End::Server, &link.peer, stats, end);
        // A socket that breaks is nobody's fault; what it carried may be.
        let why = why.filter(|error| error.kind() == io::ErrorKind::InvalidData);
        let why = why.map(|error| error.to_string()).or(self.fault.take().map(String::from));
        if let (Some(why), Some(on_error)) = (why, &self.on_error) {
            on_error(&ConnectionError { peer: link.peer.clone(), why });
        }
    }
}
