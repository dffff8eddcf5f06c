//! Where certificates lie: `listen.tls` of the sidecar, `edge.tls` and `edge.listen_tls` of `rekey edge`. Invariant: a section
//! is whole or absent; nobody gets half of what protects him.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::forms::{self, Formed, Wrong};
use super::reader::Reader;

/// What a listener shows, and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Absent: everybody may come in.
    pub clients: Option<Clients>,
}

/// Whose certificates clients must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    pub ca: PathBuf,
    /// DNS names and URIs, one of which the certificate must have; empty: the CA's word is enough.
    pub names: Vec<String>,
}

/// What a client shows, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub ca: PathBuf,
    /// What the server's certificate must be for; absent: the host of the URL.
    pub name: Option<String>,
}

/// Of the signed listener: clients must show a certificate.
pub(super) fn of_signed(reader: &mut Reader<'_>, home: &Path) -> Option<ServerTls> {
    let files = ["certificate", "key", "client_ca"].map(|key| format!("listen.tls.{key}"));
    let is_there = is_whole(reader, &files, &["listen.tls.client_names"]);
    let certificate = reader.read("listen.tls.certificate", |value| forms::file(value, home));
    let key = reader.read("listen.tls.key", |value| forms::secret(value, home));
    let ca = reader.read("listen.tls.client_ca", |value| forms::file(value, home));
    let names = names(reader).unwrap_or_default();
    let clients = Some(Clients { ca: ca?, names });
    let found = ServerTls { certificate: certificate?, key: key?, clients };
    is_there.then_some(found)
}

/// Of the edge's front: for everybody.
pub(super) fn of_front(reader: &mut Reader<'_>, home: &Path) -> Option<ServerTls> {
    let files = ["certificate", "key"].map(|key| format!("edge.listen_tls.{key}"));
    let is_there = is_whole(reader, &files, &[]);
    let certificate = reader.read("edge.listen_tls.certificate", |value| forms::file(value, home));
    let key = reader.read("edge.listen_tls.key", |value| forms::secret(value, home));
    let found = ServerTls { certificate: certificate?, key: key?, clients: None };
    is_there.then_some(found)
}

/// Of the edge towards its sidecars.
pub(super) fn of_edge(reader: &mut Reader<'_>, home: &Path) -> Option<ClientTls> {
    let files = ["certificate", "key", "ca"].map(|key| format!("edge.tls.{key}"));
    let is_there = is_whole(reader, &files, &["edge.tls.name"]);
    let certificate = reader.read("edge.tls.certificate", |value| forms::file(value, home));
    let key = reader.read("edge.tls.key", |value| forms::secret(value, home));
    let ca = reader.read("edge.tls.ca", |value| forms::file(value, home));
    let name = reader.read("edge.tls.name", host);
    let found = ClientTls { certificate: certificate?, key: key?, ca: ca?, name };
    is_there.then_some(found)
}

/// Whether any key of the section is in the file; those that are missing then are faults.
fn is_whole(reader: &mut Reader<'_>, needed: &[String], others: &[&str]) -> bool {
    let all = needed.iter().map(String::as_str).chain(others.iter().copied());
    let is_there = all.into_iter().any(|key| reader.has(key));
    for key in needed {
        if is_there && !reader.has(key) {
            reader.refuse(key, "it is missing", &format!("name all of {}", needed.join(", ")));
        }
    }
    is_there
}

fn names(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let path = "listen.tls.client_names";
    let listed = reader.read(path, |value| forms::one_or_more(value, client_name))?;
    let mut good = Vec::new();
    for found in listed {
        match found {
            Ok(name) => good.push(name),
            Err(wrong) => reader.refuse(path, &wrong.problem, &wrong.remedy),
        }
    }
    Some(good)
}

fn client_name(value: &DeValue<'_>) -> Formed<String> {
    let text = forms::text(value)?;
    let is_uri = text.contains("://") && text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_uri || is_dns_name(text) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("\"{text}\" is no name of a client"),
            "write a DNS name or a URI as it stands in the certificate: edge.example.com, spiffe://example.com/edge",
        )),
    }
}

fn host(value: &DeValue<'_>) -> Formed<String> {
    let text = forms::text(value)?;
    let is_host = is_dns_name(text) || text.parse::<std::net::IpAddr>().is_ok();
    is_host.then(|| text.to_owned()).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is no host name"),
            "write the DNS name or IP address in the sidecar's certificate",
        )
    })
}

fn is_dns_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(plain)
}
