//! The stories of `hpack-test-case`: the same field sections as several encoders have compressed them, in order.
//!
//! They are not part of the repository. They are looked for in `$UNWIRED_SHARED_DATA/hpack`, then beside the
//! repository in `shared/data/hpack`; where there are none, these tests say so and pass.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "a test may look around and say what it found"
)]

use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use unwired_core::http2::Fields;
use unwired_core::http2::hpack::{DEFAULT_TABLE_SIZE, Decoder, DecoderLimits, Encoder, Progress};

/// The stories go beyond what we take from a peer, so the limits are not in their way.
const LIMITS: DecoderLimits =
    DecoderLimits { list_size: usize::MAX, fields: usize::MAX, decoded: usize::MAX, block_wire: usize::MAX };

struct Case {
    fields: Fields,
    wire: Option<Vec<u8>>,
    table_size: Option<u32>,
}

/// All stories of one encoder, each with its name.
fn stories(encoder: &str) -> Vec<(String, Vec<Case>)> {
    let data = env::var_os("UNWIRED_SHARED_DATA").map(PathBuf::from);
    let data =
        data.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")));
    let folder = data.join("hpack").join(encoder);
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("no stories in {}: nothing is tested", folder.display());
        return Vec::new();
    };
    let mut stories: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let story: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (path.display().to_string(), story["cases"].as_array().unwrap().iter().map(case).collect())
        })
        .collect();
    stories.sort_by(|(one, _), (other, _): &(String, _)| one.cmp(other));
    assert!(!stories.is_empty());
    stories
}

fn case(case: &Value) -> Case {
    let lines = case["headers"].as_array().unwrap().iter().flat_map(|line| line.as_object().unwrap());
    let fields = lines.map(|(name, value)| (name.as_bytes(), value.as_str().unwrap().as_bytes())).collect();
    let wire = case["wire"].as_str().map(|digits| {
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    });
    let table_size = case["header_table_size"].as_u64().map(|size| u32::try_from(size).unwrap());
    Case { fields, wire, table_size }
}

/// The two decoders of a story: one gets each block whole, the other byte by byte.
struct Decoders {
    whole: Decoder,
    bytes: Decoder,
}

impl Decoders {
    fn new() -> Self {
        Self { whole: Decoder::new(LIMITS), bytes: Decoder::new(LIMITS) }
    }

    fn set_table_limit(&mut self, size: u32) {
        self.whole.set_table_limit(size);
        self.bytes.set_table_limit(size);
    }

    /// Decodes one block to the same fields in both ways; `names` says which section it is.
    fn decode(&mut self, wire: &[u8], names: &str) -> Fields {
        let mut fields = Fields::new();
        assert_eq!(self.whole.decode(wire, true, &mut fields), Ok(Progress::Complete), "{names}");
        let mut piecemeal = Fields::new();
        for byte in wire {
            assert_eq!(self.bytes.decode(&[*byte], false, &mut piecemeal), Ok(Progress::Partial), "{names}");
        }
        assert_eq!(self.bytes.decode(&[], true, &mut piecemeal), Ok(Progress::Complete), "{names}");
        assert_eq!(piecemeal, fields, "{names}");
        assert_eq!(self.bytes.table_digest(), self.whole.table_digest(), "{names}");
        fields
    }
}

fn same_lines(one: &Fields, other: &Fields) -> bool {
    one.iter().map(|field| (field.name, field.value)).eq(other.iter().map(|field| (field.name, field.value)))
}

fn decode_stories(encoder: &str) {
    let mut blocks = 0;
    for (name, cases) in stories(encoder) {
        let mut decoders = Decoders::new();
        let mut table_size = DEFAULT_TABLE_SIZE;
        for (at, case) in cases.iter().enumerate() {
            let names = format!("{name}, block {at}");
            if let Some(size) = case.table_size.filter(|size| *size != table_size) {
                decoders.set_table_limit(size);
                table_size = size;
            }
            let fields = decoders.decode(case.wire.as_deref().unwrap(), &names);
            assert!(same_lines(&fields, &case.fields), "{names}: {fields:?}");
            blocks += 1;
        }
    }
    println!("{encoder}: {blocks} blocks");
}

#[test]
fn stories_of_nghttp2_decode() {
    decode_stories("nghttp2");
}

#[test]
fn stories_of_nghttp2_with_changing_table_sizes_decode() {
    decode_stories("nghttp2-change-table-size");
}

#[test]
fn stories_of_go_decode() {
    decode_stories("go-hpack");
}

/// What we encode decodes to the same, tables and all, also while the table's size changes.
#[test]
fn stories_encode_and_decode_again() {
    for sizes in [&[DEFAULT_TABLE_SIZE][..], &[256, 4096, 0, 1365, 60]] {
        let (mut raw, mut coded) = (0, 0);
        for (name, cases) in stories("raw-data") {
            let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
            let mut decoders = Decoders::new();
            let mut block = Vec::new();
            for (at, case) in cases.iter().enumerate() {
                if at % 7 == 0 {
                    let size = sizes[at / 7 % sizes.len()];
                    encoder.set_table_limit(size);
                    decoders.set_table_limit(size);
                }
                block.clear();
                encoder.encode(&case.fields, &mut block);
                let names = format!("{name}, block {at}");
                let fields = decoders.decode(&block, &names);
                assert!(same_lines(&fields, &case.fields), "{names}: {fields:?}");
                assert_eq!(encoder.table_digest(), decoders.whole.table_digest(), "{names}");
                raw += case.fields.iter().map(|field| field.name.len() + field.value.len()).sum::<usize>();
                coded += block.len();
            }
        }
        println!("raw-data: {raw} bytes encoded to {coded} with table sizes {sizes:?}");
    }
}
