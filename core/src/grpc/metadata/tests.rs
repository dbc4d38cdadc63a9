use proptest::prelude::*;

use super::*;
use crate::http2::classify;

fn received(lines: &[(&str, &str)]) -> Metadata {
    Metadata::from_received(lines.iter().copied().collect()).0
}

/// Threats: S7.
/// Obligations: 55.
#[test]
fn reserved_names_are_refused_on_the_way_out_and_hidden_on_the_way_in() {
    let mut metadata = Metadata::new();
    for name in
        ["grpc-status", "grpc-foo", "grpc-timeout", "te", "TE", "content-type", ":path", "connection", "host"]
    {
        assert_eq!(metadata.insert(name, "x"), Err(MetadataError::Reserved), "{name}");
        assert!(received(&[(name, "x")]).is_empty() || name == "TE", "{name}");
    }
    assert_eq!(metadata.insert_bin("grpc-trace-bin", [1]), Ok(()));
}

#[test]
fn what_only_the_library_sends_can_be_read_and_is_not_passed_on() {
    for name in ["grpc-previous-rpc-attempts", "user-agent"] {
        assert_eq!(Metadata::new().insert(name, "1"), Err(MetadataError::Reserved));
        let mut metadata = received(&[(name, "1")]);
        metadata.insert("x", "2").unwrap();
        assert_eq!((metadata.get(name), metadata.get("x")), (Some("1"), Some("2")));
        let mut sent = Fields::new();
        metadata.put(&mut sent);
        assert_eq!(sent, Fields::from_iter([("x", "2")]));
    }
}

/// Threats: S7.
#[test]
fn every_octet_of_a_name_and_a_value_is_judged() {
    for octet in 0..=u8::MAX {
        let name = char::from(octet).to_string();
        let legal = matches!(octet, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'-' | b'.');
        assert_eq!(Metadata::new().insert(format!("x{name}"), "v").is_ok(), legal, "name {octet:#x}");
        let value = [b'v', octet, b'v'];
        assert_eq!(
            Metadata::new().insert("x", value).is_ok(),
            (0x20..0x7f).contains(&octet),
            "value {octet:#x}"
        );
        let edges = [octet, b'v', octet];
        let legal = (0x20..0x7f).contains(&octet) || octet == b'\t';
        assert_eq!(Metadata::new().insert("x", edges).is_ok(), legal, "edges {octet:#x}");
    }
    assert_eq!(Metadata::new().insert("", "v"), Err(MetadataError::Name));
}

/// Obligations: 55.
#[test]
fn binary_values_come_padded_unpadded_and_joined() {
    let metadata = received(&[("x-bin", "AQ==,Ag"), ("x-bin", "Aw"), ("x-bin", "!!")]);
    let values: Vec<_> = metadata.get_all_bin("x-bin").collect();
    assert_eq!(values, [Some(vec![1]), Some(vec![2]), Some(vec![3]), None]);
    assert_eq!(metadata.get("x-bin"), None);
}

#[test]
fn text_and_octets_do_not_mix() {
    let mut metadata = Metadata::new();
    assert_eq!(metadata.insert("x-bin", "AQ"), Err(MetadataError::Kind));
    assert_eq!(metadata.insert_bin("x", [1]), Err(MetadataError::Kind));
}

/// Found by the fuzz target `text`.
#[test]
fn case_means_nothing_in_names_of_octets_either() {
    let mut metadata = Metadata::new();
    metadata.insert_bin("Trace-Bin", [1, 2]).unwrap();
    for name in ["trace-bin", "Trace-Bin", "TRACE-BIN"] {
        assert_eq!(metadata.get_bin(name), Some(vec![1, 2]), "{name}");
        assert_eq!(metadata.get(name), None, "{name}: octets as text");
        assert!(metadata.contains(name));
    }
}

#[test]
fn values_of_a_name_stay_in_order_and_insert_replaces_them() {
    let mut metadata = Metadata::new();
    for value in ["a", "b"] {
        metadata.append("x", value).unwrap();
        metadata.append("y", value).unwrap();
    }
    assert_eq!(metadata.get_all("X").collect::<Vec<_>>(), ["a", "b"]);
    metadata.insert("x", "c").unwrap();
    assert_eq!(metadata.get_all("x").collect::<Vec<_>>(), ["c"]);
    assert!(metadata.remove("y") && !metadata.remove("y"));
    assert_eq!(metadata.len(), 1);
}

/// Threats: H6.
#[test]
fn octets_that_are_no_ascii_do_not_fail_the_rest() {
    let mut fields = Fields::new();
    fields.push(b"x", b"\xff");
    fields.push(b"y", b"1");
    let metadata = Metadata::from_received(fields).0;
    assert_eq!((metadata.get("x"), metadata.get("y")), (None, Some("1")));
    assert_eq!(metadata.iter().next(), Some(("x", &b"\xff"[..])));
}

