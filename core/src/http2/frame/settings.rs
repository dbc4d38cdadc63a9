use super::head::{Kind, flag, put_head};
use crate::http2::StreamId;

/// What a setting is about (RFC 9113 §6.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingId {
    /// SETTINGS_HEADER_TABLE_SIZE, octets.
    HeaderTableSize,
    /// SETTINGS_ENABLE_PUSH, 0 or 1.
    EnablePush,
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    MaxConcurrentStreams,
    /// SETTINGS_INITIAL_WINDOW_SIZE, octets.
    InitialWindowSize,
    /// SETTINGS_MAX_FRAME_SIZE, octets.
    MaxFrameSize,
    /// SETTINGS_MAX_HEADER_LIST_SIZE, octets.
    MaxHeaderListSize,
    /// A setting that RFC 9113 does not define: to be ignored.
    Unknown(u16),
}

impl SettingId {
    const fn from_u16(id: u16) -> Self {
        match id {
            0x1 => Self::HeaderTableSize,
            0x2 => Self::EnablePush,
            0x3 => Self::MaxConcurrentStreams,
            0x4 => Self::InitialWindowSize,
            0x5 => Self::MaxFrameSize,
            0x6 => Self::MaxHeaderListSize,
            other => Self::Unknown(other),
        }
    }

    const fn as_u16(self) -> u16 {
        match self {
            Self::HeaderTableSize => 0x1,
            Self::EnablePush => 0x2,
            Self::MaxConcurrentStreams => 0x3,
            Self::InitialWindowSize => 0x4,
            Self::MaxFrameSize => 0x5,
            Self::MaxHeaderListSize => 0x6,
            Self::Unknown(other) => other,
        }
    }
}

/// One parameter of a SETTINGS frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// What it is about.
    pub id: SettingId,
    /// Its value, not yet judged.
    pub value: u32,
}

/// Octets of one parameter on the wire.
const SETTING_LEN: usize = 6;

/// RFC 9113 §6.5.1: the parameters of a SETTINGS payload in order. `None` unless its length is a multiple of 6.
pub fn settings(payload: &[u8]) -> Option<impl ExactSizeIterator<Item = Setting> + Clone + '_> {
    let (parameters, []) = payload.as_chunks::<SETTING_LEN>() else { return None };
    Some(parameters.iter().map(|&[i0, i1, v0, v1, v2, v3]| Setting {
        id: SettingId::from_u16(u16::from_be_bytes([i0, i1])),
        value: u32::from_be_bytes([v0, v1, v2, v3]),
    }))
}

#[expect(clippy::arithmetic_side_effects, reason = "a `Setting` takes more than 6 bytes of memory")]
pub(crate) fn put_settings(out: &mut Vec<u8>, parameters: &[Setting]) {
    put_head(out, parameters.len() * SETTING_LEN, Kind::Settings, 0, StreamId::CONNECTION);
    for parameter in parameters {
        out.extend_from_slice(&parameter.id.as_u16().to_be_bytes());
        out.extend_from_slice(&parameter.value.to_be_bytes());
    }
}

pub(crate) fn put_settings_ack(out: &mut Vec<u8>) {
    put_head(out, 0, Kind::Settings, flag::ACK, StreamId::CONNECTION);
}
