//! What is known of .proto files, by every name that can be asked for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::fmt;

use prost::bytes::Bytes;
use prost::{DecodeError, Message};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

/// A `google.protobuf.FileDescriptorSet` whose files stay encoded: they are handed out with options and extensions that
/// this crate knows nothing of.
#[derive(Clone, PartialEq, Message)]
struct EncodedSet {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// One file.
struct File {
    encoded: Bytes,
    /// Names of the files that it imports.
    imports: Vec<String>,
}

/// All files, and which of them declares what. File 0 is the one that was added first.
#[derive(Default)]
pub(super) struct Index {
    files: Vec<File>,
    by_name: HashMap<String, usize>,
    by_symbol: HashMap<String, usize>,
    /// By the full name of the extended message and the number of the field.
    by_extension: BTreeMap<(String, i32), usize>,
    services: Vec<String>,
}

/// Descriptors that reflection cannot use.
#[derive(Clone, PartialEq, Debug)]
pub struct InvalidDescriptors(DecodeError);

impl fmt::Display for InvalidDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no encoded google.protobuf.FileDescriptorSet: {}", self.0)
    }
}

impl Error for InvalidDescriptors {}

impl Index {
    /// Adds the files of an encoded set. A file of a name that is known already is the same file.
    pub(super) fn add(&mut self, encoded: &[u8]) -> Result<(), InvalidDescriptors> {
        for encoded in EncodedSet::decode(encoded).map_err(InvalidDescriptors)?.file {
            let file = FileDescriptorProto::decode(encoded.clone()).map_err(InvalidDescriptors)?;
            let at = self.files.len();
            if self.by_name.contains_key(file.name()) {
                continue;
            }
            self.by_name.insert(file.name().to_owned(), at);
            let package = file.package();
            for message in &file.message_type {
                self.add_message(package, message, at);
            }
            for of_enum in &file.enum_type {
                self.add_enum(package, of_enum, at);
            }
            self.add_extensions(package, &file.extension, at);
            for service in &file.service {
                let name = join(package, service.name());
                for method in &service.method {
                    self.by_symbol.insert(join(&name, method.name()), at);
                }
                self.by_symbol.insert(name.clone(), at);
                self.services.push(name);
            }
            self.files.push(File { encoded, imports: file.dependency });
        }
        Ok(())
    }

    fn add_message(&mut self, scope: &str, message: &DescriptorProto, at: usize) {
        let name = join(scope, message.name());
        for field in &message.field {
            self.by_symbol.insert(join(&name, field.name()), at);
        }
        for oneof in &message.oneof_decl {
            self.by_symbol.insert(join(&name, oneof.name()), at);
        }
        for nested in &message.nested_type {
            self.add_message(&name, nested, at);
        }
        for of_enum in &message.enum_type {
            self.add_enum(&name, of_enum, at);
        }
        self.add_extensions(&name, &message.extension, at);
        self.by_symbol.insert(name, at);
    }

    fn add_enum(&mut self, scope: &str, of_enum: &EnumDescriptorProto, at: usize) {
        // The values of an enum are names beside it, not in it.
        for value in &of_enum.value {
            self.by_symbol.insert(join(scope, value.name()), at);
        }
        self.by_symbol.insert(join(scope, of_enum.name()), at);
    }

    fn add_extensions(&mut self, scope: &str, extensions: &[FieldDescriptorProto], at: usize) {
        for extension in extensions {
            self.by_symbol.insert(join(scope, extension.name()), at);
            let extended = extension.extendee().trim_start_matches('.').to_owned();
            self.by_extension.insert((extended, extension.number()), at);
        }
    }

    /// The full names of all services.
    pub(super) fn services(&self) -> &[String] {
        &self.services
    }

    pub(super) fn file(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn declaring(&self, symbol: &str) -> Option<usize> {
        self.by_symbol.get(symbol).copied()
    }

    pub(super) fn extending(&self, message: String, number: i32) -> Option<usize> {
        self.by_extension.get(&(message, number)).copied()
    }

    /// The numbers of all extensions of a message; `None` where there is no such message.
    pub(super) fn extensions(&self, message: &str) -> Option<Vec<i32>> {
        let range = (message.to_owned(), i32::MIN)..=(message.to_owned(), i32::MAX);
        let numbers: Vec<i32> = self.by_extension.range(range).map(|((_, number), _)| *number).collect();
        (!numbers.is_empty() || self.by_symbol.contains_key(message)).then_some(numbers)
    }

    /// A file and all that it imports, without those that were sent before; it itself comes in any case, and first.
    pub(super) fn with_imports(&self, file: usize, sent: &mut HashSet<usize>) -> Vec<Bytes> {
        sent.insert(file);
        let mut found = vec![file];
        let mut next = 0;
        while let Some(file) = found.get(next).and_then(|&at| self.files.get(at)) {
            let imports = file.imports.iter().filter_map(|name| self.file(name));
            found.extend(imports.filter(|&import| sent.insert(import)));
            next += 1;
        }
        found.into_iter().filter_map(|at| self.files.get(at)).map(|file| file.encoded.clone()).collect()
    }
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
