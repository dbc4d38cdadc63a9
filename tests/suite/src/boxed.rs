//! Every scenario, guarded and boxed: what it is made of is compiled here, once, and not again with the tests of each adapter.

macro_rules! boxed {
    (once $topic:ident::$scenario:ident) => {
        pub fn $scenario(rt: RuntimeHandle) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let scenario = crate::$topic::$scenario(&rt);
                guarded(stringify!($scenario), &rt, scenario).await;
            })
        }
    };
    ($over:ident $topic:ident::$scenario:ident) => {
        pub fn $scenario(rt: RuntimeHandle, transport: Transport) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let name = format!("{}, {transport:?}", stringify!($scenario));
                guarded(&name, &rt, crate::$topic::$scenario(&rt, transport)).await;
            })
        }
    };
}

macro_rules! all_boxed {
    ([] $($(#[$cfg:meta])* $topic:ident: $how:ident [$($scenario:ident),* $(,)?];)*) => {
        $(
            $(#[$cfg])*
            pub mod $topic {
                use unwired::transport::{BoxFuture, RuntimeHandle};

                #[allow(unused_imports, reason = "not every topic goes over each transport")]
                use crate::Transport;
                use crate::guard::guarded;

                $(boxed!($how $topic::$scenario);)*
            }
        )*
    };
}

scenarios!({ all_boxed } []);
socket_scenarios!({ all_boxed } []);

#[cfg(test)]
mod tests {
    macro_rules! all_named {
        ([] $($(#[$cfg:meta])* $topic:ident: $how:ident [$($scenario:ident),* $(,)?];)*) => {
            [$((include_str!(concat!(stringify!($topic), ".rs")), vec![$(stringify!($scenario)),*])),*]
        };
    }

    #[test]
    fn no_scenario_is_forgotten() {
        let named = scenarios!({ all_named } []).into_iter().chain(socket_scenarios!({ all_named } []));
        for (source, listed) in named {
            let written = source.split("\npub async fn ").skip(1);
            let scenarios = written.filter_map(|rest| {
                let (name, parameters) = rest.split_once('(')?;
                parameters.starts_with("rt: &RuntimeHandle").then_some(name)
            });
            let mut forgotten = scenarios.filter(|name| !listed.contains(name));
            assert_eq!(forgotten.next(), None);
        }
    }
}
