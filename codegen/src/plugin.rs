//! The generator as a plugin of `protoc` and `buf`.
//!
//! ```text
//! protoc --plugin=protoc-gen-unwired --unwired_out=src/generated --unwired_opt=no_server,bytes=. -Iproto helloworld.proto
//! ```
//!
//! Parameters are those of [`Builder`] by the same names, joined by commas: `no_client`, `no_server`, `blocking`, `local`,
//! `compile_well_known_types`, and as often as needed `extern_path=.proto.path=::rust::path`, `bytes=PATH`, `btree_map=PATH`,
//! `boxed=PATH`, `disable_comments=PATH`, `type_attribute=PATH=ATTRIBUTE`, the like for `message_`, `enum_`, `field_`,
//! `client_`, `client_mod_`, `server_`, `server_mod_`, `blocking_mod_` and `trait_attribute`, `codec_path=PATH`,
//! `default_package_filename=NAME`. A comma inside of a value is written `\,`.

use prost::Message;
use prost_build::Module;
use prost_types::compiler::code_generator_response::{Feature, File};
use prost_types::compiler::{CodeGeneratorRequest, CodeGeneratorResponse};

use crate::{Builder, Error, configure};

/// Answers a request of `protoc`, both as bytes.
///
/// What is wrong with parameters or descriptors is told in the answer, where `protoc` looks for it.
///
/// # Errors
///
/// The request cannot be decoded.
pub fn run(request: &[u8]) -> Result<Vec<u8>, Error> {
    let request = CodeGeneratorRequest::decode(request)
        .map_err(|error| Error::usage(format!("this is no request of protoc: {error}")))?;
    let mut response = CodeGeneratorResponse {
        supported_features: Some(Feature::Proto3Optional as u64),
        ..Default::default()
    };
    match generate(request) {
        Ok(files) => response.file = files,
        Err(error) => response.error = Some(error.to_string()),
    }
    Ok(response.encode_to_vec())
}

fn generate(request: CodeGeneratorRequest) -> Result<Vec<File>, Error> {
    let (builder, default_package) = parse(request.parameter())?;
    let mut requests = Vec::new();
    for mut file in request.proto_file {
        if request.file_to_generate.iter().any(|name| name == file.name()) {
            builder.prepare(&mut file);
            requests.push((Module::from_protobuf_package_name(file.package()), file));
        }
    }
    let mut files: Vec<File> = builder
        .into_prost()?
        .generate(requests)?
        .into_iter()
        .map(|(module, content)| File {
            name: Some(module.to_file_name_or(&default_package)),
            content: Some(content),
            ..Default::default()
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The options that a parameter string asks for, and the file name of what has no package.
fn parse(parameters: &str) -> Result<(Builder, String), Error> {
    let mut builder = configure().emit_rerun_if_changed(false);
    let mut default_package = "_".to_owned();
    for parameter in split(parameters) {
        let (name, value) = parameter.split_once('=').unwrap_or((&parameter, ""));
        let pair = || {
            value.split_once('=').ok_or_else(|| {
                Error::usage(format!("the parameter {name} needs a path and a value: {name}=PATH=VALUE"))
            })
        };
        builder = match name {
            "no_client" => builder.build_client(false),
            "no_server" => builder.build_server(false),
            "blocking" => builder.build_blocking(true),
            "local" => builder.local(true),
            "compile_well_known_types" => builder.compile_well_known_types(true),
            "codec_path" => builder.codec_path(value),
            "bytes" => builder.bytes(value),
            "btree_map" => builder.btree_map(value),
            "boxed" => builder.boxed(value),
            "disable_comments" => builder.disable_comments(value),
            "default_package_filename" => {
                value.clone_into(&mut default_package);
                builder
            }
            "extern_path" => with(pair()?, |path, value| builder.extern_path(path, value)),
            "type_attribute" => with(pair()?, |path, value| builder.type_attribute(path, value)),
            "message_attribute" => with(pair()?, |path, value| builder.message_attribute(path, value)),
            "enum_attribute" => with(pair()?, |path, value| builder.enum_attribute(path, value)),
            "field_attribute" => with(pair()?, |path, value| builder.field_attribute(path, value)),
            "client_attribute" => with(pair()?, |path, value| builder.client_attribute(path, value)),
            "client_mod_attribute" => with(pair()?, |path, value| builder.client_mod_attribute(path, value)),
            "server_attribute" => with(pair()?, |path, value| builder.server_attribute(path, value)),
            "server_mod_attribute" => with(pair()?, |path, value| builder.server_mod_attribute(path, value)),
            "blocking_mod_attribute" => {
                with(pair()?, |path, value| builder.blocking_mod_attribute(path, value))
            }
            "trait_attribute" => with(pair()?, |path, value| builder.trait_attribute(path, value)),
            _ => {
                return Err(Error::usage(format!(
                    "there is no parameter {name}: those that there are stand in the documentation of `unwired_build::plugin`"
                )));
            }
        };
    }
    Ok((builder, default_package))
}

fn with<'a>((path, value): (&'a str, &'a str), set: impl FnOnce(&'a str, &'a str) -> Builder) -> Builder {
    set(path, value)
}

/// Splits at commas that have no backslash before them.
fn split(parameters: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut characters = parameters.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ',' => parts.push(std::mem::take(&mut part)),
            '\\' => part.push(characters.next_if_eq(&',').unwrap_or('\\')),
            _ => part.push(character),
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests;
