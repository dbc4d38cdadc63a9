//! The trait of a service, and the server of what implements it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Index;

use super::Options;
use super::model::{Method, Model};

pub(super) fn generate(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, server_mod, .. } = model;
    let mod_docs = format!(" The server of `{full_name}`.");
    let mod_attributes = options.on_server_mod.of(full_name);
    let of_trait = service_trait(model, options);
    let of_server = server(model, options);
    let service = service(model, options);
    quote! {
        #[doc = #mod_docs]
        #[allow(dead_code, deprecated, clippy::all, clippy::nursery, clippy::pedantic)]
        #mod_attributes
        pub mod #server_mod {
            #of_trait
            #of_server
            #service
        }
    }
}

fn service_trait(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, service, docs, deprecated, .. } = model;
    let attributes = options.on_trait.of(full_name);
    let bounds = if options.local {
        quote!('static)
    } else {
        quote!(::core::marker::Send + ::core::marker::Sync + 'static)
    };
    let send = if options.local { quote!() } else { quote!(+ ::core::marker::Send) };
    let methods = model.methods.iter().map(|method| {
        let Method { name, request, response, docs, deprecated, .. } = method;
        let request =
            if method.request_stream { quote!(::unwired::Streaming<#request>) } else { quote!(#request) };
        let response = if method.response_stream {
            let item = quote!(::core::result::Result<#response, ::unwired::Status>);
            quote!(impl ::unwired::Stream<Item = #item> #send)
        } else {
            quote!(#response)
        };
        let output = quote!(::core::result::Result<::unwired::Response<#response>, ::unwired::Status>);
        quote! {
            #docs
            #deprecated
            fn #name(
                &self,
                request: ::unwired::Request<#request>,
            ) -> impl ::core::future::Future<Output = #output> #send;
        }
    });
    quote! {
        #docs
        #deprecated
        #attributes
        pub trait #service: #bounds {
            #(#methods)*
        }
    }
}

fn server(model: &Model, options: &Options) -> TokenStream {
    let Model { full_name, service, server, deprecated, .. } = model;
    let docs = format!(" Serves `{full_name}` as a [`{service}`] implements it.");
    let attributes = options.on_server.of(full_name);
    quote! {
        #[doc = #docs]
        #deprecated
        #attributes
        #[derive(Debug)]
        pub struct #server<T> {
            inner: ::std::sync::Arc<T>,
            settings: ::unwired::generated::ServiceSettings,
        }

        impl<T> ::core::clone::Clone for #server<T> {
            fn clone(&self) -> Self {
                Self {
                    inner: ::std::sync::Arc::clone(&self.inner),
                    settings: ::core::clone::Clone::clone(&self.settings),
                }
            }
        }

        impl<T: #service> #server<T> {
            /// The full name of the service, as it stands in the path of a call.
            pub const NAME: &'static str = #full_name;

            /// Serves this implementation.
            pub fn new(inner: T) -> Self {
                Self::from_arc(::std::sync::Arc::new(inner))
            }

            /// Serves an implementation that is used elsewhere too.
            pub fn from_arc(inner: ::std::sync::Arc<T>) -> Self {
                Self { inner, settings: ::core::default::Default::default() }
            }

            /// Compresses responses to clients that accept the encoding.
            #[must_use]
            pub fn send_compressed(mut self, encoding: ::unwired::Encoding) -> Self {
                self.settings = self.settings.send_compressed(encoding);
                self
            }

            /// The longest message that is received, in bytes, compressed or not: 4 MiB unless set.
            #[must_use]
            pub fn max_decoding_message_size(mut self, limit: usize) -> Self {
                self.settings = self.settings.max_decoding_message_size(limit);
                self
            }

            /// The longest message that is sent, in bytes: no limit unless set.
            #[must_use]
            pub fn max_encoding_message_size(mut self, limit: usize) -> Self {
                self.settings = self.settings.max_encoding_message_size(limit);
                self
            }

            /// Where handlers run: in the task of their connection first, or in one of their own.
            #[must_use]
            pub fn spawn_policy(mut self, policy: ::unwired::SpawnPolicy) -> Self {
                self.settings = self.settings.spawn_policy(policy);
                self
            }
        }
    }
}

fn service(model: &Model, options: &Options) -> TokenStream {
    let Model { service, server, .. } = model;
    let methods = model.methods.iter().map(|method| {
        let name = &method.wire_name;
        let [request, response] = [method.request_stream, method.response_stream]
            .map(|stream| if stream { quote!(Many) } else { quote!(One) });
        quote!(::unwired::generated::Method::new(
            #name,
            ::unwired::generated::Cardinality::#request,
            ::unwired::generated::Cardinality::#response,
        ))
    });
    let handlers = model.methods.iter().enumerate().map(|(index, method)| {
        let index = Index::from(index);
        let handler = handler(method, service, options);
        quote!(#index => ::std::boxed::Box::pin(#handler),)
    });
    let call = if model.methods.is_empty() {
        quote! {
            let _ = method;
            call.unimplemented()
        }
    } else {
        quote! {
            let inner = ::std::sync::Arc::clone(&self.inner);
            match method {
                #(#handlers)*
                _ => call.unimplemented(),
            }
        }
    };
    let (service_trait, handler) = if options.local {
        (quote!(LocalService), quote!(LocalHandler))
    } else {
        (quote!(Service), quote!(Handler))
    };
    quote! {
        impl<T: #service> ::unwired::server::#service_trait for #server<T> {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn methods(&self) -> &'static [::unwired::generated::Method] {
                const METHODS: &[::unwired::generated::Method] = &[#(#methods),*];
                METHODS
            }

            fn settings(&self) -> &::unwired::generated::ServiceSettings {
                &self.settings
            }

            fn call(&self, method: usize, call: ::unwired::generated::Incoming) -> ::unwired::generated::#handler {
                #call
            }
        }
    }
}

/// The future that reads the request, runs the method and sends its answer. It owns the service, so that a response stream
/// may borrow from it.
fn handler(method: &Method, service: &syn::Ident, options: &Options) -> TokenStream {
    let codec = &options.codec;
    let name = &method.name;
    // By the trait and not on the value: the `Arc` has methods of its own.
    let answer = quote!(<T as #service>::#name(&inner, request).await);
    let reply = if method.response_stream {
        quote!(reply.many::<#codec, _, _>(#answer).await;)
    } else {
        quote!(reply.one::<#codec, _>(#answer).await;)
    };
    if method.request_stream {
        quote!(async move {
            let (request, reply) = call.many::<#codec, _>();
            #reply
        })
    } else {
        quote!(async move {
            if let ::core::option::Option::Some((request, reply)) = call.one::<#codec, _>().await {
                #reply
            }
        })
    }
}
