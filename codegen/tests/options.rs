//! What the options change in what is generated.

use std::fs;

use tempfile::TempDir;
use unwired_build::Builder;

const SHOP: &str = r#"
syntax = "proto3";
package shop.v1;
import "common.proto";
import "google/protobuf/timestamp.proto";

// Sells things.
service Shop {
  // Buys one.
  rpc Buy(Order) returns (stream common.Receipt);
}

// What to buy.
message Order {
  bytes picture = 1;
  map<string, int32> counts = 2;
  google.protobuf.Timestamp when = 3;
  oneof how { bool fast = 4; }
}
"#;

const COMMON: &str = r#"
syntax = "proto3";
package common;
message Receipt {}
service Archive {
  rpc Keep(Receipt) returns (Receipt);
}
"#;

/// What is generated for the shop, and the folder with all that is.
fn generate(options: impl FnOnce(Builder) -> Builder) -> (String, TempDir) {
    let folder = TempDir::new().unwrap();
    let proto = folder.path().join("shop.proto");
    fs::write(&proto, SHOP).unwrap();
    fs::write(folder.path().join("common.proto"), COMMON).unwrap();
    let build = options(unwired_build::configure().out_dir(folder.path()));
    build.compile_protos(&[&proto], &[folder.path()]).unwrap();
    (fs::read_to_string(folder.path().join("shop.v1.rs")).unwrap(), folder)
}

#[track_caller]
fn has(code: &str, parts: &[&str]) {
    for part in parts {
        assert!(code.contains(part), "no `{part}` in:\n{code}");
    }
}

#[track_caller]
fn lacks(code: &str, parts: &[&str]) {
    for part in parts {
        assert!(!code.contains(part), "`{part}` in:\n{code}");
    }
}

#[test]
fn everything_is_generated_by_default() {
    let (code, folder) = generate(|build| build);
    has(
        &code,
        &[
            "pub struct Order",
            "pub mod shop_client",
            "pub struct ShopClient(",
            "pub mod shop_server",
            "pub trait Shop: ::core::marker::Send",
            "pub struct ShopServer<T>",
            "/// Sells things.",
            "/// Buys one.",
            "\"/shop.v1.Shop/Buy\"",
            "\"shop.v1.Shop\"",
            "super::super::super::common::Receipt",
            "::unwired::codec::Prost",
            "::prost_types::Timestamp",
        ],
    );
    assert!(folder.path().join("common.rs").exists());
}

#[test]
fn one_side_alone() {
    let (client, _) = generate(|build| build.build_server(false));
    has(&client, &["pub mod shop_client"]);
    lacks(&client, &["shop_server", "ShopServer"]);
    let (server, _) = generate(|build| build.build_client(false));
    has(&server, &["pub mod shop_server"]);
    lacks(&server, &["shop_client", "ShopClient"]);
}

#[test]
fn neither_side() {
    let (code, _) =
        generate(|build| build.build_client(false).build_server(false).extern_path(".common", "::common"));
    has(&code, &["pub struct Order"]);
    lacks(&code, &["Shop"]);
}

#[test]
fn local_services_need_no_send() {
    let (code, _) = generate(|build| build.build_client(false).local(true));
    has(&code, &["pub trait Shop: 'static", "LocalService", "LocalHandler"]);
    lacks(&code, &["marker::Send", "marker::Sync"]);
}

#[test]
fn code_for_threads_is_not_async() {
    let (code, _) = generate(|build| build.build_blocking(true));
    has(&code, &["pub mod shop_client", "pub mod shop_server", "pub mod shop_blocking_server"]);
    let blocking = &code[code.find("pub mod shop_blocking_client").unwrap()..];
    has(blocking, &["pub struct ShopBlockingClient", "::unwired_blocking::Service for ShopServer<T>"]);
    lacks(blocking, &["async ", ".await", "future::Future"]);
    let (code, _) = generate(|build| build);
    lacks(&code, &["blocking"]);
}

