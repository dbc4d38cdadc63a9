//! What commands and configurations are made of.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use unwired_core::Instant;
use unwired_core::grpc::client::NewCall;
use unwired_core::grpc::{
    Batch, BatchBuilder, CallLimits, Cardinality, Code, Config, Encoding, EncodingSet, Message, Metadata,
    Status,
};
use unwired_core::http2::{self, Fields, Keepalive, Limits, PingPolicy, Reason, SharedConfig};

use crate::octets::{Malformed, Reader, Writer};

/// Something that a recording holds.
pub(crate) trait Value: Sized {
    fn put(&self, writer: &mut Writer);
    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Value for $number {
            fn put(&self, writer: &mut Writer) {
                writer.number(*self as u64);
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::try_from(reader.number()?).map_err(|_| reader.malformed("a number is too large"))
            }
        })*
    };
}

numbers!(u8, u32, u64, usize);

/// Values that have a number of their own.
macro_rules! numbered {
    ($kind:ty: $($value:ident = $number:literal),*) => {
        impl Value for $kind {
            fn put(&self, writer: &mut Writer) {
                writer.octet(match self {
                    $(Self::$value => $number,)*
                    #[allow(unreachable_patterns, reason = "some may get more")]
                    _ => panic!("{self:?} has no number in recordings yet: give it one"),
                });
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                match reader.octet()? {
                    $($number => Ok(Self::$value),)*
                    _ => Err(reader.malformed(concat!("no ", stringify!($kind)))),
                }
            }
        }
    };
}

numbered!(Cardinality: One = 0, Many = 1);
numbered!(Encoding: Identity = 0, Gzip = 1, Deflate = 2, Zstd = 3);

/// Values that are others, one after the other.
macro_rules! fields_of {
    ($kind:ty, $default:expr; $($field:ident)*) => {
        impl Value for $kind {
            fn put(&self, writer: &mut Writer) {
                $(self.$field.put(writer);)*
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                let mut value = $default;
                $(value.$field = Value::take(reader)?;)*
                Ok(value)
            }
        }
    };
}

impl Value for SharedConfig {
    fn put(&self, writer: &mut Writer) {
        http2::Config::put(self, writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        http2::Config::take(reader).map(Self::from)
    }
}

fields_of!(Config, Config::default(); http2 max_recv_message max_send_message partial_message_budget accept);
fields_of!(http2::Config, Self::default();
    limits initial_window connection_window max_frame_size bdp keepalive ping_policy max_idle max_age max_age_grace
    fields_too_large seed);
fields_of!(Limits, Self::default();
    handshake_timeout settings_ack_timeout max_concurrent_streams max_header_list_size max_header_list_abort
    max_header_fields max_header_block_wire max_continuation_frames header_block_timeout frame_timeout frame_rate
    decoder_table_size encoder_table_size reset_burst reset_rate glitch_burst glitch_rate settings_burst settings_rate
    max_settings_entries ping_burst ping_cap ping_rate window_update_burst window_update_rate ignored_burst
    ignored_rate empty_data_burst empty_data_rate max_goaways max_informational max_queued_ping_acks
    max_queued_settings_acks control_frames_stall control_frames_kill send_buffer_stream send_pieces_stream
    send_buffer_connection max_connection_window remembered_streams write_stall_timeout zero_window_timeout linger);
fields_of!(CallLimits, Self::default(); max_recv_message max_send_message);
fields_of!(Message, Self::plain(Bytes::new()); compressed payload);
fields_of!(Keepalive, Self { interval: Duration::ZERO, timeout: Duration::ZERO, while_idle: false };
    interval timeout while_idle);
fields_of!(PingPolicy, Self { min_interval: Duration::ZERO, min_interval_idle: Duration::ZERO, strikes: 0 };
    min_interval min_interval_idle strikes);

impl Value for Batch {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.clone().count() as u64);
        self.clone().for_each(|message| message.put(writer));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut builder = BatchBuilder::new(usize::MAX);
        for _ in 0..reader.number()? {
            let Message { compressed, payload } = Message::take(reader)?;
            let put = builder.put(compressed, |out| {
                out.extend_from_slice(&payload);
                Ok(())
            });
            put.map_err(|_| reader.malformed("a message is too long"))?;
        }
        Ok(builder.take())
    }
}

impl Value for bool {
    fn put(&self, writer: &mut Writer) {
        writer.flag(*self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.flag()
    }
}

impl<V: Value> Value for Option<V> {
    fn put(&self, writer: &mut Writer) {
        writer.flag(self.is_some());
        if let Some(value) = self {
            value.put(writer);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.flag()?.then(|| V::take(reader)).transpose()
    }
}

impl Value for Duration {
    fn put(&self, writer: &mut Writer) {
        self.as_secs().put(writer);
        self.subsec_nanos().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (seconds, nanos) = (u64::take(reader)?, u32::take(reader)?);
        if nanos >= 1_000_000_000 {
            return Err(reader.malformed("a second has fewer nanoseconds"));
        }
        Ok(Self::new(seconds, nanos))
    }
}

impl Value for Instant {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.as_nanos());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.number().map(Self::from_nanos)
    }
}

