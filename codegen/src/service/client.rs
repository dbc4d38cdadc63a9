//! The stub: a method for each that the service has.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::Options;
use super::model::{Method, Model};

/// What every stub has besides the methods of its service; one of these names gets an underscore.
const OWN: &[&str] = &["new", "clone"];

pub(super) fn generate(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, client, client_mod, docs, deprecated, .. } = model;
    let mod_attributes = options.on_client_mod.of(full_name);
    let attributes = options.on_client.of(full_name);
    let mod_docs = format!(" The client of `{full_name}`.");
    let methods = model.methods.iter().map(|method| stub(method, options));
    quote! {
        #[doc = #mod_docs]
        #mod_attributes
        pub mod #client_mod {
            #docs
            #deprecated
            #attributes
            #[derive(Clone, Debug)]
            pub struct #client {
                inner: ::unwired::generated::Client,
            }

            #[allow(deprecated)]
            impl #client {
                /// Calls over this channel.
                pub fn new(channel: ::unwired::Channel) -> Self {
                    Self { inner: ::unwired::generated::Client::new(channel) }
                }

                #(#methods)*
            }
        }
    }
}

fn stub(method: &Method, options: &Options) -> TokenStream {
    let Method { name, path, request, response, request_stream, response_stream, docs, deprecated, .. } =
        method;
    let codec = &options.codec;
    let name = if OWN.iter().any(|own| name == own) { format_ident!("{name}_") } else { name.clone() };
    let argument = if *request_stream {
        quote!(::unwired::IntoStreamingRequest<Message = #request>)
    } else {
        quote!(::unwired::IntoRequest<#request>)
    };
    let answer = if *response_stream { quote!(::unwired::Streaming<#response>) } else { quote!(#response) };
    let call = match (request_stream, response_stream) {
        (false, false) => quote!(unary),
        (false, true) => quote!(server_streaming),
        (true, false) => quote!(client_streaming),
        (true, true) => quote!(streaming),
    };
    quote! {
        #docs
        #deprecated
        pub async fn #name(
            &self,
            request: impl #argument,
        ) -> ::core::result::Result<::unwired::Response<#answer>, ::unwired::Status> {
            self.inner.#call::<#codec<_, _>>(#path, request).await
        }
    }
}
