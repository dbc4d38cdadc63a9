//! Writes seeds into `seeds/`: inputs that reach far into each target, made with our own encoders. `cargo run --example
//! seeds` in `fuzz/`. Seeds that were found otherwise stay as they are.

use std::fs;
use std::path::Path;

use unwired_core::grpc::{Encoding, Message, compress};
use unwired_core::http2::frame::{FrameHead, Kind, flag};
use unwired_core::http2::hpack::Encoder;
use unwired_core::http2::{Fields, StreamId};

fn main() -> std::io::Result<()> {
    round_trips()?;
    messages()?;
    texts()?;
    servers()?;
    clients()
}

fn write(target: &str, name: &str, octets: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), octets)
}

/// A piece behind its length.
fn piece(octets: &[u8]) -> Vec<u8> {
    let length = u8::try_from(octets.len()).expect("a short piece");
    [&[length], octets].concat()
}

fn pieces<const N: usize>(all: [&[u8]; N]) -> Vec<u8> {
    all.into_iter().flat_map(piece).collect()
}

fn round_trips() -> std::io::Result<()> {
    let field = |name: &[u8], value: &[u8]| [&[0][..], &pieces([name, value])].concat();
    let secret = |name: &[u8], value: &[u8]| [&[0x80][..], &pieces([name, value])].concat();
    let again = |which: u8| vec![3, which];
    let end = |step: u8| vec![5, step];
    let limit = |octets: u16| [&[6][..], &octets.to_be_bytes()].concat();
    let head = [
        field(b":method", b"POST"),
        field(b":path", b"/helloworld.Greeter/SayHello"),
        field(b"x-request-id", b"17"),
        secret(b"x-token", b"sesame"),
        field(b"authorization", b"Bearer of news"),
        field(b"trace-bin", b"AAAA"),
    ]
    .concat();
    let repeat: Vec<u8> = (0..6).flat_map(again).collect();
    let large = [0x10, 0x00];
    write(
        "hpack_round_trip",
        "repeats",
        &[&large[..], &head, &end(0), &repeat, &end(1), &repeat, &end(7)].concat(),
    )?;
    let sizes =
        [&head, &end(0), &limit(0), &limit(300), &repeat, &end(2), &limit(4096), &repeat, &end(0), &[7][..]];
    write("hpack_round_trip", "table-sizes", &[&large[..], &sizes.concat()].concat())?;
    write("hpack_round_trip", "no-table", &[&[0, 0][..], &head, &end(0), &repeat, &end(3)].concat())?;
    let octets: Vec<u8> = (0..=254).collect();
    write(
        "hpack_round_trip",
        "any-octets",
        &[&large[..], &field(&octets, &octets), &end(9), &again(0), &end(0)].concat(),
    )
}

fn messages() -> std::io::Result<()> {
    let text = b"hello, hello, hello, hello, hello";
    for (bits, encoding) in
        [(0, Encoding::Identity), (1, Encoding::Gzip), (2, Encoding::Deflate), (3, Encoding::Zstd)]
    {
        let compressed = encoding != Encoding::Identity;
        let payload = compress(encoding, text).expect("an encoding of ours");
        let framed = |message: &Message| {
            let length = (message.payload.len() as u32).to_be_bytes();
            [&[u8::from(message.compressed)][..], &length, &message.payload].concat()
        };
        let one = framed(&Message { compressed, payload });
        let plain = framed(&Message::plain((&text[..]).into()));
        let two = [&one[..], &plain, &framed(&Message::default())].concat();
        write("message_decode", &format!("{encoding}-many"), &[&[bits, 1, 0, 3][..], &two].concat())?;
        write("message_decode", &format!("{encoding}-one"), &[&[bits | 4, 1, 0, 0][..], &one].concat())?;
        write("message_decode", &format!("{encoding}-over"), &[&[bits, 0, 20, 0][..], &two].concat())?;
        write(
            "message_decode",
            &format!("{encoding}-cut"),
            &[&[bits, 1, 0, 0][..], &two[..two.len() - 7]].concat(),
        )?;
    }
    write("message_decode", "flag", &[0, 1, 0, 0, 2, 0, 0, 0, 0])
}

