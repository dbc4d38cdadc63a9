//! RFC 7541 on a connection: the representations that a field may come in, and what is none.

use unwired_core::http2::{Event, Fields, Reason};

use crate::raw::{self, Raw};

/// RFC 7541 §C.4.3: a name and a value, with their Huffman codes.
const NAME: (&[u8], &[u8]) = (b"custom-key", &[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f]);
const VALUE: (&[u8], &[u8]) = (b"custom-value", &[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf]);
/// The index of `user-agent` in the static table.
const USER_AGENT: u8 = 58;
/// A literal's first octet: to be indexed, not to be, never to be.
const LITERALS: [u8; 3] = [0x40, 0x00, 0x10];

/// A string literal, plain or as a Huffman code.
fn string((plain, code): (&[u8], &[u8]), huffman: bool) -> Vec<u8> {
    let (octets, bit) = if huffman { (code, 0x80) } else { (plain, 0) };
    [&[bit | octets.len() as u8], octets].concat()
}

/// `name` by its place in the static table.
fn indexed(literal: u8, name: u8) -> Vec<u8> {
    if literal == 0x40 { vec![literal | name] } else { vec![literal | 15, name - 15] }
}

/// What a server makes of a request with `more` behind its pseudo-header fields.
fn delivered(server: &mut Raw, stream: u32, more: &[u8]) -> Fields {
    server.feed(&raw::headers(stream, &[&raw::block(raw::REQUEST), more].concat(), true));
    let events = server.events();
    let [Event::Headers { stream, end_stream: true }] = events[..] else { panic!("{events:?}") };
    server.conn.take_fields(stream).expect("fields")
}

/// H2spec: generic/5/1.
#[test]
fn an_index_is_a_field() {
    // RFC 7541 §6.1
    let fields = delivered(&mut Raw::server(), 1, &[0x80 | USER_AGENT]);
    assert_eq!(fields.get(b"user-agent"), Some(&b""[..]));
}

/// H2spec: generic/5/2, generic/5/3, generic/5/4, generic/5/5, generic/5/6, generic/5/7, generic/5/8, generic/5/9,
/// generic/5/10, generic/5/11, generic/5/12, generic/5/13.
/// Obligations: 49.
#[test]
fn a_literal_is_a_field_whatever_its_kind_and_its_code() {
    // RFC 7541 §6.2
    let mut server = Raw::server();
    let mut stream = 1;
    for literal in LITERALS {
        for huffman in [false, true] {
            let value = string(VALUE, huffman);
            let fields =
                delivered(&mut server, stream, &[indexed(literal, USER_AGENT), value.clone()].concat());
            assert_eq!(fields.get(b"user-agent"), Some(VALUE.0));
            for huffman in [false, true] {
                let more = [vec![literal], string(NAME, huffman), value.clone()].concat();
                let fields = delivered(&mut server, stream + 2, &more);
                assert_eq!(fields.get(NAME.0), Some(VALUE.0));
                // RFC 7541 §7.1.3: what is never indexed stays so on its way.
                let field = fields.iter().last().expect("a field");
                assert_eq!(field.sensitive, literal == 0x10);
                stream += 4;
            }
        }
    }
    // What was to be indexed is in the table now, the last of it first.
    let fields = delivered(&mut server, stream, &[0x80 | 62]);
    assert_eq!(fields.get(NAME.0), Some(VALUE.0));
}

/// H2spec: generic/5/14, generic/5/15.
/// Obligations: 46.
#[test]
fn sizes_of_the_table_come_ahead_of_a_block() {
    // RFC 7541 §4.2
    for sizes in [&[0x3f, 0x61][..], &[0x3f, 0x61, 0x3f, 0xe1, 0x1f]] {
        let mut server = Raw::server();
        server.feed(&raw::headers(1, &[sizes, &raw::block(raw::REQUEST)].concat(), true));
        assert!(matches!(server.events()[..], [Event::Headers { .. }]));
        server.lives();
    }
}

/// H2spec: hpack/2.3.3/1, hpack/2.3.3/2, hpack/4.2/1, hpack/5.2/1, hpack/5.2/2, hpack/5.2/3, hpack/6.1/1, hpack/6.3/1.
/// Obligations: 44, 46, 48.
#[test]
fn what_is_no_representation_ends_the_connection() {
    // The code of `a` is 00011.
    let literal = |value: &[u8]| [&[0, 1, b'x', 0x80 | value.len() as u8], value].concat();
    for wrong in [
        // RFC 7541 §2.3.3: an index beyond both tables, as a field and as a name.
        vec![0x80 | 70],
        vec![0x40 | 0x3f, 7, 1, b'x'],
        // RFC 7541 §4.2: a size behind a field.
        vec![0x21],
        // RFC 7541 §5.2: padding of more than 7 bits, padding that is not all ones, and EOS.
        literal(&[0b0001_1111, 0xff]),
        literal(&[0b0001_1000]),
        literal(&[0xff; 4]),
        // RFC 7541 §6.1
        vec![0x80],
    ] {
        let block = [raw::block(raw::REQUEST), wrong].concat();
        Raw::server().dies_of(&raw::headers(1, &block, true), Reason::COMPRESSION_ERROR);
        let block = [raw::block(raw::RESPONSE), block].concat();
        let mut client = Raw::client();
        client.open(1, true);
        client.dies_of(&raw::headers(1, &block, true), Reason::COMPRESSION_ERROR);
    }
    // RFC 7541 §6.3: 4097 octets, one more than our SETTINGS allow.
    let block = [vec![0x3f, 0xe2, 0x1f], raw::block(raw::REQUEST)].concat();
    Raw::server().dies_of(&raw::headers(1, &block, true), Reason::COMPRESSION_ERROR);
}
