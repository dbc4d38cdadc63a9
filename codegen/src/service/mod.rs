//! Client stubs and service traits.

use prost_build::{Service, ServiceGenerator};
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
    pub(crate) on_trait: Attributes,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client: true,
            server: true,
            local: false,
            codec: syn::parse_quote!(::unwired::codec::Prost),
            external: Vec::new(),
            undocumented: Vec::new(),
            on_client: Attributes::default(),
            on_client_mod: Attributes::default(),
            on_server: Attributes::default(),
            on_server_mod: Attributes::default(),
            on_trait: Attributes::default(),
        }
    }
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
        // An imported service whose messages come from another crate comes from there itself.
        if self.options.external.iter().any(|path| path.starts_with('.') && matches(path, &model.full_name)) {
            return;
        }
        let client = self.options.client.then(|| client::generate(&model, &self.options));
        let server = self.options.server.then(|| server::generate(&model, &self.options));
        // Prost lays the file out once it is whole.
        text.push_str(&quote!(#client #server).to_string());
    }
}

#[cfg(test)]
mod tests;
