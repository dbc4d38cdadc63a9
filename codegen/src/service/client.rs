//! The stub: a method for each that the service has, and one more for each that takes a stream.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::Options;
use super::model::{Method, Model};

/// What every stub has besides the methods of its service.
const OWN: &[&str] =
    &["new", "clone", "send_compressed", "max_decoding_message_size", "max_encoding_message_size"];

pub(super) fn generate(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, client, client_mod, docs, deprecated, .. } = model;
    let mod_docs = format!(" The client of `{full_name}`.");
    let mod_attributes = options.on_client_mod.of(full_name);
    let attributes = options.on_client.of(full_name);
    let mut names = Names::new(model);
    let methods: TokenStream =
        model.methods.iter().map(|method| stubs(method, &mut names, options)).collect();
    quote! {
        #[doc = #mod_docs]
        #[allow(dead_code, deprecated, clippy::all, clippy::nursery, clippy::pedantic)]
        #mod_attributes
        pub mod #client_mod {
            #docs
            #deprecated
            #attributes
            #[derive(Clone, Debug)]
            pub struct #client(::unwired::generated::Client);

            impl #client {
                /// Calls over this channel.
                #[must_use]
                pub fn new(channel: ::unwired::Channel) -> Self {
                    Self(::unwired::generated::Client::new(channel))
                }

                /// Compresses requests. A server that does not know the encoding fails the call with `UNIMPLEMENTED`.
                #[must_use]
                pub fn send_compressed(self, encoding: ::unwired::Encoding) -> Self {
                    Self(self.0.send_compressed(encoding))
                }

                /// The longest message that is received, in bytes, compressed or not: 4 MiB unless set.
                #[must_use]
                pub fn max_decoding_message_size(self, limit: usize) -> Self {
                    Self(self.0.max_decoding_message_size(limit))
                }

                /// The longest message that is sent, in bytes: no limit unless set.
                #[must_use]
                pub fn max_encoding_message_size(self, limit: usize) -> Self {
                    Self(self.0.max_encoding_message_size(limit))
                }

                #methods
            }
        }
    }
}

/// The names that methods of the stub have.
struct Names(HashSet<String>);

impl Names {
    fn new(model: &Model) -> Self {
        Self(model.methods.iter().map(|method| method.name.to_string()).collect())
    }

    /// The method's own name, with an underscore where the stub has that name for itself.
    fn plain(&mut self, method: &Method) -> Ident {
        match OWN.iter().find(|own| method.name == own) {
            Some(own) => self.fresh((*own).to_owned()),
            None => method.name.clone(),
        }
    }

    fn halves(&mut self, method: &Method) -> Ident {
        let name = method.name.to_string();
        self.fresh(format!("{}_halves", name.trim_start_matches("r#").trim_end_matches('_')))
    }

    fn fresh(&mut self, mut name: String) -> Ident {
        while OWN.contains(&name.as_str()) || !self.0.insert(name.clone()) {
            name.push('_');
        }
        format_ident!("{name}")
    }
}

fn stubs(method: &Method, names: &mut Names, options: &Options) -> TokenStream {
    let Method { path, request, response, docs, deprecated, .. } = method;
    let codec = &options.codec;
    let name = names.plain(method);
    let (argument, into) = if method.request_stream {
        (
            quote!(::unwired::IntoStreamingRequest<Message = #request>),
            quote!(request.into_streaming_request()),
        )
    } else {
        (quote!(::unwired::IntoRequest<#request>), quote!(request.into_request()))
    };
    let answer =
        if method.response_stream { quote!(::unwired::Streaming<#response>) } else { quote!(#response) };
    let call = match (method.request_stream, method.response_stream) {
        (false, false) => quote!(unary),
        (false, true) => quote!(server_streaming),
        (true, false) => quote!(client_streaming),
        (true, true) => quote!(streaming),
    };
    let stub = quote! {
        #docs
        #deprecated
        pub async fn #name(
            &self,
            request: impl #argument,
        ) -> ::core::result::Result<::unwired::Response<#answer>, ::unwired::Status> {
            let Self(client) = self;
            client.#call::<#codec, _, _>(#path, #into).await
        }
    };
    if !method.request_stream {
        return stub;
    }
    let halves_docs = format!(
        " As [`{name}`](Self::{name}), with messages sent as they come up instead of out of a stream."
    );
    let halves = names.halves(method);
    let call = format_ident!("{}_halves", call.to_string());
    let receiver = if method.response_stream {
        quote!(::unwired::Streaming<#response>)
    } else {
        quote!(::unwired::Answer<#response>)
    };
    quote! {
        #stub

        #[doc = #halves_docs]
        #deprecated
        pub async fn #halves(
            &self,
            request: ::unwired::Request<()>,
        ) -> ::core::result::Result<(::unwired::Outgoing<#request>, #receiver), ::unwired::Status> {
            let Self(client) = self;
            client.#call::<#codec, _, _>(#path, request).await
        }
    }
}
