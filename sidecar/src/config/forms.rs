//! How single values are written: durations, addresses, URLs, mailboxes, references to secrets.
//! Invariant: a form either gives a typed value or says what is wrong and what to write instead.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::name::Name;
use contract::profile::Login;
use lettre::message::Mailbox;
use toml::de::DeValue;

use super::url::{UrlFault, is_loopback};
use super::{BaseUrl, Endpoint, Relay, Tls};
use crate::limits::Rate;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }

    /// The key has nothing to act on here.
    pub(super) fn idle(problem: &str) -> Self {
        Self::new(problem, "remove the key")
    }

    fn kind(found: &DeValue<'_>, wanted: &str) -> Self {
        Self::new(format!("{wanted} is meant, not {}", found.type_str()), format!("write {wanted}"))
    }
}

pub(super) type Formed<T> = Result<T, Wrong>;

pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Formed<&'v str> {
    value.as_str().ok_or_else(|| Wrong::kind(value, "text in quotes"))
}

pub(super) fn owned(value: &DeValue<'_>) -> Formed<String> {
    text(value).map(str::to_owned)
}

pub(super) fn flag(value: &DeValue<'_>) -> Formed<bool> {
    value.as_bool().ok_or_else(|| Wrong::kind(value, "true or false"))
}

/// One value, or a list of at most eight; each judged alone, so that all faults are found.
pub(super) fn one_or_more<T>(
    value: &DeValue<'_>,
    form: impl Fn(&DeValue<'_>) -> Formed<T>,
) -> Formed<Vec<Formed<T>>> {
    let Some(list) = value.as_array() else {
        return Ok(vec![form(value)]);
    };
    match list.iter().len() {
        1..=8 => Ok(list.iter().map(|item| form(item.get_ref())).collect()),
        count => {
            Err(Wrong::new(format!("the list has {count} values"), "write 1 to 8, or one alone"))
        }
    }
}

pub(super) fn name(value: &DeValue<'_>) -> Formed<Name> {
    Name::parse(text(value)?)
        .ok_or_else(|| Wrong::new("it is not a short name", "write 1 to 64 of A-Z a-z 0-9 . _ -"))
}

pub(super) fn whole<T: TryFrom<u64>>(value: &DeValue<'_>, range: RangeInclusive<u64>) -> Formed<T> {
    let integer = value.as_integer().ok_or_else(|| Wrong::kind(value, "a whole number"))?;
    let number = u64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .filter(|number| range.contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        Wrong::new(
            format!("{integer} is out of range"),
            format!("write {} to {}", range.start(), range.end()),
        )
    })
}

/// `500ms`, `60s`, `5m`, `2h`, `7d`.
pub(super) fn duration(value: &DeValue<'_>, range: RangeInclusive<Duration>) -> Formed<Duration> {
    let text = text(value)?;
    let found = parse_duration(text).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is not a duration"),
            "write a whole number and a unit: 500ms, 60s, 5m, 2h or 7d",
        )
    })?;
    let bounds =
        format!("write {} to {}", show_duration(*range.start()), show_duration(*range.end()));
    range
        .contains(&found)
        .then_some(found)
        .ok_or_else(|| Wrong::new(format!("\"{text}\" is out of range"), bounds))
}

/// `30/10m`: so many in each such time, all of which may come at once; on average at most `most` a second.
pub(super) fn rate(value: &DeValue<'_>, most: u64) -> Formed<Rate> {
    let text = text(value)?;
    let parsed = text.split_once('/').and_then(|(count, period)| {
        let period = parse_duration(period)?;
        let rate = Rate::new(whole_number(count)?, period)?;
        RATE_PERIODS.contains(&period).then_some((rate, rate.burst(), period))
    });
    let Some((rate, count, period)) = parsed else {
        return Err(Wrong::new(
            format!("\"{text}\" is not a rate"),
            "write a whole number, a slash and a time of 1s to 1d: 30/10m",
        ));
    };
    match u128::from(count) * 1000 <= u128::from(most) * period.as_millis() {
        true => Ok(rate),
        false => Err(Wrong::new(
            format!("\"{text}\" is out of range"),
            format!("keep it at or below {most} a second"),
        )),
    }
}

/// Digits alone; no sign, and nothing that is written otherwise than it is read.
fn whole_number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

const RATE_PERIODS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(86_400);

fn parse_duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        "d" => seconds(86_400),
        _ => None,
    }
}

fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// The life of a proof, in seconds.
pub(super) fn life(value: &DeValue<'_>) -> Formed<u32> {
    let life = duration(value, Duration::from_secs(10)..=Duration::from_secs(86_400))?;
    u32::try_from(life.as_secs()).map_err(|_| Wrong::new("it is out of range", "write 10s to 1d"))
}

pub(super) fn digits(value: &DeValue<'_>) -> Formed<u8> {
    whole(value, 4..=10)
}

pub(super) fn tries(value: &DeValue<'_>) -> Formed<u8> {
    whole(value, 1..=5)
}

pub(super) fn login(value: &DeValue<'_>) -> Formed<Login> {
    match text(value)? {
        "always" => Ok(Login::Always),
        "link" => Ok(Login::Link),
        "never" => Ok(Login::Never),
        other => Err(Wrong::new(
            format!("\"{other}\" is unknown"),
            "write \"always\", \"link\" or \"never\"",
        )),
    }
}

