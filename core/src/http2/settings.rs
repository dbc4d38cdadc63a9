//! SETTINGS of both sides (RFC 9113 §6.5): what we offered, what the peer did, and the order of acknowledgement.

use super::Config;
use super::error::Fault;
use super::frame::{Setting, SettingId};

/// RFC 9113 §6.9.2: the window of a stream before any SETTINGS.
pub(crate) const DEFAULT_WINDOW: u32 = 65_535;
/// RFC 9113 §6.9.1: no window grows beyond this.
pub(crate) const MAX_WINDOW: i64 = (1 << 31) - 1;
/// RFC 9113 §6.5.2 asks peers to allow this many streams: what we open before we know how many they do.
const STREAMS_BEFORE_SETTINGS: u32 = 100;
/// RFC 9113 §4.2.
const MIN_FRAME_SIZE: u32 = 1 << 14;
/// RFC 9113 §4.2.
const MAX_FRAME_SIZE: u32 = (1 << 24) - 1;

/// What the peer asks us to keep to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PeerSettings {
    pub(crate) header_table_size: u32,
    /// `None`: as many as we like.
    pub(crate) max_concurrent_streams: Option<u32>,
    pub(crate) initial_window: u32,
    pub(crate) max_frame_size: u32,
    /// `None`: as much as we like.
    pub(crate) max_header_list_size: Option<u32>,
}

impl Default for PeerSettings {
    /// RFC 9113 §6.5.2, and some caution: hundreds of streams that the peer refuses would look like an attack.
    fn default() -> Self {
        Self {
            header_table_size: 4096,
            max_concurrent_streams: Some(STREAMS_BEFORE_SETTINGS),
            initial_window: DEFAULT_WINDOW,
            max_frame_size: MIN_FRAME_SIZE,
            max_header_list_size: None,
        }
    }
}

impl PeerSettings {
    /// RFC 9113 §6.5.3: all parameters in order, the last of an id wins; none counts unless all are legal.
    pub(crate) fn updated(
        mut self,
        parameters: impl Iterator<Item = Setting>,
        from_server: bool,
    ) -> Result<Self, Fault> {
        for Setting { id, value } in parameters {
            match id {
                SettingId::HeaderTableSize => self.header_table_size = value,
                SettingId::EnablePush if value > 1 => {
                    return Err(Fault::protocol("SETTINGS_ENABLE_PUSH is neither 0 nor 1"));
                }
                SettingId::EnablePush if value == 1 && from_server => {
                    return Err(Fault::protocol("a server enabled push"));
                }
                SettingId::EnablePush | SettingId::Unknown(_) => {}
                SettingId::MaxConcurrentStreams => self.max_concurrent_streams = Some(value),
                SettingId::InitialWindowSize if i64::from(value) > MAX_WINDOW => {
                    return Err(Fault::flow_control("SETTINGS_INITIAL_WINDOW_SIZE is over 2^31-1"));
                }
                SettingId::InitialWindowSize => self.initial_window = value,
                SettingId::MaxFrameSize if !(MIN_FRAME_SIZE..=MAX_FRAME_SIZE).contains(&value) => {
                    return Err(Fault::protocol("SETTINGS_MAX_FRAME_SIZE is out of bounds"));
                }
                SettingId::MaxFrameSize => self.max_frame_size = value,
                SettingId::MaxHeaderListSize => self.max_header_list_size = Some(value),
            }
        }
        Ok(self)
    }
}

/// What we ask the peer to keep to, and whether it has agreed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LocalSettings {
    /// The window that a new stream has by what the peer has acknowledged, and by what it can only have read.
    pub(crate) stream_window: u32,
    pub(crate) state: Offer,
}

/// How far our SETTINGS have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offer {
    ToSend,
    Sent,
    Acknowledged,
}

impl LocalSettings {
    pub(crate) const fn new() -> Self {
        Self { stream_window: DEFAULT_WINDOW, state: Offer::ToSend }
    }

    /// RFC 9113 §6.5.3: an acknowledgement came.
    pub(crate) fn acknowledge(&mut self) -> Result<(), Fault> {
        if self.state != Offer::Sent {
            return Err(Fault::protocol("acknowledged SETTINGS that were never sent"));
        }
        self.state = Offer::Acknowledged;
        Ok(())
    }

    pub(crate) fn is_acknowledged(&self) -> bool {
        self.state == Offer::Acknowledged
    }
}

/// The parameters of our SETTINGS.
pub(crate) fn offer(config: &Config, is_client: bool) -> [Setting; 5] {
    let setting = |id, value| Setting { id, value };
    let limits = &config.limits;
    [
        setting(SettingId::HeaderTableSize, limits.decoder_table_size),
        if is_client {
            setting(SettingId::EnablePush, 0)
        } else {
            setting(SettingId::MaxConcurrentStreams, limits.max_concurrent_streams)
        },
        setting(SettingId::InitialWindowSize, config.initial_window()),
        setting(SettingId::MaxFrameSize, config.max_frame_size()),
        setting(SettingId::MaxHeaderListSize, limits.max_header_list_size),
    ]
}

