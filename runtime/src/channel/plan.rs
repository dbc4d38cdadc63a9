use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use super::balancing::LoadBalancing;
use super::policy::Throttle;
use super::service_config::ServiceConfig;
use crate::sync::{Mutex, lock};

/// What holds for the calls of a channel: its service config, and what suspends retries under it.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) config: Option<ServiceConfig>,
    pub(super) throttle: Option<Arc<Throttle>>,
}

impl Plan {
    /// One for `config`; what `before` has counted of failed calls goes on where the same throttling holds.
    fn new(config: Option<ServiceConfig>, before: Option<&Self>) -> Self {
        let settings = config.as_ref().and_then(|config| config.throttling);
        let before = before.and_then(|before| before.throttle.as_ref());
        let throttle = settings.map(|settings| match before {
            Some(before) if before.settings() == settings => Arc::clone(before),
            _ => Arc::new(Throttle::new(settings)),
        });
        Self { config, throttle }
    }

    /// How calls are spread, and the service whose health is watched where they are.
    pub(super) fn spread(&self, asked_for: Option<&LoadBalancing>) -> Spread {
        let config = self.config.as_ref();
        let balancing = asked_for.or_else(|| config?.load_balancing.as_ref()).cloned().unwrap_or_default();
        let health_check = config.and_then(|config| config.health_check.clone());
        Spread { health_check: health_check.filter(|_| balancing.has_several()), balancing }
    }
}

/// How calls are spread over servers.
pub(super) struct Spread {
    pub(super) balancing: LoadBalancing,
    pub(super) health_check: Option<Arc<str>>,
}

impl Spread {
    pub(super) fn is(&self, other: &Self) -> bool {
        self.balancing.is(&other.balancing) && self.health_check == other.health_check
    }
}

/// The plan of a channel, which its resolver may change.
pub(super) struct Plans {
    /// From code. It holds where the resolver has none.
    given: Plan,
    /// The resolver may have one, and has not been heard.
    is_awaited: AtomicBool,
    /// `heard` holds.
    is_heard: AtomicBool,
    heard: Mutex<Plan>,
}

impl Plans {
    pub(super) fn new(given: Option<ServiceConfig>, is_awaited: bool) -> Self {
        Self {
            given: Plan::new(given, None),
            is_awaited: AtomicBool::new(is_awaited),
            is_heard: AtomicBool::new(false),
            heard: Mutex::default(),
        }
    }

    /// Whether calls wait for what the resolver says first.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Acquire)
    }

    /// The resolver has answered. Whether calls may have waited for it.
    pub(super) fn answered(&self) -> bool {
        self.is_awaited.swap(false, Ordering::AcqRel)
    }

    /// Reads the plan as it is.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Plan) -> R) -> R {
        if self.is_heard.load(Ordering::Acquire) { read(&lock(&self.heard)) } else { read(&self.given) }
    }

    /// Takes what a resolver says: with none the plan from code holds again.
    pub(super) fn hear(&self, config: Option<ServiceConfig>) {
        let is_heard = config.is_some();
        if !is_heard {
            self.is_heard.store(false, Ordering::Release);
        }
        let mut heard = lock(&self.heard);
        let plan = Plan::new(config, Some(&*heard));
        let before = core::mem::replace(&mut *heard, plan);
        drop(heard);
        drop(before);
        if is_heard {
            self.is_heard.store(true, Ordering::Release);
        }
    }

    /// Whether the plan is one that the resolver gave.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Acquire)
    }
}
