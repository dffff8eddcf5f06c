//! The configuration of `rekey edge`: the section `[edge]` of a TOML file, and the filter's own JSON beside it. Invariant:
//! an `EdgeConfig` exists only when both are good, and no password would cross a network in the clear.

mod declared;
mod network;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::edge::Plan;
use toml::de::DeValue;

use super::forms::{self, Formed, Wrong};
use super::reader::Reader;
use super::tls::{self, ClientTls, ServerTls};
use super::url::is_loopback;
use super::{Endpoint, Faults};

pub(super) use self::declared::DECLARED;
pub use self::network::Network;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// All that `rekey edge` is told from outside.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    pub listen: Endpoint,
    /// For clients; absent: what ends their TLS stands in front, or nothing does.
    pub listen_tls: Option<ServerTls>,
    pub admin: Endpoint,
    /// Where everything goes that is not ours.
    pub app: Upstream,
    /// The sidecar's public listener; absent: its paths are the app's.
    pub public: Option<Upstream>,
    /// Signed listeners, in the order of preference; one at least.
    pub sidecars: Vec<Upstream>,
    /// For those of them that are asked over TLS.
    pub tls: Option<ClientTls>,
    /// How often each of several sidecars is asked whether it is ready.
    pub health: Duration,
    /// The file of edge keys; the first of them signs.
    pub key: PathBuf,
    /// What is claimed, and for whom.
    pub plan: Plan,
    pub client: ClientSource,
    /// Who is believed about the client's address, beside a Unix socket's peers.
    pub trusted: Vec<Network>,
    pub connections: usize,
    /// Upgraded connections at a time.
    pub tunnels: usize,
    /// From the first byte of an HTTP/1.1 request to the end of its headers.
    pub head_timeout: Duration,
    /// For the whole body of a request that may be ours.
    pub body_timeout: Duration,
    /// How long a connection without a request is kept.
    pub idle: Duration,
    /// How long a body is waited for that does not go on.
    pub pause: Duration,
    /// From the end of a request to the head of the app's answer.
    pub app_timeout: Duration,
    pub log_level: tracing::Level,
}

/// Where a client's address is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientSource {
    /// Its connection.
    Connection,
    /// The so many'th address from the right of X-Forwarded-For, set by a proxy that is trusted.
    Hops(u8),
    /// The PROXY protocol, with which every connection must begin.
    ProxyProtocol,
}

/// A server that requests are sent to, over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16 },
    Unix(PathBuf),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, host, port) = match self {
            Self::Tcp { host, port } => ("http", host, port),
            Self::Tls { host, port } => ("https", host, port),
            Self::Unix(path) => return write!(out, "unix:{}", path.display()),
        };
        match host.contains(':') {
            true => write!(out, "{scheme}://[{host}]:{port}"),
            false => write!(out, "{scheme}://{host}:{port}"),
        }
    }
}

impl EdgeConfig {
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let text = fs::read_to_string(path).map_err(|error| Faults::unreadable(path, &error))?;
        let home = path.parent().filter(|home| !home.as_os_str().is_empty());
        Self::parse(&text, home.unwrap_or(Path::new(".")))
    }

    /// Reads TOML; relative paths start at `home`, the directory of the file.
    pub fn parse(text: &str, home: &Path) -> Result<Self, Faults> {
        let mut reader = Reader::open(text, home, DECLARED)?;
        let config = read(&mut reader, home);
        reader.finish(config)
    }
}

fn read(reader: &mut Reader<'_>, home: &Path) -> Option<EdgeConfig> {
    let allowed = reader.read("edge.allow_public", flag);
    let listen = reader.read("edge.listen", |value| forms::endpoint(value, home));
    let listen_tls = tls::of_front(reader, home);
    check_listen(reader, listen.as_ref(), allowed, listen_tls.is_some());
    let admin = reader.read("edge.admin", |value| forms::endpoint(value, home));
    let app = required(reader, "edge.app", |value| upstream(value, home));
    let public = reader.read("edge.public", |value| upstream(value, home));
    let tls = tls::of_edge(reader, home);
    let sidecars = sidecars(reader, home, tls.is_some());
    let health = reader.read("edge.health", |value| forms::duration(value, SECOND / 10..=HOUR));
    let key = required(reader, "edge.key", |value| forms::secret(value, home));
    let filter = required(reader, "edge.filter", |value| file(value, home));
    let plan = filter.and_then(|path| plan(reader, &path));
    let client = client(reader);
    let trusted = trusted(reader);
    let connections = reader.read("edge.connections", |value| forms::whole(value, 1..=65_536));
    let tunnels = reader.read("edge.tunnels", |value| forms::whole(value, 1..=65_536));
    let [head_timeout, body_timeout] = ["edge.head_timeout", "edge.body_timeout"]
        .map(|key| reader.read(key, |value| forms::duration(value, SECOND..=HOUR)));
    let idle = reader.read("edge.idle", |value| forms::duration(value, SECOND..=HOUR));
    let pause = reader.read("edge.pause", |value| forms::duration(value, SECOND..=HOUR));
    let app_timeout =
        reader.read("edge.app_timeout", |value| forms::duration(value, SECOND..=HOUR));
    let log_level = reader.read("edge.log_level", forms::level);
    Some(EdgeConfig {
        listen: listen?,
        listen_tls,
        admin: admin?,
        app: app?,
        public,
        sidecars: sidecars?,
        tls,
        health: health?,
        key: key?,
        plan: plan?,
        client: client?,
        trusted: trusted?,
        connections: connections?,
        tunnels: tunnels?,
        head_timeout: head_timeout?,
        body_timeout: body_timeout?,
        idle: idle?,
        pause: pause?,
        app_timeout: app_timeout?,
        log_level: log_level?,
    })
}

