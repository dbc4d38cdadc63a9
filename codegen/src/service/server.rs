//! The trait of a service, and the server of what implements it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Index;

use super::model::{Method, Model};
use super::{Flavour, Options};

pub(super) fn generate(model: &Model, flavour: Flavour, options: &Options) -> TokenStream {
    let full_name = &model.full_name;
    let (server_mod, mod_docs, mod_attributes) = match flavour {
        Flavour::Async => {
            (&model.server_mod, format!(" The server of `{full_name}`."), options.on_server_mod.of(full_name))
        }
        Flavour::Blocking => (
            &model.blocking_server_mod,
            format!(" The server of `{full_name}`, with handlers that block."),
            options.on_blocking_mod.of(full_name),
        ),
    };
    let of_trait = service_trait(model, flavour, options);
    let of_server = server(model, flavour, options);
    let service = service(model, flavour, options);
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

fn service_trait(model: &Model, flavour: Flavour, options: &Options) -> TokenStream {
    let Model { full_name, service, docs, deprecated, .. } = model;
    let attributes = options.on_trait.of(full_name);
    let is_local = options.local && flavour == Flavour::Async;
    let bounds = if is_local {
        quote!('static)
    } else {
        quote!(::core::marker::Send + ::core::marker::Sync + 'static)
    };
    let send = if is_local { quote!() } else { quote!(+ ::core::marker::Send) };
    let runtime = flavour.runtime();
    let methods = model.methods.iter().map(|method| {
        let Method { name, request, response, docs, deprecated, .. } = method;
        let request =
            if method.request_stream { quote!(#runtime::Streaming<#request>) } else { quote!(#request) };
        let response = match (method.response_stream, flavour) {
            (false, _) => quote!(#response),
            (true, Flavour::Async) => {
                let item = quote!(::core::result::Result<#response, ::unwired::Status>);
                quote!(impl ::unwired::Stream<Item = #item> #send)
            }
            (true, Flavour::Blocking) => quote!(impl ::unwired_blocking::Messages<Message = #response>),
        };
        let output = quote!(::core::result::Result<::unwired::Response<#response>, ::unwired::Status>);
        let output = match flavour {
            Flavour::Async => quote!(impl ::core::future::Future<Output = #output> #send),
            Flavour::Blocking => output,
        };
        quote! {
            #docs
            #deprecated
            fn #name(&self, request: ::unwired::Request<#request>) -> #output;
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

fn server(model: &Model, flavour: Flavour, options: &Options) -> TokenStream {
    let Model { full_name, service, server, deprecated, .. } = model;
    let docs = match flavour {
        Flavour::Async => format!(" Serves `{full_name}` as a [`{service}`] implements it."),
        Flavour::Blocking => format!(
            " Serves `{full_name}` as a [`{service}`] implements it, in [`Workers`](::unwired_blocking::Workers::run)."
        ),
    };
    let attributes = options.on_server.of(full_name);
    // A worker is where handlers that block run.
    let spawn_policy = (flavour == Flavour::Async).then(|| {
        quote! {
            /// Where handlers run: in the task of their connection first, or in one of their own.
            #[must_use]
            pub fn spawn_policy(mut self, policy: ::unwired::SpawnPolicy) -> Self {
                self.settings = self.settings.spawn_policy(policy);
                self
            }
        }
    });
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

            #spawn_policy
        }
    }
}

fn service(model: &Model, flavour: Flavour, options: &Options) -> TokenStream {
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
        let handler = match flavour {
            Flavour::Async => handler(method, service, options),
            Flavour::Blocking => blocking_handler(method, service, options),
        };
        quote!(#index => #handler,)
    });
    let (workers_argument, unused) = match flavour {
        Flavour::Async => (quote!(), quote!()),
        Flavour::Blocking => (quote!(, workers: &::unwired_blocking::Workers), quote!(let _ = workers;)),
    };
    let call = if model.methods.is_empty() {
        quote! {
            let _ = method;
            #unused
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
    let (service_trait, handler) = match flavour {
        Flavour::Async if options.local => (quote!(::unwired::server::LocalService), quote!(LocalHandler)),
        Flavour::Async => (quote!(::unwired::server::Service), quote!(Handler)),
        Flavour::Blocking => (quote!(::unwired_blocking::Service), quote!(Handler)),
    };
    quote! {
        impl<T: #service> #service_trait for #server<T> {
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

            fn call(
                &self,
                method: usize,
                call: ::unwired::generated::Incoming
                #workers_argument
            ) -> ::unwired::generated::#handler {
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
        quote!(::std::boxed::Box::pin(async move {
            let (request, reply) = call.many::<#codec, _>();
            #reply
        }))
    } else {
        quote!(::std::boxed::Box::pin(async move {
            if let ::core::option::Option::Some((request, reply)) = call.one::<#codec, _>().await {
                #reply
            }
        }))
    }
}

/// What a worker runs and answers, once the request is there.
fn blocking_handler(method: &Method, service: &syn::Ident, options: &Options) -> TokenStream {
    let codec = &options.codec;
    let name = &method.name;
    let answer = quote!(<T as #service>::#name(&inner, request));
    let reply = if method.response_stream {
        quote!(reply.many::<#codec, _, _>(#answer))
    } else {
        quote!(reply.one::<#codec, _>(#answer))
    };
    let receive = if method.request_stream { quote!(many) } else { quote!(one) };
    quote!(workers.#receive::<#codec, _>(call, move |request, reply| #reply))
}
