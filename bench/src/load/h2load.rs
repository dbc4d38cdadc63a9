//! `h2load` of nghttp2: a load generator that costs little and belongs to none of the contenders.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, process};

use super::{Outcome, Shape};
use crate::cores::{self, Core};
use crate::wire::message;
use crate::wire::requests::{Calls, REQUEST};

/// Plays `calls` unary calls of `helloworld.Greeter/SayHello` and waits for their ends.
pub(super) fn unary(addr: SocketAddr, shape: Shape, calls: u64) -> Result<Outcome, Box<dyn Error>> {
    if shape.calls != Calls::Plain {
        return Err("h2load makes every call the same".into());
    }
    let body = Body::write()?;
    let output = cores::pinned(&[Core::Load], "h2load")
        .arg(format!("--clients={}", shape.connections))
        .arg(format!("--max-concurrent-streams={}", shape.in_flight))
        .arg(format!("--requests={calls}"))
        .args(["--header=content-type: application/grpc", "--header=te: trailers", "--data"])
        .arg(&body.0)
        .arg(format!("http://{addr}/helloworld.Greeter/SayHello"))
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| format!("h2load (of nghttp2) makes the load, but: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let served = read(&text)
        .ok_or_else(|| format!("h2load said: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    if served.count == calls {
        Ok(served)
    } else {
        Err(format!("of {calls} calls only {} succeeded:\n{text}", served.count).into())
    }
}

/// Its last words: `finished in 1.23s, ...` and `requests: ... 500 succeeded, ...`.
fn read(text: &str) -> Option<Outcome> {
    let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let took = duration(line("finished in ")?.split(',').next()?)?;
    let calls =
        line("requests: ")?.split(", ").find_map(|part| part.strip_suffix(" succeeded"))?.parse().ok()?;
    Some(Outcome { count: calls, took, cpu: None, latency: None })
}

/// `1.23s`, `45.60ms` or `789us`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let second = match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * second).ok()
}

/// The request as a file, which is how h2load takes it; dropped, it is gone.
struct Body(PathBuf);

impl Body {
    fn write() -> std::io::Result<Self> {
        let path = env::temp_dir().join(format!("unwired-bench-{}.request", process::id()));
        fs::write(&path, message(REQUEST))?;
        Ok(Self(path))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
