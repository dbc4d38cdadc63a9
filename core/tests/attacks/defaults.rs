//! SECURITY.md says which limits there are, and docs/limits.md what counts what they met; here both are held to that.

use std::collections::{BTreeMap, BTreeSet};

use unwired_core::grpc::Config;
use unwired_core::http2::{Abuse, Limits};

const SECURITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");
const COUNTERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");

/// The lines of `debug`, as `{:#?}` writes it, that are a name and a plain value.
fn plain(debug: &str) -> BTreeMap<String, String> {
    debug
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(": "))
        .filter(|(_, value)| value.chars().all(|c| c.is_ascii_alphanumeric()))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The rows of the table below `heading`: names, and values as `{:#?}` writes them.
fn rows(heading: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(SECURITY).expect("SECURITY.md");
    let (_, section) = text.split_once(heading).expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().strip_suffix('`')?;
            let value = match cells.next()?.trim() {
                "off" => "None".to_owned(),
                "no limit" => usize::MAX.to_string(),
                value => value.replace([',', ' '], ""),
            };
            Some((name.to_owned(), value))
        })
        .collect()
}

#[test]
fn limits_are_what_the_table_says() {
    assert_eq!(rows("## Limits of a connection"), plain(&format!("{:#?}", Limits::default())));
}

#[test]
fn a_servers_configuration_is_what_the_table_says() {
    let mut config = plain(&format!("{:#?}", Config::server()));
    // The limits have a table of their own; the others bound nothing.
    for limit in plain(&format!("{:#?}", Limits::default())).keys() {
        config.remove(limit);
    }
    for other in ["seed", "accept", "grpc-status"] {
        config.remove(other);
    }
    assert_eq!(rows("## A server of gRPC"), config);
}

#[test]
fn each_limit_and_each_abuse_has_its_counter_in_the_documentation() {
    let text = std::fs::read_to_string(COUNTERS).expect("docs/limits.md");
    let listed: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|row| row.0).collect();
    let limits = plain(&format!("{:#?}", Limits::default()));
    for limit in limits.keys().map(String::as_str).chain(["max_recv_message", "partial_message_budget"]) {
        assert!(listed.contains(limit), "docs/limits.md says nothing of {limit}");
    }
    for name in Abuse::ALL.map(Abuse::name) {
        assert!(text.contains(&format!("`{name}`")), "docs/limits.md says nothing of {name}");
    }
    // A counter that is named is there.
    let grpc = format!("{:#?}", unwired_core::grpc::Stats::default());
    for counter in [
        "active_calls",
        "partial_bytes",
        "calls_rejected",
        "calls_without_te",
        "streams_refused",
        "streams_reset",
        "frames_received",
        "data_received",
        "buffered_to_send",
        "received",
        "abuse",
        "kills",
    ] {
        assert!(grpc.contains(&format!("{counter}: ")), "{counter} is no counter");
        assert!(text.contains(counter), "docs/limits.md says nothing of {counter}");
    }
}
