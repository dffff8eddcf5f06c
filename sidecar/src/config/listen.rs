//! The three doors: their keys, declared once, and how they are read. Invariant: the signed one is open to a network with TLS
//! only, and then to those alone who have a certificate.

use std::path::Path;
use std::time::Duration;

use super::declared::{Key, key};
use super::reader::Reader;
use super::{Listen, forms, tls};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

pub(super) const KEYS: &[Key] = &[
    key(
        "listen.signed",
        "\"127.0.0.1:7080\"",
        "address or unix:/path",
        "For the gateway: signed messages. Loopback or a Unix socket; with `listen.tls` any address.",
    ),
    key(
        "listen.tls.certificate",
        "",
        "file:path",
        "TLS on `listen.signed`: PEM, the own certificate first, then those up to its CA. All files of the section are read again when they change.",
    ),
    key("listen.tls.key", "", "file:path", "Its private key: PEM without a passphrase, mode 0600."),
    key(
        "listen.tls.client_ca",
        "",
        "file:path",
        "The CA that gateways' certificates are of; nobody gets in without one.",
    ),
    key(
        "listen.tls.client_names",
        "",
        "name or URI, or a list",
        "Alternative names (DNS, URI), one of which a gateway's certificate must have. Unset: the CA's word is enough.",
    ),
    key(
        "listen.public",
        "\"127.0.0.1:7081\"",
        "address or unix:/path",
        "For everybody, behind the gateway: jwks.json and change-password. GET and HEAD only.",
    ),
    key(
        "listen.admin",
        "\"127.0.0.1:7082\"",
        "address or unix:/path",
        "For operators: health, readiness, metrics. It asks for no password.",
    ),
    key(
        "listen.connections",
        "1024",
        "1 to 65536",
        "Connections that one listener holds at a time; more wait.",
    ),
    key(
        "listen.idle",
        "\"60s\"",
        "1s to 1h",
        "How long a connection without a request stays open.",
    ),
];

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Option<Listen> {
    let tls = tls::of_signed(reader, home);
    let signed = reader.read("listen.signed", |value| match tls {
        Some(_) => forms::encrypted(value, home),
        None => forms::guarded(value, home),
    });
    let public = reader.read("listen.public", |value| forms::endpoint(value, home));
    let admin = reader.read("listen.admin", |value| forms::endpoint(value, home));
    let connections = reader.read("listen.connections", |value| forms::whole(value, 1..=65_536));
    let idle = reader.read("listen.idle", |value| forms::duration(value, SECOND..=HOUR));
    Some(Listen {
        signed: signed?,
        tls,
        public: public?,
        admin: admin?,
        connections: connections?,
        idle: idle?,
    })
}
