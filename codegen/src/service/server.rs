//! The trait of a service, and the server of what implements it.

use proc_macro2::TokenStream;
use quote::quote;

use super::Options;
use super::model::Model;

pub(super) fn generate(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, server_mod, server, service, docs, deprecated, .. } = model;
    let names = model.methods.iter().map(|method| &method.wire_name);
    let mod_attributes = options.on_server_mod.of(full_name);
    let trait_attributes = options.on_trait.of(full_name);
    let mod_docs = format!(" The server of `{full_name}`.");
    quote! {
        #[doc = #mod_docs]
        #mod_attributes
        pub mod #server_mod {
            #docs
            #deprecated
            #trait_attributes
            pub trait #service {}
            #[doc = concat!(#(#names, " "),*)]
            pub struct #server;
        }
    }
}