#[test]
fn attributes_stand_where_they_belong() {
    let (code, _) = generate(|build| {
        build
            .client_mod_attribute(".shop", "#[cfg(feature = \"client\")]")
            .client_attribute("Shop", "#[doc(alias = \"stub\")]")
            .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
            .server_attribute(".shop.v1.Shop", "#[doc(alias = \"served\")]")
            .trait_attribute("v1.Shop", "#[doc(alias = \"trait\")]")
            .type_attribute("Order", "#[doc(alias = \"type\")]")
            .message_attribute("Order", "#[doc(alias = \"message\")]")
            .enum_attribute("Order.how", "#[doc(alias = \"enum\")]")
            .field_attribute("Order.picture", "#[doc(alias = \"field\")]")
            .client_attribute("Other", "#[doc(alias = \"nowhere\")]")
    });
    has(
        &code,
        &[
            "#[cfg(feature = \"client\")]\npub mod shop_client",
            "#[doc(alias = \"stub\")]\n    #[derive(Clone, Debug)]\n    pub struct ShopClient",
            "#[cfg(feature = \"server\")]\npub mod shop_server",
            "#[doc(alias = \"served\")]\n    #[derive(Debug)]\n    pub struct ShopServer",
            "#[doc(alias = \"trait\")]\n    pub trait Shop",
            "#[doc(alias = \"type\")]",
            "#[doc(alias = \"message\")]",
            "#[doc(alias = \"enum\")]",
            "#[doc(alias = \"field\")]",
        ],
    );
    lacks(&code, &["nowhere"]);
}

#[test]
fn types_of_fields() {
    let (code, _) = generate(|build| {
        build.bytes("Order.picture").btree_map(".").codec_path("::my::Codec").prost(|prost| {
            prost.skip_debug(["."]);
        })
    });
    has(&code, &["::prost::bytes::Bytes", "BTreeMap", "::my::Codec", "skip_debug"]);
    lacks(&code, &["HashMap", "codec::Prost"]);
}

#[test]
fn comments_can_be_left_out() {
    let (code, _) = generate(|build| build.disable_comments(".shop"));
    lacks(&code, &["Sells things", "Buys one", "What to buy"]);
    has(&code, &["/// Calls `/shop.v1.Shop/Buy`.", "/// The service `shop.v1.Shop`."]);
}

#[test]
fn what_is_external_is_not_generated_and_its_services_neither() {
    let (code, folder) = generate(|build| build.extern_path(".common", "::common"));
    has(&code, &["::common::Receipt"]);
    assert!(!folder.path().join("common.rs").exists());
}

#[test]
fn well_known_types_can_be_generated() {
    let (code, folder) = generate(|build| build.compile_well_known_types(true));
    lacks(&code, &["prost_types"]);
    assert!(folder.path().join("google.protobuf.rs").exists());
}

#[test]
fn all_that_was_generated_is_included_by_one_file() {
    let (_, folder) = generate(|build| build.include_file("mod.rs"));
    let modules = fs::read_to_string(folder.path().join("mod.rs")).unwrap();
    has(
        &modules,
        &["pub mod shop {\n    pub mod v1 {\n        include!(\"shop.v1.rs\");", "include!(\"common.rs\");"],
    );
}

#[test]
fn descriptors_are_written_with_all_imports() {
    let set = TempDir::new().unwrap();
    let path = set.path().join("set.bin");
    generate(|build| build.file_descriptor_set_path(&path));
    let set = <prost_types::FileDescriptorSet as prost::Message>::decode(&*fs::read(path).unwrap()).unwrap();
    let names: Vec<&str> = set.file.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["common.proto", "google/protobuf/timestamp.proto", "shop.proto"]);
}

#[test]
fn what_has_not_changed_is_not_written() {
    let (_, folder) = generate(|build| build);
    let path = folder.path().join("shop.v1.rs");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let build = unwired_build::configure().out_dir(folder.path());
    build.compile_protos(&[folder.path().join("shop.proto")], &[folder.path()]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}
