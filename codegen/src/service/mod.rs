//! Client stubs and service traits.

use proc_macro2::TokenStream;
use prost_build::{Service, ServiceGenerator};
use prost_types::FileDescriptorProto;
use quote::quote;

use crate::attributes::{Attributes, matches};

use self::model::Model;

mod client;
mod model;
mod server;

/// What of a service to generate, and how.
pub(crate) struct Options {
    pub(crate) client: bool,
    pub(crate) server: bool,
    /// For programs of plain threads too.
    pub(crate) blocking: bool,
    /// Without `Send`.
    pub(crate) local: bool,
    /// The type that codes messages.
    pub(crate) codec: syn::Path,
    /// What is called so in protobuf has its Rust code elsewhere.
    pub(crate) external: Vec<String>,
    /// What matches gets no docs.
    pub(crate) undocumented: Vec<String>,
    pub(crate) on_client: Attributes,
    pub(crate) on_client_mod: Attributes,
    pub(crate) on_server: Attributes,
    pub(crate) on_server_mod: Attributes,
    pub(crate) on_blocking_mod: Attributes,
    pub(crate) on_trait: Attributes,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client: true,
            server: true,
            blocking: false,
            local: false,
            codec: syn::parse_quote!(::unwired::codec::Prost),
            external: Vec::new(),
            undocumented: Vec::new(),
            on_client: Attributes::default(),
            on_client_mod: Attributes::default(),
            on_server: Attributes::default(),
            on_server_mod: Attributes::default(),
            on_blocking_mod: Attributes::default(),
            on_trait: Attributes::default(),
        }
    }
}

impl Options {
    /// Whether anything is to be generated for a service of this full name.
    fn generates(&self, name: &str) -> bool {
        // An imported service whose messages come from another crate comes from there itself.
        let external = self.external.iter().any(|path| path.starts_with('.') && matches(path, name));
        (self.client || self.server) && !external
    }

    /// Takes the services out of a file for which none of them gives code: prost expects some of a package that has any.
    pub(crate) fn prune(&self, file: &mut FileDescriptorProto) {
        let package = file.package().to_owned();
        if !file.service.iter().any(|service| self.generates(&full_name(&package, service.name()))) {
            file.service.clear();
        }
    }
}

/// Whom code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Async,
    /// Programs of plain threads.
    Blocking,
}

impl Flavour {
    /// The crate whose streams, channels and clients they use.
    fn runtime(self) -> TokenStream {
        match self {
            Self::Async => quote!(::unwired),
            Self::Blocking => quote!(::unwired_blocking),
        }
    }
}

/// The name of a service as it stands in a path on the wire.
fn full_name(package: &str, service: &str) -> String {
    if package.is_empty() { service.to_owned() } else { format!("{package}.{service}") }
}

pub(crate) struct Generator {
    options: Options,
}

impl Generator {
    pub(crate) fn new(options: Options) -> Self {
        Self { options }
    }
}

impl ServiceGenerator for Generator {
    fn generate(&mut self, service: Service, text: &mut String) {
        let model = Model::new(service, &self.options);
        if !self.options.generates(&model.full_name) {
            return;
        }
        let Options { client, server, blocking, .. } = self.options;
        let with = [Some(Flavour::Async), blocking.then_some(Flavour::Blocking)];
        for flavour in with.into_iter().flatten() {
            let client = client.then(|| client::generate(&model, flavour, &self.options));
            let server = server.then(|| server::generate(&model, flavour, &self.options));
            // Prost lays the file out once it is whole.
            text.push_str(&quote!(#client #server).to_string());
        }
    }
}
