use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde_json::{Map, Value};

use super::{HedgingPolicy, MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig};
use crate::channel::LoadBalancing;
use crate::{Code, Status};

/// A text that is no service config.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceConfigError(String);

impl fmt::Display for ServiceConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service config is not valid: {}", self.0)
    }
}

impl core::error::Error for ServiceConfigError {}

impl From<ServiceConfigError> for Status {
    fn from(error: ServiceConfigError) -> Self {
        Self::invalid_argument(error.to_string()).caused_by(error)
    }
}

type Object = Map<String, Value>;

impl FromStr for ServiceConfig {
    type Err = ServiceConfigError;

    /// Reads the JSON form of `grpc.service_config.ServiceConfig`. Fields that are not known are passed over; of the policies
    /// of load balancing the first that is known holds.
    fn from_str(text: &str) -> Result<Self, ServiceConfigError> {
        read(text).map_err(ServiceConfigError)
    }
}

fn read(text: &str) -> Result<ServiceConfig, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let object = value.as_object().ok_or("it is no object")?;
    let mut config = ServiceConfig::new();
    for method in list(object, "methodConfig")? {
        let method = method.as_object().ok_or("a methodConfig is no object")?;
        let settings = method_config(method)?;
        for name in list(method, "name")? {
            let name = name.as_object().ok_or("a name is no object")?;
            let part = |key| name.get(key).and_then(Value::as_str).unwrap_or_default();
            let path = match (part("service"), part("method")) {
                ("", "") => String::new(),
                ("", method) => return Err(format!("the method {method:?} is of no service")),
                (service, method) => format!("/{service}/{method}"),
            };
            if config.at_exactly(&path) {
                return Err(format!("it says twice what holds for {path:?}"));
            }
            config = config.with(path, settings.clone());
        }
    }
    if let Some(throttling) = object.get("retryThrottling") {
        let throttling = throttling.as_object().ok_or("retryThrottling is no object")?;
        let tokens = number(throttling, "maxTokens")?.ok_or("retryThrottling has no maxTokens")?;
        let ratio = number(throttling, "tokenRatio")?.ok_or("retryThrottling has no tokenRatio")?;
        if !(1.0..=1000.0).contains(&tokens) || ratio <= 0.0 {
            return Err("retryThrottling has maxTokens from 1 to 1000 and a tokenRatio above 0".to_owned());
        }
        config = config.retry_throttling(RetryThrottling::new(tokens as u32, ratio as f32));
    }
    if let Some(check) = object.get("healthCheckConfig") {
        let check = check.as_object().ok_or("healthCheckConfig is no object")?;
        if let Some(name) = check.get("serviceName") {
            config = config.health_check(name.as_str().ok_or("serviceName of healthCheckConfig is no text")?);
        }
    }
    let old_name = object.get("loadBalancingPolicy").and_then(Value::as_str).and_then(balancing);
    let policies = list(object, "loadBalancingConfig")?;
    let known = policies.iter().filter_map(|policy| balancing(policy.as_object()?.keys().next()?)).next();
    config.load_balancing = known.or(old_name);
    Ok(config)
}

fn balancing(name: &str) -> Option<LoadBalancing> {
    match name.to_ascii_lowercase().as_str() {
        "pick_first" => Some(LoadBalancing::PickFirst),
        "round_robin" => Some(LoadBalancing::RoundRobin),
        "weighted_round_robin" => Some(LoadBalancing::Weighted),
        _ => None,
    }
}

fn method_config(object: &Object) -> Result<MethodConfig, String> {
    let mut config = MethodConfig::new();
    config.timeout = duration(object, "timeout")?;
    config.waits_for_ready = object.get("waitForReady").and_then(Value::as_bool);
    config.max_request = bytes(object, "maxRequestMessageBytes")?;
    config.max_response = bytes(object, "maxResponseMessageBytes")?;
    let retry = object.get("retryPolicy").map(|policy| policy.as_object().ok_or("retryPolicy is no object"));
    let hedge =
        object.get("hedgingPolicy").map(|policy| policy.as_object().ok_or("hedgingPolicy is no object"));
    match (retry, hedge) {
        (None, None) => Ok(config),
        (Some(_), Some(_)) => Err("a method has retryPolicy or hedgingPolicy, not both".to_owned()),
        (Some(policy), None) => {
            let policy = policy?;
            let initial = duration(policy, "initialBackoff")?.filter(|backoff| !backoff.is_zero());
            let most = duration(policy, "maxBackoff")?.filter(|backoff| !backoff.is_zero());
            let multiplier = number(policy, "backoffMultiplier")?.filter(|multiplier| *multiplier > 0.0);
            let (Some(initial), Some(most), Some(multiplier)) = (initial, most, multiplier) else {
                return Err("retryPolicy has initialBackoff, maxBackoff and backoffMultiplier, all above 0"
                    .to_owned());
            };
            let codes = codes(policy, "retryableStatusCodes")?;
            if codes.is_empty() {
                return Err("retryPolicy names no retryableStatusCodes".to_owned());
            }
            let retries = RetryPolicy::new(attempts(policy)?, codes);
            Ok(config.retry(retries.backoff(initial, most, multiplier as f32)))
        }
        (None, Some(policy)) => {
            let policy = policy?;
            let delay = duration(policy, "hedgingDelay")?.unwrap_or_default();
            let codes = codes(policy, "nonFatalStatusCodes")?;
            Ok(config.hedge(HedgingPolicy::new(attempts(policy)?, delay, codes)))
        }
    }
}

