//! DATA as it comes (RFC 9113 §6.1): it passes through into its stream's buffer, and counts on both windows.

use super::closed::{Closing, Past};
use super::error::Fault;
use super::frame::{FrameHead, flag};
use super::ping::Asks;
use super::reader::{self, Reading};
use super::stats::{self, Abuse};
use super::{Connection, Event, Reason, StreamId, StreamKey, abuse};

impl Connection {
    pub(super) fn on_data_head(&mut self, head: FrameHead, input: &mut &[u8]) -> Result<(), Fault> {
        if head.stream == StreamId::CONNECTION {
            return Err(Fault::protocol("DATA without a stream"));
        }
        self.check_not_idle(head.stream, "DATA on an idle stream")?;
        stats::add(&mut self.stats.data_received, u64::from(head.length));
        self.buckets.on_message_frame();
        // The whole payload counts, padding and pad length too, on both windows.
        if !self.recv_window.receive(head.length) {
            return Err(Fault::flow_control("DATA beyond the connection's window"));
        }
        let found = self.data_stream(head);
        if !matches!(found, Ok(Some(_))) {
            stats::add(&mut self.stats.data_dropped, u64::from(head.length));
        }
        let key = found?;
        let stream = key.and_then(|key| self.streams.get(key));
        let window = stream.map_or(i64::MAX, |stream| stream.recv.window).min(self.recv_window.window());
        if self.bandwidth.on_data(head.length, window) {
            self.pings.ask(Asks::Bandwidth);
        }
        if head.has(flag::PADDED) {
            if head.length == 0 {
                return Err(Fault::frame_size("padded DATA without a pad length"));
            }
            self.reader.reading = Reading::PadLength(head, key);
            return Ok(());
        }
        let end_stream = head.has(flag::END_STREAM);
        if head.length == 0 && !end_stream {
            self.charge_empty_data()?;
        }
        self.read_data(key, head.stream, head.length, 0, end_stream, input)
    }

    /// The stream that takes this DATA, or `None` if it is let pass.
    #[expect(clippy::arithmetic_side_effects, reason = "a window has at most 33 bits")]
    fn data_stream(&mut self, head: FrameHead) -> Result<Option<StreamKey>, Fault> {
        let Some(key) = self.streams.find(head.stream) else {
            return match self.past(head.stream) {
                Past::Closed(Closing::Reset) => Ok(None),
                Past::Closed(Closing::PeerReset) => {
                    Err(self.after_reset(head.stream, "DATA on a stream that the peer had reset"))
                }
                Past::Closed(Closing::PeerEnded) => {
                    Err(Fault::Connection(Reason::STREAM_CLOSED, "DATA on a stream that the peer had ended"))
                }
                Past::Skipped => Err(Fault::protocol("DATA on a stream that was never opened")),
                Past::Forgotten => self.charge_glitch().map(|()| None),
            };
        };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let fault = |(reason, why)| Fault::Stream(head.stream, reason, why);
        if let Some(half) = stream.state.recv_mut() {
            half.data(false).map_err(fault)?;
        }
        // RFC 9113 §6.9: an end without octets needs no window, not even one that SETTINGS took below zero.
        if head.length > 0 && i64::from(head.length) > stream.recv.window {
            return Err(fault((Reason::FLOW_CONTROL_ERROR, "DATA beyond the stream's window")));
        }
        stream.recv.window -= i64::from(head.length);
        // What was granted before may be worth telling now.
        self.update_due(key);
        Ok(Some(key))
    }

    #[expect(clippy::arithmetic_side_effects, reason = "a pad length is below 2^8")]
    pub(super) fn on_pad_length(
        &mut self,
        head: FrameHead,
        stream: Option<StreamKey>,
        pad: u8,
        input: &mut &[u8],
    ) -> Result<(), Fault> {
        let octets = head.length.saturating_sub(1);
        let pad = u32::from(pad);
        let Some(left) = octets.checked_sub(pad) else {
            return Err(Fault::protocol("DATA has more padding than payload"));
        };
        if let Some(key) = stream {
            // Padding is nobody's to take: its credit returns at once.
            self.grant(key, pad as usize + 1);
        }
        let end_stream = head.has(flag::END_STREAM);
        if left == 0 && !end_stream {
            self.charge_empty_data()?;
        }
        self.read_data(stream, head.stream, left, pad, end_stream, input)
    }

    pub(super) fn read_data(
        &mut self,
        stream: Option<StreamKey>,
        id: StreamId,
        mut left: u32,
        pad: u32,
        end_stream: bool,
        input: &mut &[u8],
    ) -> Result<(), Fault> {
        let octets = reader::part(input, &mut left);
        self.reader.reading = match (left, pad) {
            (0, 0) => Reading::Head,
            (0, pad) => Reading::Skip(pad),
            (left, pad) => Reading::Data { stream, id, left, pad, end_stream },
        };
        let end_stream = end_stream && left == 0;
        let Some((key, record)) = stream.and_then(|key| Some((key, self.streams.get_mut(key)?))) else {
            return Ok(());
        };
        let length = octets.len() as u64;
        if !record.state.is_receiving() {
            // It came to its end amid the frame.
            stats::add(&mut self.stats.data_dropped, octets.len() as u64);
            return Ok(());
        }
        let heard = record.is_heard();
        let recv = &mut record.recv;
        if let Some(content_left) = &mut recv.content_left {
            match content_left.checked_sub(length) {
                Some(rest) if rest == 0 || !end_stream => *content_left = rest,
                _ => {
                    return self.skip_rest(Fault::Stream(
                        id,
                        Reason::PROTOCOL_ERROR,
                        "the content is not as long as content-length says",
                    ));
                }
            }
        }
        if heard && (!octets.is_empty() || end_stream) {
            let window = recv.window.saturating_add(i64::from(recv.granted)).saturating_add(i64::from(left));
            recv.buffer.extend(octets, usize::try_from(window).unwrap_or(0));
            recv.end_unannounced |= end_stream;
            if !core::mem::replace(&mut recv.data_announced, true) {
                self.events.push_back(Event::Data { stream: key, end_stream: false });
            }
        }
        if end_stream {
            if let Some(half) = record.state.recv_mut() {
                half.data(true).map_err(|(reason, why)| Fault::Stream(id, reason, why))?;
            }
            self.on_half_ended(key);
        } else {
            self.update_due(key);
        }
        Ok(())
    }

    /// The stream of the DATA under way is no more: what is left of the frame is skipped.
    #[expect(clippy::arithmetic_side_effects, reason = "both are parts of one frame")]
    fn skip_rest(&mut self, fault: Fault) -> Result<(), Fault> {
        if let Reading::Data { left, pad, .. } = self.reader.reading {
            self.reader.reading = Reading::Skip(left + pad);
        }
        Err(fault)
    }

    fn charge_empty_data(&mut self) -> Result<(), Fault> {
        abuse::charge(&mut self.buckets.empty_data, &mut self.stats, Abuse::EmptyFrames, self.now)
    }
}