#[test]
fn secrets_are_not_shown() {
    let mut metadata = Metadata::new();
    metadata.insert("authorization", "Bearer hunter2").unwrap();
    metadata.insert_secret("x-key", "hunter3").unwrap();
    assert!(!format!("{metadata:?}").contains("hunter"));
    let mut marked = HeaderValue::from_static("hunter4");
    marked.set_sensitive(true);
    metadata.append(HeaderName::from_static("x-mark"), &marked).unwrap();
    assert!(metadata.fields().all(|field| field.sensitive));
    assert!(!format!("{metadata:?}").contains("hunter"));

    // A peer need not mark what everyone knows to be secret.
    let metadata = received(&[("authorization", "Bearer hunter5")]);
    assert!(!format!("{metadata:?}").contains("hunter"));
    assert!(HeaderMap::from(&metadata)["authorization"].is_sensitive());
}

#[test]
fn a_clone_is_not_changed_with_its_original() {
    let mut metadata = Metadata::new();
    metadata.insert("x", "1").unwrap();
    let clone = metadata.clone();
    metadata.insert("x", "2").unwrap();
    assert_eq!(clone.get("x"), Some("1"));
}

#[test]
fn header_maps_go_both_ways() {
    let mut metadata = Metadata::new();
    metadata.append("x", "1").unwrap();
    metadata.append("x", "2").unwrap();
    metadata.append_bin("y-bin", [1, 2, 3]).unwrap();
    metadata.insert_secret("z", "s").unwrap();
    let headers = HeaderMap::from(&metadata);
    assert!(headers["z"].is_sensitive());
    assert_eq!(Metadata::try_from(&headers).unwrap(), metadata);
    let mut headers = HeaderMap::new();
    headers.insert("te", HeaderValue::from_static("trailers"));
    assert_eq!(Metadata::try_from(&headers), Err(MetadataError::Reserved));
}

#[test]
fn binary_values_of_header_maps_are_judged_and_go_on_unpadded() {
    let from = |value| Metadata::try_from(&HeaderMap::from_iter([(HeaderName::from_static("x-bin"), value)]));
    let metadata = from(HeaderValue::from_static("AQ==, Ag")).unwrap();
    assert_eq!(metadata.iter().collect::<Vec<_>>(), [("x-bin", &b"AQ"[..]), ("x-bin", b"Ag")]);
    assert_eq!(from(HeaderValue::from_static("!!")), Err(MetadataError::Base64));
}

#[test]
fn a_value_that_is_replaced_again_and_again_takes_no_more_memory() {
    let mut metadata = Metadata::new();
    metadata.insert("y", "stays").unwrap();
    for n in 0..10_000 {
        metadata.insert("x", format!("{n:0100}")).unwrap();
    }
    assert!(metadata.0.as_ref().unwrap().capacity() < 4096);
    assert_eq!((metadata.get("x"), metadata.get("y")), (Some(&*format!("{:0100}", 9999)), Some("stays")));
}

proptest! {
    #[test]
    fn any_octets_survive_as_binary(values: Vec<Vec<u8>>) {
        let mut metadata = Metadata::new();
        for value in &values {
            metadata.append_bin("x-bin", value).unwrap();
        }
        let back: Option<Vec<_>> = metadata.get_all_bin("x-bin").collect();
        prop_assert_eq!(back, Some(values));
    }

    #[test]
    fn any_received_section_can_be_read(lines: Vec<(Vec<u8>, Vec<u8>)>) {
        let metadata = Metadata::from_received(lines.into_iter().collect()).0;
        for (name, _) in metadata.iter() {
            let _ = (metadata.get(name), metadata.get_all_bin(name).count());
        }
        let _ = (HeaderMap::from(&metadata), format!("{metadata:?}"));
    }
}

/// What goes out is not judged again: it must be regular for HTTP/2.
#[test]
fn what_can_be_set_is_a_regular_line_of_http2() {
    let names = [
        "te",
        "host",
        "content-length",
        "connection",
        "keep-alive",
        "upgrade",
        "x",
        "A-b_c.9",
        "-",
        ".",
        "x-bin",
    ];
    let values: Vec<_> = (0..=u8::MAX)
        .map(|octet| char::from(octet).to_string())
        .chain(["a b".to_owned(), " a\t".to_owned()])
        .collect();
    for name in names {
        for value in &values {
            let mut metadata = Metadata::new();
            let set = metadata
                .insert(name, value.as_str())
                .or_else(|_| metadata.insert_bin(name, value.as_bytes()));
            let mut fields = Fields::new();
            metadata.put(&mut fields);
            assert_eq!(fields.len(), usize::from(set.is_ok()));
            for field in &fields {
                assert_eq!(classify(field.name, field.value), Class::Regular, "{field:?}");
            }
        }
    }
}
