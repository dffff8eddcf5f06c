//! What every web hook is told by: where, signed with which keys, how long. Invariant: calls are signed, go over TLS but to
//! this machine, and into a private network only where that is allowed.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::BaseUrl;
use super::forms::{self, Formed, Wrong};
use super::mail::private;
use super::reader::Reader;
use super::url::is_loopback;
use crate::hook::{Signer, Worth, worth};
use crate::peer::Peer;

/// A system that is called.
#[derive(Clone, Debug)]
pub struct HookConfig {
    pub peer: Peer,
    pub signer: Signer,
    pub timeout: Duration,
    /// Whether it may be in a private network, or on this machine under a name.
    pub allow_private: bool,
}

/// Reads the keys of `section`; both it and its URL are there.
pub(super) fn read(reader: &mut Reader<'_>, section: &str) -> Option<HookConfig> {
    let home = reader.home();
    let at = |key: &str| format!("{section}.{key}");
    let url = reader.read(&at("url"), forms::url);
    let ca = reader.read(&at("ca"), |value| forms::file(value, &home));
    let signer = reader.read(&at("secret"), |value| signer(&forms::secret(value, &home)?));
    let timeout = reader.read(&at("timeout"), |value| {
        forms::duration(value, Duration::from_millis(100)..=Duration::from_secs(10))
    });
    let allow_private = reader.read(&at("allow_private"), forms::flag);
    for key in ["url", "secret"] {
        if !reader.has(&at(key)) {
            let remedy = match key {
                "url" => "write https://host[:port][/path]",
                _ => SECRET,
            };
            reader.refuse(&at(key), "it is missing, and nobody is called without it", remedy);
        }
    }
    let (url, allow_private) = (url?, allow_private?);
    let peer = peer(reader, &at, &url, ca.as_deref())?;
    if let Some((problem, remedy)) = forbidden(peer.host(), allow_private) {
        reader.refuse(&at("url"), problem, &remedy.replace('*', section));
    }
    Some(HookConfig { peer, signer: signer?, timeout: timeout?, allow_private })
}

const SECRET: &str = "name a file of mode 0600 that holds whsec_ and 32 random bytes in base64: \
     echo \"whsec_$(openssl rand -base64 32)\" > hook.secret";

fn peer(
    reader: &mut Reader<'_>,
    at: &impl Fn(&str) -> String,
    url: &BaseUrl,
    ca: Option<&Path>,
) -> Option<Peer> {
    match Peer::new(url, ca) {
        Ok(peer) => Some(peer),
        Err(fault) => {
            let key = if ca.is_some() { at("ca") } else { at("url") };
            let remedy = "name a PEM file of certificates with ca = \"file:..\"";
            reader.refuse(&key, &fault.to_string(), remedy);
            None
        }
    }
}

/// What would never be called is told now.
fn forbidden(host: &str, allow_private: bool) -> Option<(&'static str, &'static str)> {
    let literal: Option<IpAddr> = host.parse().ok();
    match literal.map(worth) {
        Some(Worth::Never) => Some((
            "nobody is called at such an address",
            "write a name, or an address that one machine has",
        )),
        Some(Worth::Private) if !allow_private && !is_loopback(host) => {
            Some(("the address is of a private network", "set *.allow_private = true beside it"))
        }
        None if !allow_private && is_loopback(host) => Some((
            "a name that leads to this machine is not called",
            "write 127.0.0.1 or [::1], or set *.allow_private = true beside it",
        )),
        _ => None,
    }
}

fn signer(path: &Path) -> Formed<Signer> {
    let text: Zeroizing<String> = private(path, || SECRET.to_owned())?;
    let fault = |fault| Wrong::new(format!("{}: {fault}", path.display()), SECRET);
    Signer::parse(&text).map_err(fault)
}