fn texts() -> std::io::Result<()> {
    let text = |kind: u8, octets: &[u8]| [&[kind], octets].concat();
    write("text", "timeout", &text(0, b"99999999H"))?;
    write("text", "timeout-to-write", &text(1, &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]))?;
    write("text", "path", &text(2, b"/helloworld.Greeter/SayHello"))?;
    write("text", "encodings", &text(3, b"identity, gzip,br,zstd"))?;
    write("text", "code", &text(4, b"16"))?;
    let status = [
        b"grpc-status",
        &b"5"[..],
        b"grpc-message",
        b"100%25 %E2%82%AC%zz",
        b"grpc-status-details-bin",
        b"CAU=",
    ];
    write(
        "text",
        "status-of-a-peer",
        &text(5, &[pieces(status), pieces([b"a-bin", b"AA,Ag==", b"b", b"c"])].concat()),
    )?;
    let ours = [&[13][..], &pieces(["100 % \u{20ac}\n".as_bytes(), b"\x08\x05"])].concat();
    write("text", "status-of-ours", &text(6, &[&ours[..], &[0], &pieces([b"k", b"v"])].concat()))?;
    let entry = |how: u8, name: &[u8], value: &[u8]| [&[how][..], &pieces([name, value])].concat();
    let metadata = [
        entry(0, b"X-Id", b" 17 "),
        entry(1, b"x-id", b"18"),
        entry(2, b"authorization", b"secret"),
        entry(3, b"trace-bin", b"\0\xff"),
        entry(4, b"trace-bin", b"\x01"),
        entry(0, b"grpc-timeout", b"1S"),
        entry(5, b"x-id", b""),
    ];
    write("text", "metadata", &text(7, &metadata.concat()))?;
    let request = [
        b"content-type",
        &b"application/grpc+proto; a=b"[..],
        b"grpc-timeout",
        b"20m",
        b"grpc-encoding",
        b"gzip",
        b"grpc-accept-encoding",
        b"gzip,identity",
        b"te",
        b"trailers",
        b"x-bin",
        b"AAE",
        b"user-agent",
        b"grpc-go/1",
    ];
    write("text", "request", &text(8, &pieces(request)))?;
    write(
        "text",
        "request-refused",
        &text(8, &pieces([b"content-type", b"application/grpc", b"grpc-encoding", b"br"])),
    )
}

fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let stream = StreamId::from_wire(stream.to_be_bytes());
    [&FrameHead { length: payload.len() as u32, kind, flags, stream }.octets(), payload].concat()
}

fn settings() -> Vec<u8> {
    frame(Kind::Settings, 0, 0, &[])
}

fn headers(encoder: &mut Encoder, flags: u8, stream: u32, lines: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode(&lines.iter().copied().collect::<Fields>(), &mut block);
    frame(Kind::Headers, flags, stream, &block)
}

const RESPONSE: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];
const TRAILERS: [(&str, &str); 1] = [("grpc-status", "0")];

/// What servers send, for `client_connection`.
fn servers() -> std::io::Result<()> {
    let whole = flag::END_HEADERS;
    let last = whole | flag::END_STREAM;
    let ack = frame(Kind::Settings, flag::ACK, 0, &[]);
    let save = |name: &str, how: u8, frames: &[Vec<u8>]| {
        write("client_connection", name, &[&[how][..], &settings(), &ack, &frames.concat()].concat())
    };
    let answer = |encoder: &mut Encoder, stream: u32| {
        [
            headers(encoder, whole, stream, &RESPONSE),
            frame(Kind::Data, 0, stream, b"\0\0\0\0\x02hi"),
            headers(encoder, last, stream, &TRAILERS),
        ]
        .concat()
    };
    let mut encoder = Encoder::new(4096);
    let answers: Vec<_> =
        [1, 5, 3, 7, 9, 11, 13].into_iter().map(|stream| answer(&mut encoder, stream)).collect();
    save("answers", 0, &answers)?;
    save("answers-by-seven", 7, &answers)?;
    save("answers-unread", 0x80, &answers)?;
    let mut encoder = Encoder::new(4096);
    let interim = headers(&mut encoder, whole, 1, &[(":status", "103"), ("link", "a")]);
    save("interim", 0, &[interim, answer(&mut encoder, 1)])?;
    let mut encoder = Encoder::new(4096);
    save("trailers-only", 0, &[headers(&mut encoder, last, 1, &[RESPONSE[0], RESPONSE[1], TRAILERS[0]])])?;
    let reset = |stream: u32, code: u32| frame(Kind::ResetStream, 0, stream, &code.to_be_bytes());
    save("resets", 0, &[reset(1, 7), reset(3, 8), reset(5, 0), reset(7, 11)])?;
    let goaway = |last: u32, code: u32| {
        frame(Kind::GoAway, 0, 0, &[&last.to_be_bytes()[..], &code.to_be_bytes(), b"bye"].concat())
    };
    let mut encoder = Encoder::new(4096);
    save(
        "goaway",
        0,
        &[goaway(u32::MAX >> 1, 0), answer(&mut encoder, 1), goaway(3, 0), answer(&mut encoder, 3)],
    )?;
    let setting = |id: u16, value: u32| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let several =
        [setting(3, 1), setting(4, 10), setting(1, 0), setting(5, 1 << 20), setting(6, 100)].concat();
    let window = |stream: u32, step: u32| frame(Kind::WindowUpdate, 0, stream, &step.to_be_bytes());
    save(
        "settings-and-windows",
        0,
        &[
            frame(Kind::Settings, 0, 0, &several),
            window(3, 5),
            window(0, 100_000),
            frame(Kind::Settings, 0, 0, &setting(4, 1 << 20)),
            frame(Kind::Ping, 0, 0, b"12345678"),
        ],
    )?;
    let mut encoder = Encoder::new(4096);
    let promise = [&2_u32.to_be_bytes()[..], b"\x82\x86\x84\x41\x01a"].concat();
    save("promise", 0, &[answer(&mut encoder, 1), frame(Kind::PushPromise, whole, 3, &promise)])
}

