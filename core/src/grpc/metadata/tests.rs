use proptest::prelude::*;

use super::*;

fn received(lines: &[(&str, &str)]) -> Metadata {
    Metadata::from_received(lines.iter().copied().collect())
}

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
    assert_eq!(metadata.insert("grpc-previous-rpc-attempts", "1"), Err(MetadataError::Reserved));
    assert_eq!(received(&[("grpc-previous-rpc-attempts", "1")]).get("grpc-previous-rpc-attempts"), Some("1"));
}

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
    }
    assert_eq!(Metadata::new().insert("", "v"), Err(MetadataError::Name));
}

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

#[test]
fn octets_that_are_no_ascii_do_not_fail_the_rest() {
    let mut fields = Fields::new();
    fields.push(b"x", b"\xff");
    fields.push(b"y", b"1");
    let metadata = Metadata::from_received(fields);
    assert_eq!((metadata.get("x"), metadata.get("y")), (None, Some("1")));
    assert_eq!(metadata.iter().next(), Some(("x", &b"\xff"[..])));
}

#[test]
fn secrets_are_not_shown() {
    let mut metadata = Metadata::new();
    metadata.insert("authorization", "Bearer hunter2").unwrap();
    metadata.insert_secret("x-key", "hunter3").unwrap();
    assert!(!format!("{metadata:?}").contains("hunter"));
    assert!(metadata.fields().all(|field| field.sensitive));
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
        let metadata = Metadata::from_received(lines.into_iter().collect());
        for (name, _) in metadata.iter() {
            let _ = (metadata.get(name), metadata.get_all_bin(name).count());
        }
        let _ = (HeaderMap::from(&metadata), format!("{metadata:?}"));
    }
}
