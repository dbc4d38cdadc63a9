use core::time::Duration;

/// What a peer may make us hold, do or wait for on one connection. Each field has a counter in [`Stats`].
///
/// [`Stats`]: super::Stats
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// From the start of the connection to the peer's SETTINGS.
    pub handshake_timeout: Duration,
    /// From our SETTINGS to their acknowledgement (RFC 9113 §6.5.3).
    pub settings_ack_timeout: Duration,
    /// Streams that the peer may have open at a time: advertised, and enforced before it was acknowledged too. At a
    /// server a stream that was reset counts until the application has released it.
    pub max_concurrent_streams: u32,
    /// Bytes of a field section, counted as RFC 9113 §6.5.2 does: advertised, and refused beyond.
    pub max_header_list_size: u32,
    /// Bytes of a field section at which decoding is given up and the connection ends.
    pub max_header_list_abort: u32,
    /// Field lines of a section; each cookie crumb counts.
    pub max_header_fields: usize,
    /// Bytes of a field block as compressed on the wire.
    pub max_header_block_wire: usize,
    /// CONTINUATION frames of a field block.
    pub max_continuation_frames: u32,
    /// From HEADERS to the end of its field block.
    pub header_block_timeout: Duration,
    /// A frame that was begun must end in this time, but for DATA, which must keep [`frame_rate`](Self::frame_rate).
    pub frame_timeout: Duration,
    /// Bytes per second that DATA of a begun frame must keep over [`frame_timeout`](Self::frame_timeout).
    pub frame_rate: u32,
    /// SETTINGS_HEADER_TABLE_SIZE that we advertise, bytes.
    pub decoder_table_size: u32,
    /// The largest table that our encoder uses, whatever the peer offers, bytes.
    pub encoder_table_size: u32,
    /// Resets that the peer made or forced, and streams over the limit: tokens at the start.
    pub reset_burst: u32,
    /// Resets that the peer made or forced: tokens per second.
    pub reset_rate: u32,
    /// Tolerated oddities, malformed messages among them: tokens at the start.
    pub glitch_burst: u32,
    /// Tolerated oddities: tokens per second.
    pub glitch_rate: u32,
    /// SETTINGS frames: tokens at the start.
    pub settings_burst: u32,
    /// SETTINGS frames: tokens per second.
    pub settings_rate: u32,
    /// Parameters of one SETTINGS frame.
    pub max_settings_entries: usize,
    /// PING frames: tokens at the start; each DATA or HEADERS of either side adds one, up to
    /// [`ping_cap`](Self::ping_cap).
    pub ping_burst: u32,
    /// PING frames: the most tokens there can be.
    pub ping_cap: u32,
    /// PING frames: tokens per second.
    pub ping_rate: u32,
    /// WINDOW_UPDATE frames: tokens at the start; each stream adds 4 and each DATA that we send 8.
    pub window_update_burst: u32,
    /// WINDOW_UPDATE frames: tokens per second.
    pub window_update_rate: u32,
    /// PRIORITY frames and frames of unknown type: tokens at the start; each stream adds as many.
    pub ignored_burst: u32,
    /// PRIORITY frames and frames of unknown type: tokens per second.
    pub ignored_rate: u32,
    /// DATA without payload that does not end a stream: tokens at the start.
    pub empty_data_burst: u32,
    /// DATA without payload that does not end a stream: tokens per second.
    pub empty_data_rate: u32,
    /// GOAWAY frames over the life of a connection.
    pub max_goaways: u32,
    /// 1xx responses to one request.
    pub max_informational: u8,
    /// PING acknowledgements that wait to be sent; reading stops at that many.
    pub max_queued_ping_acks: usize,
    /// SETTINGS acknowledgements that wait to be sent; reading stops at that many.
    pub max_queued_settings_acks: u32,
    /// Frames that the peer forced out of us, waiting to be sent; reading stops at that many.
    pub control_frames_stall: usize,
    /// Frames that the peer forced out of us, waiting to be sent; the connection ends at that many.
    pub control_frames_kill: usize,
    /// Bytes of DATA that wait in one stream before [`send_data`](super::Connection::send_data) says `Full`.
    pub send_buffer_stream: usize,
    /// Pieces of DATA that wait in one stream before [`send_data`](super::Connection::send_data) says `Full`.
    pub send_pieces_stream: usize,
    /// Bytes of DATA that wait on the connection before a stream that has some says `Full`.
    pub send_buffer_connection: usize,
    /// The receive window of the connection never grows beyond this, bytes.
    pub max_connection_window: u32,
    /// Closed streams that are remembered, at least; 4 times
    /// [`max_concurrent_streams`](Self::max_concurrent_streams) if that is more.
    pub remembered_streams: u32,
    /// Bytes wait and the socket takes none.
    pub write_stall_timeout: Duration,
    /// DATA waits and the peer gives no window worth the name. `None` for as long as it likes.
    pub zero_window_timeout: Option<Duration>,
    /// How long the connection reads on after its GOAWAY, so that the GOAWAY arrives; from when the last bytes moved where it was
    /// drained, but no longer than [`write_stall_timeout`](Self::write_stall_timeout) after the last that the socket took.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // grpc-go waits 120 s; a peer that needs more than 10 is no peer.
            handshake_timeout: Duration::from_secs(10),
            settings_ack_timeout: Duration::from_secs(10),
            // RFC 9113 §6.5.2 asks for 100 at least.
            max_concurrent_streams: 128,
            // gRPC's norm is 8 to 16 KiB.
            max_header_list_size: 16 << 10,
            max_header_list_abort: 64 << 10,
            max_header_fields: 128,
            max_header_block_wire: 32 << 10,
            max_continuation_frames: 8,
            header_block_timeout: Duration::from_secs(5),
            frame_timeout: Duration::from_secs(30),
            frame_rate: 1 << 10,
            decoder_table_size: 4096,
            encoder_table_size: 4096,
            // Calls that run into their deadlines reset hundreds a second in good faith; an attack does 100 000.
            reset_burst: 1000,
            reset_rate: 500,
            glitch_burst: 1000,
            glitch_rate: 50,
            settings_burst: 32,
            settings_rate: 1,
            max_settings_entries: 32,
            // The BDP pings of gRPC peers must live.
            ping_burst: 100,
            ping_cap: 1000,
            ping_rate: 10,
            window_update_burst: 64,
            window_update_rate: 100,
            ignored_burst: 100,
            ignored_rate: 10,
            empty_data_burst: 32,
            empty_data_rate: 1,
            max_goaways: 16,
            max_informational: 16,
            max_queued_ping_acks: 16,
            max_queued_settings_acks: 8,
            control_frames_stall: 128,
            control_frames_kill: 1024,
            send_buffer_stream: 64 << 10,
            send_pieces_stream: 1024,
            send_buffer_connection: 1 << 20,
            max_connection_window: 16 << 20,
            // A client that cancels 500 calls a second still meets two seconds of late frames.
            remembered_streams: 1024,
            write_stall_timeout: Duration::from_secs(60),
            zero_window_timeout: None,
            linger: Duration::from_secs(1),
        }
    }
}