/// What clients send, for `differential_h2`.
fn clients() -> std::io::Result<()> {
    let whole = flag::END_HEADERS;
    let last = whole | flag::END_STREAM;
    let request = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a/b?c"),
        (":authority", "a:1"),
        ("te", "trailers"),
        ("cookie", "a=b"),
        ("cookie", "c=d"),
    ];
    let save = |name: &str, frames: &[Vec<u8>]| {
        write("differential_h2", name, &[&settings()[..], &frames.concat()].concat())
    };
    let mut encoder = Encoder::new(4096);
    save(
        "requests",
        &[
            headers(&mut encoder, last, 1, &request),
            headers(&mut encoder, whole, 3, &request),
            frame(Kind::Data, 0, 3, b"hello"),
            frame(Kind::Data, flag::END_STREAM | flag::PADDED, 3, b"\x02x\0\0"),
            headers(&mut encoder, whole, 5, &request),
            headers(&mut encoder, last, 5, &[("a", "b")]),
        ],
    )?;
    let mut encoder = Encoder::new(4096);
    let mut block = Vec::new();
    encoder.encode(&request.into_iter().collect(), &mut block);
    let priority = [&[0, 0, 0, 0, 15][..], &block].concat();
    save(
        "continuation-and-priority",
        &[
            frame(Kind::Headers, flag::PRIORITY | flag::END_STREAM, 1, &priority[..9]),
            frame(Kind::Continuation, 0, 1, &priority[9..20]),
            frame(Kind::Continuation, whole, 1, &priority[20..]),
            frame(Kind::Priority, 0, 9, &[0, 0, 0, 1, 7]),
        ],
    )?;
    let mut encoder = Encoder::new(4096);
    let code = |code: u32| code.to_be_bytes();
    save(
        "resets-and-windows",
        &[
            headers(&mut encoder, whole, 1, &request),
            frame(Kind::ResetStream, 0, 1, &code(8)),
            frame(Kind::Data, 0, 1, b"late"),
            frame(Kind::WindowUpdate, 0, 1, &code(9)),
            headers(&mut encoder, whole, 3, &request),
            frame(Kind::WindowUpdate, 0, 3, &code(u32::MAX >> 1)),
            frame(Kind::WindowUpdate, 0, 0, &code(1)),
            frame(Kind::Ping, 0, 0, b"12345678"),
            frame(Kind::Ping, flag::ACK, 0, b"12345678"),
            frame(Kind::Unknown(0xfe), 0, 0, b"grease"),
            frame(Kind::GoAway, 0, 0, &[0; 8]),
        ],
    )?;
    for (name, line) in [
        ("malformed-upper-case", ("A", "b")),
        ("malformed-connection", ("connection", "close")),
        ("malformed-te", ("te", "gzip")),
        ("malformed-pseudo", (":path", "/")),
        ("malformed-length", ("content-length", "7")),
        ("malformed-value", ("a", "b\n")),
    ] {
        let mut encoder = Encoder::new(4096);
        let lines = [&request[..4], &[line]].concat();
        save(name, &[headers(&mut encoder, last, 1, &lines), headers(&mut encoder, last, 3, &request)])?;
    }
    let mut encoder = Encoder::new(4096);
    let connect = [(":method", "CONNECT"), (":authority", "a:1")];
    save("connect", &[headers(&mut encoder, whole, 1, &connect), frame(Kind::Data, 0, 1, b"x")])?;
    save(
        "settings",
        &[frame(Kind::Settings, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1])],
    )
}
