//! The options of a build.

use std::env;
use std::path::{Path, PathBuf};

use prost_build::Config;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::compile::{compile, write_if_changed};
use crate::service::{Generator, Options};
use crate::{Error, comments};

/// Options, and then the build: see [`configure`](crate::configure).
///
/// Where an option takes a path of protobuf, it is one of `prost-build`'s: `.` is everything, `.package.Message` begins at the
/// root, and `Message` or `Message.field` matches the end of a name.
#[must_use = "options do nothing until `compile_protos`"]
pub struct Builder {
    prost: Config,
    options: Options,
    bytes: Vec<String>,
    btree_map: Vec<String>,
    disable_comments: Vec<String>,
    descriptor_set: Option<PathBuf>,
    rerun: bool,
    /// The first option that cannot be used; told when the build starts, so that options can be chained.
    unusable: Option<Error>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            prost: Config::new(),
            options: Options::default(),
            bytes: Vec::new(),
            btree_map: Vec::new(),
            disable_comments: Vec::new(),
            descriptor_set: None,
            // Both are set by cargo for a build script and for nothing else that it runs.
            rerun: env::var_os("OUT_DIR").is_some() && env::var_os("TARGET").is_some(),
            unusable: None,
        }
    }

    /// Whether to generate client stubs. On by default.
    pub fn build_client(mut self, enable: bool) -> Self {
        self.options.client = enable;
        self
    }

    /// Whether to generate service traits and servers. On by default.
    pub fn build_server(mut self, enable: bool) -> Self {
        self.options.server = enable;
        self
    }

    /// Whether to generate, beside client stubs and servers, those for programs of plain threads, which need
    /// `unwired-blocking`: `greeter_blocking_client::GreeterBlockingClient`, and in `greeter_blocking_server` a trait of plain
    /// `fn`s and its server. Off by default.
    pub fn build_blocking(mut self, enable: bool) -> Self {
        self.options.blocking = enable;
        self
    }

    /// Whether service traits do without `Send`, for services that stay on one thread: such a server is added by way of
    /// `unwired::server::local`. Off by default.
    pub fn local(mut self, enable: bool) -> Self {
        self.options.local = enable;
        self
    }

    /// The type that turns messages into bytes and back, an `unwired::codec::Codec` of each message, as a path with `::` in
    /// front. `::unwired::codec::Prost` by default.
    pub fn codec_path(mut self, path: impl AsRef<str>) -> Self {
        match syn::parse_str(path.as_ref()) {
            Ok(path) => self.options.codec = path,
            Err(error) => {
                self.refuse(Error::usage(format!("`{}` is no path of a codec: {error}", path.as_ref())))
            }
        }
        self
    }

    /// Where the generated files go. `OUT_DIR` by default, which cargo sets for a build script.
    pub fn out_dir(mut self, path: impl AsRef<Path>) -> Self {
        self.prost.out_dir(path.as_ref());
        self
    }

    /// Takes a package or message of protobuf from Rust code that exists already instead of generating it:
    /// `.extern_path(".google.rpc", "::unwired_services::google::rpc")`.
    pub fn extern_path(mut self, proto_path: impl AsRef<str>, rust_path: impl AsRef<str>) -> Self {
        self.options.external.push(proto_path.as_ref().to_owned());
        self.prost.extern_path(proto_path.as_ref(), rust_path.as_ref());
        self
    }

    /// Puts an attribute on the messages, enums and oneofs that a path matches.
    pub fn type_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        self.prost.type_attribute(path, attribute);
        self
    }

    /// Puts an attribute on the messages that a path matches.
    pub fn message_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        self.prost.message_attribute(path, attribute);
        self
    }

    /// Puts an attribute on the enums that a path matches; oneofs count as such.
    pub fn enum_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        self.prost.enum_attribute(path, attribute);
        self
    }

    /// Puts an attribute on the fields that a path matches.
    pub fn field_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        self.prost.field_attribute(path, attribute);
        self
    }

    /// Puts an attribute on the client stubs of the services that a path matches.
    pub fn client_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_client.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Puts an attribute on the modules of the client stubs of the services that a path matches.
    pub fn client_mod_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_client_mod.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Puts an attribute on the servers, `GreeterServer`, of the services that a path matches.
    pub fn server_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_server.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Puts an attribute on the modules of the servers of the services that a path matches.
    pub fn server_mod_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_server_mod.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Puts an attribute on the modules of the blocking clients and servers of the services that a path matches:
    /// `#[cfg(feature = "blocking")]`, say.
    pub fn blocking_mod_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_blocking_mod.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Puts an attribute on the traits of the services that a path matches.
    pub fn trait_attribute(mut self, path: impl AsRef<str>, attribute: impl AsRef<str>) -> Self {
        let added = self.options.on_trait.add(path.as_ref(), attribute.as_ref());
        self.or_refuse(added)
    }

    /// Boxes the fields that a path matches.
    pub fn boxed(mut self, path: impl AsRef<str>) -> Self {
        self.prost.boxed(path);
        self
    }

    /// Makes the fields of type `bytes` that a path matches `Bytes` instead of `Vec<u8>`, which shares what was received
    /// instead of copying it.
    pub fn bytes(mut self, path: impl AsRef<str>) -> Self {
        self.bytes.push(path.as_ref().to_owned());
        self
    }

    /// Makes the maps that a path matches `BTreeMap`s instead of `HashMap`s.
    pub fn btree_map(mut self, path: impl AsRef<str>) -> Self {
        self.btree_map.push(path.as_ref().to_owned());
        self
    }

    /// Leaves out the comments of what a path matches.
    pub fn disable_comments(mut self, path: impl AsRef<str>) -> Self {
        self.disable_comments.push(path.as_ref().to_owned());
        self
    }

    /// Generates the types of `google.protobuf` too instead of taking those of `prost-types`. Off by default.
    pub fn compile_well_known_types(mut self, enable: bool) -> Self {
        if enable {
            self.prost.compile_well_known_types();
        }
        self
    }

    /// Writes the descriptors of all files to a file as well, encoded, for reflection among others.
    pub fn file_descriptor_set_path(mut self, path: impl AsRef<Path>) -> Self {
        self.descriptor_set = Some(path.as_ref().to_owned());
        self
    }

    /// Writes a file, in the folder of the generated ones, that includes them all in modules nested as the packages are.
    pub fn include_file(mut self, path: impl AsRef<Path>) -> Self {
        self.prost.include_file(path.as_ref());
        self
    }

    /// The name of the file for what has no package, without `.rs`: `_` by default.
    pub fn default_package_filename(mut self, name: impl AsRef<str>) -> Self {
        self.prost.default_package_filename(name.as_ref());
        self
    }

    /// Whether to tell cargo to build again when one of the .proto files changes that were read, imported ones too. On by
    /// default in a build script. A build script that depends on other things as well tells cargo of these itself.
    pub fn emit_rerun_if_changed(mut self, enable: bool) -> Self {
        self.rerun = enable;
        self
    }

    /// Changes any option of `prost-build` that has no method here: `.prost(|prost| { prost.retain_enum_prefix(); })`.
    ///
    /// A service generator set here is replaced by ours.
    pub fn prost(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.prost);
        self
    }

    /// Generates code from .proto files and all that they import.
    ///
    /// Both kinds of path are relative to the working directory, which for a build script is the folder of its `Cargo.toml`.
    /// The includes are where imports are looked for, in this order; each of the files has to lie below one of them. The
    /// types of `google.protobuf` are always there.
    ///
    /// For each package one file is written, `PACKAGE.rs`, and only if it changed.
    ///
    /// # Errors
    ///
    /// A fault in a .proto, with file, line and reason; a file that cannot be read or written; an option that cannot be used.
    pub fn compile_protos(
        mut self,
        protos: &[impl AsRef<Path>],
        includes: &[impl AsRef<Path>],
    ) -> Result<(), Error> {
        let compiled = compile(&own_paths(protos), &own_paths(includes))?;
        if self.rerun {
            // Files and no folders: of those cargo looks at all that lies in them, for `.` at the sources and `target` too.
            for path in &compiled.read {
                println!("cargo:rerun-if-changed={}", path.display());
            }
        }
        if let Some(path) = self.descriptor_set.take() {
            write_if_changed(&path, &compiled.encoded)?;
        }
        self.compile_fds(compiled.descriptors)
    }

    /// Generates code from descriptors, as `protoc --include_imports --include_source_info` and `protox` give them.
    ///
    /// # Errors
    ///
    /// A file that cannot be written; an option that cannot be used.
    pub fn compile_fds(self, mut descriptors: FileDescriptorSet) -> Result<(), Error> {
        for file in &mut descriptors.file {
            self.prepare(file);
        }
        Ok(self.into_prost()?.compile_fds(descriptors)?)
    }

    /// Makes a file fit for prost and rustdoc.
    pub(crate) fn prepare(&self, file: &mut FileDescriptorProto) {
        comments::disarm(file);
        self.options.prune(file);
    }

    /// The options as prost takes them, with the generator of services in place.
    pub(crate) fn into_prost(mut self) -> Result<Config, Error> {
        if let Some(error) = self.unusable {
            return Err(error);
        }
        if !self.bytes.is_empty() {
            self.prost.bytes(&self.bytes);
        }
        if !self.btree_map.is_empty() {
            self.prost.btree_map(&self.btree_map);
        }
        if !self.disable_comments.is_empty() {
            self.prost.disable_comments(&self.disable_comments);
        }
        self.options.undocumented = self.disable_comments;
        self.prost.service_generator(Box::new(Generator::new(self.options)));
        Ok(self.prost)
    }

    fn or_refuse(mut self, result: Result<(), Error>) -> Self {
        if let Err(error) = result {
            self.refuse(error);
        }
        self
    }

    pub(crate) fn refuse(&mut self, error: Error) {
        self.unusable.get_or_insert(error);
    }
}

fn own_paths(paths: &[impl AsRef<Path>]) -> Vec<PathBuf> {
    paths.iter().map(|path| path.as_ref().to_owned()).collect()
}
