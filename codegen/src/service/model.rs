//! A service with its names in Rust and its docs, as both generators need it.

use std::collections::HashSet;

use heck::{ToSnakeCase, ToUpperCamelCase};
use proc_macro2::TokenStream;
use prost_build::{Comments, Service};
use quote::{format_ident, quote};
use syn::{Ident, Type};

use crate::attributes::matches;

use super::{Options, full_name};

pub(super) struct Model {
    /// `helloworld.Greeter`, as it stands in a path on the wire.
    pub(super) full_name: String,
    /// `Greeter`.
    pub(super) service: Ident,
    /// `GreeterClient`, in `greeter_client`.
    pub(super) client: Ident,
    pub(super) client_mod: Ident,
    /// `GreeterBlockingClient`, in `greeter_blocking_client`.
    pub(super) blocking_client: Ident,
    pub(super) blocking_client_mod: Ident,
    /// `GreeterServer`, in `greeter_server` and in `greeter_blocking_server`.
    pub(super) server: Ident,
    pub(super) server_mod: Ident,
    pub(super) blocking_server_mod: Ident,
    pub(super) docs: TokenStream,
    /// `#[deprecated]`, or nothing.
    pub(super) deprecated: TokenStream,
    pub(super) methods: Vec<Method>,
}

pub(super) struct Method {
    /// `say_hello`.
    pub(super) name: Ident,
    /// `SayHello`, as it stands on the wire.
    pub(super) wire_name: String,
    /// `/helloworld.Greeter/SayHello`.
    pub(super) path: String,
    pub(super) request: Type,
    pub(super) response: Type,
    pub(super) request_stream: bool,
    pub(super) response_stream: bool,
    pub(super) docs: TokenStream,
    pub(super) deprecated: TokenStream,
}

impl Model {
    pub(super) fn new(service: Service, options: &Options) -> Self {
        let full_name = full_name(&service.package, &service.proto_name);
        let camel = service.proto_name.to_upper_camel_case();
        let snake = service.proto_name.to_snake_case();
        let mut taken = HashSet::new();
        let methods = service.methods.into_iter().map(|method| {
            let path = format!("/{full_name}/{}", method.proto_name);
            let dotted = format!("{full_name}.{}", method.proto_name);
            let mut name = method.name;
            // Two names can differ on the wire and be one in Rust: SayHello and say_hello.
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            Method {
                name: identifier(&name),
                request: message(&method.input_type),
                response: message(&method.output_type),
                request_stream: method.client_streaming,
                response_stream: method.server_streaming,
                docs: docs(&method.comments, &dotted, options, &format!("Calls `{path}`.")),
                deprecated: deprecated(method.options.deprecated()),
                wire_name: method.proto_name,
                path,
            }
        });
        Self {
            methods: methods.collect(),
            docs: docs(&service.comments, &full_name, options, &format!("The service `{full_name}`.")),
            deprecated: deprecated(service.options.deprecated()),
            service: identifier(&service.name),
            client: format_ident!("{camel}Client"),
            client_mod: format_ident!("{snake}_client"),
            blocking_client: format_ident!("{camel}BlockingClient"),
            blocking_client_mod: format_ident!("{snake}_blocking_client"),
            server: format_ident!("{camel}Server"),
            server_mod: format_ident!("{snake}_server"),
            blocking_server_mod: format_ident!("{snake}_blocking_server"),
            full_name,
        }
    }
}

/// A name that prost has made fit for Rust, as `r#move`.
fn identifier(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => format_ident!("r#{raw}"),
        None => format_ident!("{name}"),
    }
}

/// The type of a message, seen from a module next to it.
fn message(path: &str) -> Type {
    const OF_THE_LANGUAGE: &[&str] = &["()", "bool", "f32", "f64", "i32", "i64", "u32", "u64"];
    let absolute = path.starts_with("::") || path.starts_with("crate::") || OF_THE_LANGUAGE.contains(&path);
    let text = if absolute { path.to_owned() } else { format!("super::{path}") };
    // Prost has the path from its own tables or from an option; what is no type shows as such where the file is compiled.
    syn::parse_str(&text).unwrap_or_else(|_| Type::Verbatim(text.parse().unwrap_or_default()))
}

fn deprecated(is: bool) -> TokenStream {
    if is { quote!(#[deprecated]) } else { TokenStream::new() }
}

/// The comments as attributes; where there are none, the given sentence.
fn docs(comments: &Comments, name: &str, options: &Options, instead: &str) -> TokenStream {
    let mut text = String::new();
    if !options.undocumented.iter().any(|path| matches(path, name)) {
        // Prost knows what of a comment rustdoc would take for a link. Detached comments it would only write as such.
        Comments { leading_detached: Vec::new(), ..comments.clone() }.append_with_indent(0, &mut text);
    }
    if text.is_empty() {
        text = format!("/// {instead}");
    }
    let lines = text.lines().map(|line| line.strip_prefix("///").unwrap_or(line));
    quote!(#(#[doc = #lines])*)
}