impl Config {
    /// What we advertise as SETTINGS_INITIAL_WINDOW_SIZE.
    pub(crate) fn initial_window(&self) -> u32 {
        self.initial_window.min(MAX_WINDOW as u32)
    }

    /// What we advertise as SETTINGS_MAX_FRAME_SIZE.
    pub(crate) fn max_frame_size(&self) -> u32 {
        self.max_frame_size.clamp(MIN_FRAME_SIZE, MAX_FRAME_SIZE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 9113 §6.5.2: what one parameter may be.
    fn is_legal(id: u16, value: u32, from_server: bool) -> bool {
        match id {
            2 => value == 0 || (value == 1 && !from_server),
            4 => value < 1 << 31,
            5 => (16_384..=16_777_215).contains(&value),
            _ => true,
        }
    }

    proptest! {
        /// The last of an id holds; one that is illegal, and none does.
        #[test]
        fn any_parameters_are_taken_as_the_rfc_says(
            parameters in proptest::collection::vec(
                (0..9_u16, prop_oneof![0..3_u32, 16_383..16_386_u32, 16_777_214..16_777_217_u32, 0x7fff_fffe..=0x8000_0001_u32, any::<u32>()]),
                0..6,
            ),
            from_server: bool,
        ) {
            let before = PeerSettings::default();
            let settings = parameters.iter().flat_map(|&(id, value)| {
                let octets = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
                crate::http2::frame::settings(&octets).expect("six octets").collect::<Vec<_>>()
            });
            let after = before.updated(settings, from_server);
            let legal = parameters.iter().all(|&(id, value)| is_legal(id, value, from_server));
            prop_assert_eq!(after.is_ok(), legal);
            if let Ok(after) = after {
                let last = |wanted: u16| parameters.iter().rev().find(|(id, _)| *id == wanted).map(|(_, value)| *value);
                let expected = PeerSettings {
                    header_table_size: last(1).unwrap_or(before.header_table_size),
                    max_concurrent_streams: last(3).or(before.max_concurrent_streams),
                    initial_window: last(4).unwrap_or(before.initial_window),
                    max_frame_size: last(5).unwrap_or(before.max_frame_size),
                    max_header_list_size: last(6).or(before.max_header_list_size),
                };
                prop_assert_eq!(after, expected);
            }
        }
    }

    fn updated(id: SettingId, value: u32, from_server: bool) -> Result<PeerSettings, Fault> {
        PeerSettings::default().updated([Setting { id, value }].into_iter(), from_server)
    }

    /// RFC 9113 §6.5.2: every value at the ends of what is legal, and the next one.
    #[test]
    fn values_are_legal_up_to_their_bounds() {
        for (id, legal, illegal) in [
            (SettingId::HeaderTableSize, &[0, u32::MAX][..], &[][..]),
            (SettingId::EnablePush, &[0, 1], &[2, u32::MAX]),
            (SettingId::MaxConcurrentStreams, &[0, u32::MAX], &[]),
            (SettingId::InitialWindowSize, &[0, 0x7fff_ffff], &[0x8000_0000, u32::MAX]),
            (SettingId::MaxFrameSize, &[16_384, 16_777_215], &[0, 16_383, 16_777_216]),
            (SettingId::MaxHeaderListSize, &[0, u32::MAX], &[]),
            (SettingId::Unknown(7), &[0, u32::MAX], &[]),
        ] {
            assert!(legal.iter().all(|&value| updated(id, value, false).is_ok()), "{id:?}");
            assert!(illegal.iter().all(|&value| updated(id, value, false).is_err()), "{id:?}");
        }
        assert!(updated(SettingId::EnablePush, 0, true).is_ok());
        assert!(updated(SettingId::EnablePush, 1, true).is_err());
    }

    #[test]
    fn only_what_was_sent_is_acknowledged_and_once() {
        let mut local = LocalSettings::new();
        assert!(local.acknowledge().is_err());
        local.state = Offer::Sent;
        assert!(!local.is_acknowledged());
        assert!(local.acknowledge().is_ok());
        assert!(local.is_acknowledged());
        assert!(local.acknowledge().is_err());
    }

    #[test]
    fn what_is_offered_is_legal_whatever_is_configured() {
        let offered = |window, frame| {
            let config = Config { initial_window: window, max_frame_size: frame, ..Config::default() };
            (config.initial_window(), config.max_frame_size())
        };
        assert_eq!(offered(0, 0), (0, 16_384));
        assert_eq!(offered(1234, 20_000), (1234, 20_000));
        assert_eq!(offered(u32::MAX, u32::MAX), (0x7fff_ffff, 16_777_215));
        let offer = |is_client| offer(&Config::default(), is_client).map(|setting| setting.id);
        assert!(offer(true).contains(&SettingId::EnablePush));
        assert!(offer(false).contains(&SettingId::MaxConcurrentStreams));
    }
}