fn required<T>(
    reader: &mut Reader<'_>,
    path: &str,
    form: impl FnOnce(&DeValue<'_>) -> Formed<T>,
) -> Option<T> {
    if !reader.has(path) {
        reader.refuse(path, "it is missing", "`rekey edge --reference` tells what it means");
    }
    reader.read(path, form)
}

fn check_listen(
    reader: &mut Reader<'_>,
    listen: Option<&Endpoint>,
    allowed: Option<bool>,
    has_tls: bool,
) {
    if has_tls && matches!(listen, Some(Endpoint::Unix(_))) {
        reader.refuse(
            "edge.listen",
            "no TLS is spoken on a Unix socket",
            "remove the section edge.listen_tls, or write an IP address and a port",
        );
    }
    let open = matches!(listen, Some(Endpoint::Tcp(address)) if !address.ip().is_loopback());
    if open && allowed == Some(false) && !has_tls {
        reader.refuse(
            "edge.listen",
            "passwords would cross the network in the clear",
            "listen on 127.0.0.1, [::1] or unix:/path behind what ends TLS, or set edge.listen_tls.certificate and key; where the network between is your own, allow_public = true",
        );
    }
}

fn sidecars(reader: &mut Reader<'_>, home: &Path, has_tls: bool) -> Option<Vec<Upstream>> {
    let form = |one: &DeValue<'_>| guarded(one, home, has_tls);
    let listed = reader.read("edge.sidecar", |value| forms::one_or_more(value, form))?;
    let mut good = Vec::new();
    for found in listed {
        match found {
            Ok(upstream) => good.push(upstream),
            Err(wrong) => reader.refuse("edge.sidecar", &wrong.problem, &wrong.remedy),
        }
    }
    Some(good)
}

fn client(reader: &mut Reader<'_>) -> Option<ClientSource> {
    let hops = reader.read("edge.trusted_hops", |value| forms::whole(value, 0..=8));
    let protocol = reader.read("edge.proxy_protocol", flag);
    match (hops?, protocol?) {
        (0, false) => Some(ClientSource::Connection),
        (hops, false) => Some(ClientSource::Hops(hops)),
        (0, true) => Some(ClientSource::ProxyProtocol),
        (_, true) => {
            reader.refuse(
                "edge.trusted_hops",
                "the client's address comes from the PROXY protocol already",
                "remove one of the two keys",
            );
            None
        }
    }
}

fn trusted(reader: &mut Reader<'_>) -> Option<Vec<Network>> {
    let listed = reader.read("edge.trusted", |value| forms::one_or_more(value, network))?;
    let mut good = Vec::new();
    for found in listed {
        match found {
            Ok(network) => good.push(network),
            Err(wrong) => reader.refuse("edge.trusted", &wrong.problem, &wrong.remedy),
        }
    }
    Some(good)
}

/// The filter's configuration, read and judged, so that its faults come with all others.
fn plan(reader: &mut Reader<'_>, path: &Path) -> Option<Plan> {
    let found = match fs::read(path) {
        Ok(bytes) => Plan::from_json(&bytes),
        Err(error) => Err(vec![format!("{} cannot be read: {error}", path.display())]),
    };
    let remedy =
        format!("mend {}: the filter's JSON object, as README.md lists its keys", path.display());
    match found {
        Ok(plan) => Some(plan),
        Err(faults) => {
            for fault in faults {
                reader.refuse("edge.filter", &fault, &remedy);
            }
            None
        }
    }
}

fn flag(value: &DeValue<'_>) -> Formed<bool> {
    value.as_bool().ok_or_else(|| Wrong::new("it is neither true nor false", "write true or false"))
}

fn file(value: &DeValue<'_>, home: &Path) -> Formed<PathBuf> {
    let path = forms::text(value)?.strip_prefix("file:").filter(|path| !path.is_empty());
    path.map(|path| home.join(path))
        .ok_or_else(|| Wrong::new("it names no file", "write \"file:path\""))
}

fn network(value: &DeValue<'_>) -> Formed<Network> {
    let text = forms::text(value)?;
    Network::parse(text).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is no network"),
            "write an address or a network: 10.0.0.7, 10.0.0.0/8, fd00::/8",
        )
    })
}

fn upstream(value: &DeValue<'_>, home: &Path) -> Formed<Upstream> {
    let text = forms::text(value)?;
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Upstream::Unix(home.join(path)));
    }
    let rest = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let found = rest.and_then(|rest| forms::host_and_port(rest, 80));
    found.map(|(host, port)| Upstream::Tcp { host, port }).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is no server"),
            "write http://host:port without a path, or unix:/path",
        )
    })
}

/// A server that only this machine reaches, or one that is asked over TLS.
fn guarded(value: &DeValue<'_>, home: &Path, has_tls: bool) -> Formed<Upstream> {
    if let Some(rest) = forms::text(value)?.strip_prefix("https://") {
        let found = forms::host_and_port(rest.trim_end_matches('/'), 443);
        let (host, port) = found.ok_or_else(|| {
            Wrong::new(format!("\"{rest}\" is no server"), "write https://host:port without a path")
        })?;
        return has_tls.then_some(Upstream::Tls { host, port }).ok_or_else(|| {
            Wrong::new(
                "a sidecar lets nobody in without a certificate",
                "set edge.tls.certificate, key and ca",
            )
        });
    }
    match upstream(value, home)? {
        Upstream::Tcp { host, .. } if !is_loopback(&host) => Err(Wrong::new(
            "passwords would cross the network in the clear",
            "write https:// and set edge.tls, or http://127.0.0.1:7080 or unix:/path, with the sidecar on the same machine (or pod)",
        )),
        found => Ok(found),
    }
}
