//! Where we and `h2` are known to differ.

use http::uri::{Authority, PathAndQuery, Scheme};
use unwired_core::http2::frame::{self, HEAD_LEN, Kind, Setting, SettingId};
use unwired_core::http2::{Field, Fields, Reason, hpack};

use super::{Lines, SECTION, Unit, View};

/// Numbers of streams below the highest, of which we remember what became of them: 4 for each that may be open at a time.
const REMEMBERED: u32 = 2 * 4 * super::ours::STREAMS;

/// The section of RFC 9113 that a difference is about, if it is a known one. `refused` says who refused the unit: we,
/// they.
pub(super) fn known(unit: &Unit<'_>, ours: &View, theirs: &View, refused: [bool; 2]) -> Option<&'static str> {
    let [we_refuse, they_refuse] = refused;
    // Each has limits of its own for what costs it too much.
    let calm = Some(Reason::ENHANCE_YOUR_CALM.0);
    if ours.dead == calm || theirs.dead == calm {
        return Some("§10.5");
    }
    // It ends the connection with the last request that is under way, we wait for the client to do so.
    if unit.is_leaving && they_refuse && !we_refuse {
        return Some("§6.8");
    }
    // It takes the parameter of RFC 8441 to be either 0 or 1, we know of none and pass it over (§6.5.2).
    let is_settings = unit.head.kind == Kind::Settings && they_refuse && !we_refuse;
    if is_settings
        && unit.octets.get(HEAD_LEN..).and_then(frame::settings).is_some_and(has_bad_connect_protocol)
    {
        return Some("§6.5.2");
    }
    let id = unit.head.stream.get();
    // A request on a higher stream closes those that were passed over (§5.1.1).
    let is_skipped = (1..unit.highest).contains(&id) && !ours.requests.contains_key(&id);
    let is_closed = unit.was_reset || is_skipped || ours.is_closed(id);
    // What comes for it may have been under way: each lets some of it pass and refuses some, the stream or with it the
    // connection.
    if is_closed && we_refuse != they_refuse {
        return Some("§5.1");
    }
    // Streams that far back may have been anything: we let most pass that comes for them, it takes them for closed.
    if we_refuse != they_refuse && unit.highest.saturating_sub(unit.head.stream.get()) >= REMEMBERED {
        return Some("§5.1");
    }
    // RFC 7541 §4.2: no more than two updates of the size, at the beginning of a block. It takes any number.
    if unit.broken_code == Some(hpack::Error::SizeUpdatePosition) && we_refuse {
        return Some("§4.3");
    }
    let fields = unit.fields.as_ref()?;
    if unit.is_broken && we_refuse && !they_refuse && is_malformed(fields) {
        // What is malformed it gives up where it stands, and asks for no CONTINUATION.
        return Some("§6.10");
    }
    let is_trailers = ours.requests.contains_key(&id);
    if we_refuse && !they_refuse && is_trailers && has_framing(fields) {
        // "Trailers MUST NOT include pseudo-header fields"; RFC 9110 §6.5.1 says the same of framing.
        return Some("§8.1");
    }
    if we_refuse && !they_refuse {
        we_are_stricter(fields)
    } else if they_refuse && !we_refuse {
        they_are_stricter(fields)
    } else {
        None
    }
}

fn has_bad_connect_protocol(mut settings: impl Iterator<Item = Setting>) -> bool {
    settings.any(|setting| setting.id == SettingId::Unknown(8) && setting.value > 1)
}

/// What it takes for malformed while it decodes.
fn is_malformed(fields: &Fields) -> bool {
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    let connection: [&[u8]; 5] =
        [b"connection", b"transfer-encoding", b"upgrade", b"keep-alive", b"proxy-connection"];
    let pseudo = |name: &[u8]| name.starts_with(b":");
    names.iter().any(|name| connection.contains(name))
        || fields.iter().any(|field| field.name == b"te" && field.value != b"trailers")
        || names.windows(2).any(|pair| !pseudo(pair[0]) && pseudo(pair[1]))
        || names.iter().enumerate().any(|(at, name)| pseudo(name) && names[..at].contains(name))
}

fn has_framing(fields: &Fields) -> bool {
    fields.iter().any(|field| field.name.starts_with(b":") || field.name == b"content-length")
}

fn we_are_stricter(fields: &Fields) -> Option<&'static str> {
    let edge = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    if fields.iter().any(|field| edge(field.value.first()) || edge(field.value.last())) {
        // "A field value MUST NOT start or end with an ASCII whitespace character".
        return Some("§8.2.1");
    }
    if fields.iter().any(|field| field.name.contains(&b'"')) {
        // "A field name MUST NOT contain characters" that are none of a token: RFC 9110 §5.6.2 has no quotation mark.
        return Some("§8.2.1");
    }
    let named =
        |name: &'static [u8]| fields.iter().filter(move |field| field.name == name).map(|field| field.value);
    if named(b"content-length").any(<[u8]>::is_empty) {
        // RFC 9110 §8.6: at least one digit. It takes none for 0.
        return Some("§8.1.1");
    }
    if fields.get(b":path").is_none() && fields.get(b":method") != Some(b"CONNECT") {
        // "All HTTP/2 requests MUST include exactly one valid value for the :method, :scheme, and :path". It takes the root.
        return Some("§8.3.1");
    }
    if fields.get(b":method") == Some(b"CONNECT") && fields.get(b":authority").is_none_or(<[u8]>::is_empty) {
        // ":authority contains the host and port to connect to". It takes a tunnel to nowhere.
        return Some("§8.5");
    }
    let hosts = || named(b":authority").chain(named(b"host"));
    if hosts().any(|host| host.contains(&b'@')) {
        // ":authority MUST NOT include the deprecated userinfo subcomponent".
        return Some("§8.3.1");
    }
    let first = hosts().next();
    if hosts().any(|host| !first.is_some_and(|first| first.eq_ignore_ascii_case(host)))
        || named(b"host").count() > 1
    {
        // "A server SHOULD treat a request as malformed if it contains a Host header field that identifies an entity that
        // differs from the entity in the :authority pseudo-header field".
        return Some("§8.3.1");
    }
    None
}