impl Value for Reason {
    fn put(&self, writer: &mut Writer) {
        self.0.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        u32::take(reader).map(Self)
    }
}

impl Value for Bytes {
    fn put(&self, writer: &mut Writer) {
        writer.octets(self);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.octets().map(Self::from)
    }
}

impl Value for EncodingSet {
    fn put(&self, writer: &mut Writer) {
        writer.octets(self.as_str().as_bytes());
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.octets().map(|names| Self::parse(&names))
    }
}

impl Value for Fields {
    fn put(&self, writer: &mut Writer) {
        writer.number(self.len() as u64);
        for field in self {
            writer.octets(field.name);
            writer.octets(field.value);
            writer.flag(field.sensitive);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut fields = Self::new();
        for _ in 0..reader.number()? {
            let (name, value) = (reader.octets()?, reader.octets()?);
            if reader.flag()? {
                fields.push_sensitive(&name, &value);
            } else {
                fields.push(&name, &value);
            }
        }
        Ok(fields)
    }
}

impl Value for Metadata {
    fn put(&self, writer: &mut Writer) {
        // The head of a request shows the order of entries and which of them are secrets.
        let head = |metadata: &Self| {
            let mut fields = Fields::new();
            NewCall::new("", "", metadata).put(Instant::ZERO, EncodingSet::IDENTITY, &mut fields);
            fields
        };
        let before = head(&Self::new()).len();
        let fields = head(self);
        let mut entries = Fields::new();
        for field in fields.iter().skip(before) {
            if field.sensitive {
                entries.push_sensitive(field.name, field.value);
            } else {
                entries.push(field.name, field.value);
            }
        }
        entries.put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut metadata = Self::new();
        for field in &Fields::take(reader)? {
            let name =
                HeaderName::from_bytes(field.name).map_err(|_| reader.malformed("no name of metadata"))?;
            let mut value =
                HeaderValue::from_bytes(field.value).map_err(|_| reader.malformed("no value of metadata"))?;
            value.set_sensitive(field.sensitive);
            let entry = Self::try_from(&HeaderMap::from_iter([(name, value)]));
            metadata.merge(&entry.map_err(|_| reader.malformed("metadata that no application has"))?);
        }
        Ok(metadata)
    }
}

impl Value for Status {
    fn put(&self, writer: &mut Writer) {
        writer.octet(self.code() as u8);
        writer.octets(self.message().as_bytes());
        writer.octets(self.details());
        self.metadata().put(writer);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let code = usize::from(reader.octet()?);
        let code = *Code::ALL.get(code).ok_or_else(|| reader.malformed("no code of a status"))?;
        let (message, details) = (reader.text()?, reader.octets()?);
        let metadata = Metadata::take(reader)?;
        let plain = details.is_empty() && metadata.is_empty();
        Ok(if plain {
            Self::new(code, message)
        } else {
            Self::with_details_and_metadata(code, message, details, metadata)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn stays_the_same<V: Value + Debug>(value: &V) {
        let mut writer = Writer::default();
        value.put(&mut writer);
        let mut reader = Reader(&writer.0);
        assert_eq!(format!("{:?}", V::take(&mut reader).unwrap()), format!("{value:?}"));
        assert!(reader.0.is_empty(), "{} octets too many: {value:?}", reader.0.len());
        for length in 0..writer.0.len() {
            assert!(
                V::take(&mut Reader(&writer.0[..length])).is_err(),
                "{length} octets are enough for {value:?}"
            );
        }
    }

    #[test]
    fn configurations_are_read_as_they_were_written() {
        let mut config = Config::server();
        stays_the_same(&config);
        config.set_client_keepalive(Duration::from_secs(11), Duration::from_millis(1_500), true);
        config.http2.max_age = Some(Duration::MAX);
        config.http2.limits.zero_window_timeout = Some(Duration::from_nanos(1));
        config.http2.limits.linger = Duration::ZERO;
        config.http2.seed = u64::MAX;
        config.max_send_message = 7;
        stays_the_same(&config);
        stays_the_same(&Config::client());
    }

    #[test]
    fn metadata_and_status_keep_order_and_secrets() {
        let mut metadata = Metadata::new();
        metadata.append("x-b", "1").unwrap();
        metadata.append_bin("a-bin", [0, 255]).unwrap();
        metadata.append("x-b", "2").unwrap();
        metadata.insert_secret("x-key", "opensesame").unwrap();
        stays_the_same(&metadata);
        stays_the_same(&Status::OK);
        stays_the_same(&Status::with_details_and_metadata(
            Code::DataLoss,
            "gone: ü",
            b"\0\x01".to_vec(),
            metadata,
        ));
        stays_the_same(&Message { compressed: true, payload: Bytes::from_static(&[3; 40]) });
        stays_the_same(&CallLimits::default());
        stays_the_same(&Instant::FAR_FUTURE);
    }
}