pub(super) fn level(value: &DeValue<'_>) -> Formed<tracing::Level> {
    match text(value)? {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        other => Err(Wrong::new(
            format!("\"{other}\" is unknown"),
            "write \"error\", \"warn\", \"info\" or \"debug\"",
        )),
    }
}

pub(super) fn path(value: &DeValue<'_>, home: &Path) -> Formed<PathBuf> {
    let text = text(value)?;
    match text.is_empty() {
        true => Err(Wrong::new("the path is empty", "write a path, or remove the key")),
        false => Ok(home.join(text)),
    }
}

/// `file:path`: where a secret lies; the secret itself never stands in the configuration.
pub(super) fn secret(value: &DeValue<'_>, home: &Path) -> Formed<PathBuf> {
    let path = text(value)?.strip_prefix("file:").filter(|path| !path.is_empty());
    path.map(|path| home.join(path)).ok_or_else(|| {
        Wrong::new(
            "a secret must not stand in the configuration",
            "put it into a file with mode 0600 and write \"file:path\"",
        )
    })
}

/// `file:path`, of a file that is no secret.
pub(super) fn file(value: &DeValue<'_>, home: &Path) -> Formed<PathBuf> {
    let path = text(value)?.strip_prefix("file:").filter(|path| !path.is_empty());
    path.map(|path| home.join(path))
        .ok_or_else(|| Wrong::new("it does not name a file", "write \"file:path\""))
}

pub(super) fn secrets(value: &DeValue<'_>, home: &Path) -> Formed<Vec<PathBuf>> {
    let list = value.as_array().ok_or_else(|| Wrong::kind(value, "a list of \"file:path\""))?;
    let paths: Vec<PathBuf> =
        list.iter().map(|item| secret(item.get_ref(), home)).collect::<Formed<_>>()?;
    match paths.is_empty() {
        true => Err(Wrong::new(
            "without a key no gateway can be believed",
            "name one key file, or remove the key",
        )),
        false => Ok(paths),
    }
}

pub(super) fn endpoint(value: &DeValue<'_>, home: &Path) -> Formed<Endpoint> {
    let text = text(value)?;
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Endpoint::Unix(home.join(path)));
    }
    text.parse().map(Endpoint::Tcp).map_err(|_| {
        Wrong::new(
            format!("\"{text}\" is not an address"),
            "write an IP address and a port (127.0.0.1:7080, [::1]:7080) or unix:/path",
        )
    })
}

/// An address that only this machine reaches.
pub(super) fn guarded(value: &DeValue<'_>, home: &Path) -> Formed<Endpoint> {
    let found = endpoint(value, home)?;
    match &found {
        Endpoint::Tcp(address) if !address.ip().is_loopback() => Err(Wrong::new(
            "passwords would cross the network in the clear",
            "listen on 127.0.0.1, [::1] or unix:/path, with the gateway on the same machine (or pod), or set listen.tls.certificate, key and client_ca",
        )),
        _ => Ok(found),
    }
}

/// An address that TLS is spoken at.
pub(super) fn encrypted(value: &DeValue<'_>, home: &Path) -> Formed<Endpoint> {
    match endpoint(value, home)? {
        Endpoint::Unix(_) => Err(Wrong::new(
            "no TLS is spoken on a Unix socket, whose file says who may connect",
            "remove the section listen.tls, or write an IP address and a port",
        )),
        found => Ok(found),
    }
}

pub(super) fn url(value: &DeValue<'_>) -> Formed<BaseUrl> {
    BaseUrl::parse(text(value)?).map_err(|fault| match fault {
        UrlFault::Plain => Wrong::new(fault.to_string(), "write https://"),
        _ => Wrong::new(fault.to_string(), "write https://host[:port][/path]"),
    })
}

pub(super) fn mailbox(value: &DeValue<'_>) -> Formed<Mailbox> {
    let text = text(value)?;
    text.parse().map_err(|_| {
        Wrong::new(format!("\"{text}\" is not a mailbox"), "write Name <name@example.com>")
    })
}

pub(super) fn relay(value: &DeValue<'_>) -> Formed<Relay> {
    let schemes = [
        ("smtp://", Tls::None, 25),
        ("smtps://", Tls::Implicit, 465),
        ("smtp+starttls://", Tls::Starttls, 587),
    ];
    let text = text(value)?;
    let form = || {
        Wrong::new(
            format!("\"{text}\" is not a relay"),
            "write smtps://host[:port] or smtp+starttls://host[:port]; user and password are keys of their own",
        )
    };
    let found = schemes
        .iter()
        .find_map(|(scheme, tls, port)| Some((text.strip_prefix(scheme)?, *tls, *port)));
    let (rest, tls, port) = found.ok_or_else(form)?;
    let (host, port) = host_and_port(rest.trim_end_matches('/'), port).ok_or_else(form)?;
    if tls == Tls::None && !is_loopback(&host) {
        return Err(Wrong::new(
            "links and codes would cross the network in the clear",
            "write smtps:// or smtp+starttls://",
        ));
    }
    Ok(Relay { tls, host, port, login: None })
}

pub(super) fn host_and_port(text: &str, preset: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map(|(host, port)| (host, port.strip_prefix(':')))?,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    let port = port.map_or(Some(preset), |port| port.parse().ok())?;
    (!host.is_empty() && host.bytes().all(plain)).then(|| (host.to_owned(), port))
}