fn they_are_stricter(fields: &Fields) -> Option<&'static str> {
    let bad = |name: &[u8], is_good: fn(&[u8]) -> bool| fields.get(name).is_some_and(|value| !is_good(value));
    if bad(b":path", |path| PathAndQuery::try_from(path).is_ok())
        || bad(b":authority", |authority| Authority::try_from(authority).is_ok())
        || bad(b":scheme", |scheme| Scheme::try_from(scheme).is_ok())
    {
        // It reads them as parts of a URI. We leave that to who serves them, but for what HTTP/1.1 could take for two.
        return Some("§8.3.1");
    }
    let is_text = |field: Field<'_>| core::str::from_utf8(field.value).is_ok();
    if fields.iter().any(|field| field.name.starts_with(b":") && !is_text(field)) {
        // It keeps them as text, and what is none ends its connection.
        return Some("§8.3");
    }
    if fields.iter().any(|field| field.name == b"te" && field.value != b"trailers") {
        // RFC 9110 §10.1.4: "trailers" is a keyword, and case means nothing in it.
        return Some("§8.2.2");
    }
    if fields.list_size() > SECTION as usize - 1000 {
        // Both answer 431, and it refuses the stream as well.
        return Some("§10.5.1");
    }
    None
}

/// What is left of a request's head in the `Uri` of the `http` crate: no scheme without an authority, and no fragment,
/// which RFC 9113 §8.3.1 leaves no place for; the root where nothing else is left of a path.
pub(super) fn as_uri(mut lines: Lines) -> Lines {
    if !lines.iter().any(|(name, _)| name == ":authority") {
        lines.retain(|(name, _)| name != ":scheme");
    }
    for (name, value) in &mut lines {
        if name == ":path" {
            let length = value.find('#').unwrap_or(value.len());
            value.truncate(length);
            if value.is_empty() {
                value.push('/');
            }
        }
    }
    lines
}