fn list<'a>(object: &'a Object, key: &str) -> Result<&'a [Value], String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(format!("{key} is no list")),
    }
}

fn number(object: &Object, key: &str) -> Result<Option<f64>, String> {
    let read = |value: &Value| {
        value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|n: &f64| n.is_finite())
    };
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| format!("{key} is no number")),
    }
}

/// As the JSON form of protobuf has it, 64 bits may be a text.
fn bytes(object: &Object, key: &str) -> Result<Option<usize>, String> {
    let read = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let bytes = read(value).ok_or_else(|| format!("{key} is no number of bytes"))?;
            Ok(Some(usize::try_from(bytes).unwrap_or(usize::MAX)))
        }
    }
}

fn attempts(policy: &Object) -> Result<u32, String> {
    match number(policy, "maxAttempts")? {
        Some(attempts) if attempts >= 2.0 => Ok(attempts.min(1e6) as u32),
        _ => Err("maxAttempts is 2 at least".to_owned()),
    }
}

/// `1.5s`.
fn duration(object: &Object, key: &str) -> Result<Option<Duration>, String> {
    let read = |value: &Value| {
        let seconds = value.as_str()?.strip_suffix('s')?.parse::<f64>().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| format!("{key} is no duration, as \"1.5s\"")),
    }
}

fn codes(object: &Object, key: &str) -> Result<Vec<Code>, String> {
    let read = |value: &Value| {
        if let Some(number) = value.as_i64() {
            return Code::ALL.into_iter().find(|code| i64::from(i32::from(*code)) == number);
        }
        let name = value.as_str()?;
        Code::ALL.into_iter().find(|code| constant(*code) == name.to_ascii_uppercase())
    };
    let one = |value: &Value| read(value).ok_or_else(|| format!("{key} has {value}, which is no code"));
    list(object, key)?.iter().map(one).collect()
}

/// `DEADLINE_EXCEEDED`
fn constant(code: Code) -> String {
    let mut name = String::new();
    for (index, letter) in format!("{code:?}").chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Attempts;

    #[test]
    fn what_other_libraries_read_is_read() {
        let config: ServiceConfig = r#"{
            "loadBalancingConfig": [{"grpclb": {}}, {"round_robin": {}}],
            "methodConfig": [
                {"name": [{"service": "a.B"}, {"service": "a.C", "method": "D"}], "waitForReady": true,
                 "timeout": "1.5s", "maxRequestMessageBytes": "1000", "maxResponseMessageBytes": 2000,
                 "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s",
                     "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE", "deadline_exceeded", 10]}},
                {"name": [{}], "hedgingPolicy": {"maxAttempts": 3, "hedgingDelay": "0.5s",
                    "nonFatalStatusCodes": ["INTERNAL"]}}
            ],
            "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1},
            "healthCheckConfig": {"serviceName": "a.B"},
            "unknown": 1
        }"#
        .parse()
        .unwrap();
        assert!(matches!(config.load_balancing, Some(LoadBalancing::RoundRobin)));
        let method = config.at("/a.C/D").unwrap();
        assert_eq!(method.timeout, Some(Duration::from_millis(1500)));
        assert_eq!((method.max_request, method.max_response), (Some(1000), Some(2000)));
        assert_eq!(method.waits_for_ready, Some(true));
        let Attempts::Retry(retries) = &method.attempts else { panic!("{method:?}") };
        assert_eq!(retries.max_attempts, 4);
        let retried = Code::ALL.into_iter().filter(|code| retries.codes.contains(*code));
        assert_eq!(retried.collect::<Vec<_>>(), [Code::DeadlineExceeded, Code::Aborted, Code::Unavailable]);
        let other = config.at("/a.C/E").unwrap();
        assert!(matches!(&other.attempts, Attempts::Hedge(policy) if policy.max_attempts == 3));
        assert_eq!(config.throttling.unwrap().earned, 100);
        assert_eq!(config.health_check.as_deref(), Some("a.B"));
        let unnamed: ServiceConfig = r#"{"healthCheckConfig": {}}"#.parse().unwrap();
        assert_eq!(unnamed.health_check, None, "not even the server as a whole");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, why) in [
            ("[]", "no object"),
            ("{", "EOF"),
            (r#"{"methodConfig": [{"name": [{"method": "B"}]}]}"#, "of no service"),
            (r#"{"methodConfig": [{"name": [{}, {}]}]}"#, "twice"),
            (r#"{"methodConfig": [{"timeout": "1"}]}"#, "1.5s"),
            (r#"{"methodConfig": [{"timeout": "-1s"}]}"#, "timeout"),
            (r#"{"methodConfig": [{"retryPolicy": {"maxAttempts": 1}}]}"#, "initialBackoff"),
            (r#"{"methodConfig": [{"hedgingPolicy": {"maxAttempts": 1}}]}"#, "2 at least"),
            (r#"{"methodConfig": [{"hedgingPolicy": {}, "retryPolicy": {}}]}"#, "not both"),
            (r#"{"retryThrottling": {"maxTokens": 0, "tokenRatio": 1}}"#, "maxTokens"),
            (r#"{"healthCheckConfig": {"serviceName": 1}}"#, "serviceName"),
        ] {
            let error = text.parse::<ServiceConfig>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
