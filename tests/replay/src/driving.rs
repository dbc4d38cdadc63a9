//! What drivers do with connections of every kind.

/// Numbers of operations in recordings. A number that was given is never given to another.
pub(crate) mod code {
    pub(crate) const INPUT: u8 = 1;
    pub(crate) const EOF: u8 = 2;
    pub(crate) const TIMEOUT: u8 = 3;
    pub(crate) const TRANSMIT: u8 = 4;
    pub(crate) const SENT: u8 = 5;
    pub(crate) const EVENT: u8 = 6;
    pub(crate) const DRAIN: u8 = 7;
    pub(crate) const CLOSE: u8 = 8;
    pub(crate) const RELEASE: u8 = 9;

    pub(crate) const RECV_MESSAGE: u8 = 16;
    pub(crate) const SEND_MESSAGE: u8 = 17;
    pub(crate) const SET_BUDGET: u8 = 18;
    pub(crate) const START: u8 = 19;
    pub(crate) const HALF_CLOSE: u8 = 20;
    pub(crate) const CANCEL: u8 = 21;
    pub(crate) const FAIL: u8 = 22;
    pub(crate) const ACCEPT: u8 = 23;
    pub(crate) const SEND_METADATA: u8 = 24;
    pub(crate) const RESPOND: u8 = 25;
    pub(crate) const FINISH: u8 = 26;
    pub(crate) const SET_ENCODING: u8 = 27;
    pub(crate) const SET_MAX_TIMEOUT: u8 = 28;
    pub(crate) const REFUSE_NEW: u8 = 29;
    /// As `START`, and then how often the call was made before.
    pub(crate) const START_AGAIN: u8 = 30;
    pub(crate) const SHORTEN_DEADLINE: u8 = 31;

    pub(crate) const OPEN: u8 = 32;
    pub(crate) const SEND_HEADERS: u8 = 33;
    pub(crate) const SEND_DATA: u8 = 34;
    pub(crate) const SEND_TRAILERS: u8 = 35;
    pub(crate) const GRANT: u8 = 36;
    pub(crate) const RESET: u8 = 37;
    pub(crate) const ABANDON_DATA: u8 = 38;
    pub(crate) const HOLD: u8 = 39;
    pub(crate) const TAKE_FIELDS: u8 = 40;
    pub(crate) const TAKE_DATA: u8 = 41;

    pub(crate) const RECV_MESSAGES: u8 = 48;
    pub(crate) const SEND_MESSAGES: u8 = 49;
    pub(crate) const TAKE_METADATA: u8 = 50;
}

