//! Encodes field sections, for decoders of others. A line of the input is a field, `NAME VALUE` in hexadecimal digits, or `table SIZE`
//! for what the peer's SETTINGS say; an empty line ends a section. A line of the output is a field block in hexadecimal digits.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use unwired_core::http2::Fields;
use unwired_core::http2::hpack::{DEFAULT_TABLE_SIZE, Encoder};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hpack_encoder: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
    let mut fields = Fields::new();
    let mut block = Vec::new();
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            block.clear();
            encoder.encode(&fields, &mut block);
            fields.clear();
            for octet in &block {
                write!(output, "{octet:02x}")?;
            }
            writeln!(output)?;
            continue;
        }
        let wrong = || io::Error::other(format!("`{line}` is neither a field nor the size of a table"));
        let (name, value) = line.split_once(' ').ok_or_else(wrong)?;
        if name == "table" {
            encoder.set_table_limit(value.parse().map_err(io::Error::other)?);
        } else {
            fields.push(&octets(name).ok_or_else(wrong)?, &octets(value).ok_or_else(wrong)?);
        }
    }
    output.flush()
}

/// What pairs of hexadecimal digits say.
fn octets(digits: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        digits.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |octet, digit| octet << 4 | digit)).collect())
}
