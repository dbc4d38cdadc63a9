//! The stub: a method for each that the service has, and one more for each that takes a stream. One that blocks has one more
//! also for each whose response is one message, which only starts the call.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::model::{Method, Model};
use super::{Flavour, Options};

/// What every stub has besides the methods of its service.
const OWN: &[&str] =
    &["new", "clone", "send_compressed", "max_decoding_message_size", "max_encoding_message_size"];

pub(super) fn generate(model: &Model, flavour: Flavour, options: &Options) -> TokenStream {
    let Model { full_name, docs, deprecated, .. } = model;
    let (client, client_mod, mod_docs, mod_attributes) = match flavour {
        Flavour::Async => (
            &model.client,
            &model.client_mod,
            format!(" The client of `{full_name}`."),
            options.on_client_mod.of(full_name),
        ),
        Flavour::Blocking => (
            &model.blocking_client,
            &model.blocking_client_mod,
            format!(" The client of `{full_name}` for threads that wait."),
            options.on_blocking_mod.of(full_name),
        ),
    };
    let runtime = flavour.runtime();
    let attributes = options.on_client.of(full_name);
    let mut names = Names::new(model);
    let methods: TokenStream =
        model.methods.iter().map(|method| stubs(method, &mut names, flavour, options)).collect();
    quote! {
        #[doc = #mod_docs]
        #[allow(dead_code, deprecated, clippy::all, clippy::nursery, clippy::pedantic)]
        #mod_attributes
        pub mod #client_mod {
            #docs
            #deprecated
            #attributes
            #[derive(Clone, Debug)]
            pub struct #client(#runtime::generated::Client);

            impl #client {
                /// Calls over this channel.
                #[must_use]
                pub fn new(channel: #runtime::Channel) -> Self {
                    Self(#runtime::generated::Client::new(channel))
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
        self.fresh(format!("{}_halves", bare(method)))
    }

    fn start(&mut self, method: &Method) -> Ident {
        self.fresh(format!("start_{}", bare(method)))
    }

    fn fresh(&mut self, mut name: String) -> Ident {
        while OWN.contains(&name.as_str()) || !self.0.insert(name.clone()) {
            name.push('_');
        }
        format_ident!("{name}")
    }
}

/// The name without what makes it an identifier, or one of its own.
fn bare(method: &Method) -> String {
    method.name.to_string().trim_start_matches("r#").trim_end_matches('_').to_owned()
}

fn stubs(method: &Method, names: &mut Names, flavour: Flavour, options: &Options) -> TokenStream {
    let Method { path, request, response, docs, deprecated, .. } = method;
    let codec = &options.codec;
    let runtime = flavour.runtime();
    let (asynchronous, wait) = match flavour {
        Flavour::Async => (quote!(async), quote!(.await)),
        Flavour::Blocking => (quote!(), quote!()),
    };
    let name = names.plain(method);
    let (argument, into) = match (method.request_stream, flavour) {
        (false, _) => (quote!(::unwired::IntoRequest<#request>), quote!(request.into_request())),
        (true, Flavour::Async) => (
            quote!(::unwired::IntoStreamingRequest<Message = #request>),
            quote!(request.into_streaming_request()),
        ),
        (true, Flavour::Blocking) => {
            // A thread of its own sends while this one receives.
            let bounds = if method.response_stream { aside() } else { quote!() };
            (
                quote!(::unwired::IntoIteratorRequest<Message = #request #bounds>),
                quote!(request.into_iterator_request()),
            )
        }
    };
    let answer =
        if method.response_stream { quote!(#runtime::Streaming<#response>) } else { quote!(#response) };
    let call = match (method.request_stream, method.response_stream) {
        (false, false) => "unary",
        (false, true) => "server_streaming",
        (true, false) => "client_streaming",
        (true, true) => "streaming",
    };
    let call_it = format_ident!("{call}");
    let mut stubs = quote! {
        #docs
        #deprecated
        pub #asynchronous fn #name(
            &self,
            request: impl #argument,
        ) -> ::core::result::Result<::unwired::Response<#answer>, ::unwired::Status> {
            let Self(client) = self;
            client.#call_it::<#codec, _, _>(#path, #into)#wait
        }
    };
    if flavour == Flavour::Blocking && !method.response_stream {
        let docs = format!(" As [`{name}`](Self::{name}), without waiting for the response.");
        let start = names.start(method);
        let call = format_ident!("start_{call}");
        let argument = if method.request_stream {
            let bounds = aside();
            quote!(::unwired::IntoIteratorRequest<Message = #request #bounds>)
        } else {
            argument
        };
        stubs.extend(quote! {
            #[doc = #docs]
            #deprecated
            pub fn #start(&self, request: impl #argument) -> ::unwired_blocking::Pending<#response> {
                let Self(client) = self;
                client.#call::<#codec, _, _>(#path, #into)
            }
        });
    }
    if method.request_stream {
        let of = if flavour == Flavour::Async { "a stream" } else { "an iterator" };
        let docs = format!(
            " As [`{name}`](Self::{name}), with messages sent as they come up instead of out of {of}."
        );
        let halves = names.halves(method);
        let call = format_ident!("{call}_halves");
        let receiver = if method.response_stream { quote!(Streaming) } else { quote!(Answer) };
        stubs.extend(quote! {
            #[doc = #docs]
            #deprecated
            pub #asynchronous fn #halves(
                &self,
                request: ::unwired::Request<()>,
            ) -> ::core::result::Result<(#runtime::Outgoing<#request>, #runtime::#receiver<#response>), ::unwired::Status> {
                let Self(client) = self;
                client.#call::<#codec, _, _>(#path, request)#wait
            }
        });
    }
    stubs
}

/// What an iterator has to be, to be read by another thread.
fn aside() -> TokenStream {
    quote!(, Messages: ::core::marker::Send + 'static)
}