/// A connection that is recorded or not, with the methods that all kinds have; `$core` is the connection of the core,
/// `$key` names its calls or streams, and `$new_key` is the one that an event begins.
macro_rules! recorded {
    ($core:ty, $key:ty, $event:ty, $new_key:expr) => {
        /// The connection of the core, and what is written about it. All that only looks at a connection is reached
        /// through it.
        pub struct Connection {
            inner: $core,
            recorder: Option<Box<Recorder<$key>>>,
        }

        impl core::ops::Deref for Connection {
            type Target = $core;

            fn deref(&self) -> &$core {
                &self.inner
            }
        }

        impl Connection {
            fn wrap(
                inner: $core,
                kind: Kind,
                config: &(impl Value + core::fmt::Debug),
                now: Instant,
            ) -> Self {
                let recorder = crate::keep::tape(kind).map(|tape| {
                    let mut recorder = Box::new(Recorder::new(tape, kind));
                    recorder.write(|recorder, writer| {
                        config.put(writer);
                        recorder.time(writer, now);
                    });
                    recorder
                });
                Self { inner, recorder }
            }

            fn note(&mut self, code: u8, write: impl FnOnce(&mut Recorder<$key>, &mut Writer)) {
                if let Some(recorder) = &mut self.recorder {
                    recorder.write(|recorder, writer| {
                        recorder.is_drained = false;
                        writer.octet(code);
                        write(recorder, writer);
                    });
                }
            }

            /// What the operation answered, and all that a driver asks next.
            fn outcome(&mut self, answer: impl FnOnce(&mut Digest)) {
                let inner = &self.inner;
                if let Some(recorder) = &mut self.recorder {
                    recorder.outcome(|digest| {
                        answer(digest);
                        digest.debug(&inner.poll_timeout());
                        digest.flag(inner.wants_input());
                        digest.flag(inner.wants_transmit());
                        digest.flag(inner.wants_shutdown());
                        digest.flag(inner.is_closed());
                    });
                }
            }

            /// As the core's.
            pub fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
                self.note(code::INPUT, |recorder, writer| {
                    recorder.time(writer, now);
                    writer.octets(input);
                });
                let taken = self.inner.handle_input(now, input);
                self.outcome(|digest| digest.number(taken as u64));
                taken
            }

            /// As the core's.
            pub fn handle_eof(&mut self, now: Instant) {
                self.note(code::EOF, |recorder, writer| recorder.time(writer, now));
                self.inner.handle_eof(now);
                self.outcome(|_| {});
            }

            /// As the core's.
            pub fn handle_timeout(&mut self, now: Instant) {
                self.note(code::TIMEOUT, |recorder, writer| recorder.time(writer, now));
                self.inner.handle_timeout(now);
                self.outcome(|_| {});
            }

            /// As the core's.
            pub fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
                let before = out.len();
                self.note(code::TRANSMIT, |recorder, writer| {
                    recorder.time(writer, now);
                    budget.put(writer);
                });
                let more = self.inner.poll_transmit(now, out, budget);
                self.outcome(|digest| {
                    digest.output(out, before);
                    digest.flag(more);
                });
                more
            }

            /// As the core's.
            pub fn handle_sent(&mut self, now: Instant, unsent: usize) {
                self.note(code::SENT, |recorder, writer| {
                    recorder.time(writer, now);
                    unsent.put(writer);
                });
                self.inner.handle_sent(now, unsent);
                self.outcome(|_| {});
            }

            /// As the core's. That there was none is recorded the first time: asking drops the events of what was released,
            /// which make room for others, and asking again changes nothing.
            pub fn poll_event(&mut self) -> Option<$event> {
                let Some(event) = self.inner.poll_event() else {
                    if self.recorder.as_ref().is_some_and(|recorder| !recorder.is_drained) {
                        self.note(code::EVENT, |recorder, _| recorder.is_drained = true);
                        self.outcome(|digest| digest.debug(&"none"));
                    }
                    return None;
                };
                self.note(code::EVENT, |_, _| {});
                self.outcome(|digest| digest.debug(&event));
                if let Some(recorder) = &mut self.recorder {
                    let new_key: fn(&$event) -> Option<$key> = $new_key;
                    match new_key(&event) {
                        Some(key) if !recorder.is_known(key) => recorder.name(Some(key)),
                        _ => {}
                    }
                }
                Some(event)
            }

            /// As the core's.
            pub fn release(&mut self, key: $key) {
                self.note(code::RELEASE, |recorder, writer| writer.number(recorder.number(key)));
                self.inner.release(key);
                self.outcome(|_| {});
            }

            /// As the core's.
            pub fn drain(&mut self, now: Instant, grace: Option<Duration>) {
                self.note(code::DRAIN, |recorder, writer| {
                    recorder.time(writer, now);
                    grace.put(writer);
                });
                self.inner.drain(now, grace);
                self.outcome(|_| {});
            }

            /// As the core's.
            pub fn close(&mut self, now: Instant, reason: Reason, debug: &'static str) {
                self.note(code::CLOSE, |recorder, writer| {
                    recorder.time(writer, now);
                    reason.put(writer);
                    writer.octets(debug.as_bytes());
                });
                self.inner.close(now, reason, debug);
                self.outcome(|_| {});
            }

            /// Does what stands next in a recording, if drivers do it with every kind of connection.
            fn drive(&mut self, code: u8, script: &mut Script<'_, $key>) -> Result<bool, Malformed> {
                match code {
                    code::INPUT => {
                        let now = script.time()?;
                        self.handle_input(now, &script.reader.octets()?);
                    }
                    code::EOF => self.handle_eof(script.time()?),
                    code::TIMEOUT => self.handle_timeout(script.time()?),
                    code::TRANSMIT => {
                        let now = script.time()?;
                        self.poll_transmit(now, &mut Outbox::new(), script.value()?);
                    }
                    code::SENT => {
                        let now = script.time()?;
                        self.handle_sent(now, script.value()?);
                    }
                    code::EVENT => {
                        let new_key: fn(&$event) -> Option<$key> = $new_key;
                        if let Some(key) = self.poll_event().as_ref().and_then(new_key) {
                            script.name_once(key);
                        }
                    }
                    code::RELEASE => {
                        if let Some(key) = script.key()? {
                            self.release(key);
                        }
                    }
                    code::DRAIN => {
                        let now = script.time()?;
                        self.drain(now, script.value()?);
                    }
                    code::CLOSE => {
                        let now = script.time()?;
                        let reason = script.value()?;
                        // The core takes what the program has for ever; few recordings have it, and each once.
                        self.close(now, reason, script.reader.text()?.leak());
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}

pub(crate) use recorded;
