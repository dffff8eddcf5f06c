//! Whom the directory is believed to be. Invariant: no password is sent before the certificate was checked, and none of
//! ours in clear.

use std::path::Path;

use rekey_tests::stage::{ADMIN, BASE, PASSWORD, Slapd, SlapdOptions};
use sidecar::directory::DirectoryError;

use crate::authority::{Authority, Pair, place};
use crate::rig::{Side, company, mail, person, start};

fn encrypted(dir: &Path, authority: &Authority, pair: &Pair) -> Slapd {
    place(&dir.join("ca.pem"), authority.pem());
    pair.write(dir, "server");
    let tls = Some(dir.to_owned());
    start(&SlapdOptions { tls, entries: person("anna", ""), ..SlapdOptions::default() })
}

/// Whether somebody is found through each way of TLS.
async fn found(slapd: &Slapd, host: &str, ca: &Path) -> [Result<usize, DirectoryError>; 2] {
    let urls = [
        format!("\"ldaps://{host}:{}\"", slapd.secure_port()),
        format!("\"ldap+starttls://{host}:{}\"", slapd.port()),
    ];
    let mut outcomes = [Ok(0), Ok(0)];
    for (url, outcome) in urls.iter().zip(&mut outcomes) {
        let side = Side::at(url, ADMIN, &format!("ca = \"file:{}\"", ca.display()));
        *outcome = side.ldap.find(&[mail("anna@example.org")]).await.map(|found| found.len());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_certificate_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::draw("ca");
    let slapd = encrypted(dir.path(), &authority, &authority.certify(&["localhost", "127.0.0.1"]));
    let ca = dir.path().join("ca.pem");
    assert_eq!(found(&slapd, "localhost", &ca).await, [Ok(1), Ok(1)]);
    assert_eq!(found(&slapd, "127.0.0.1", &ca).await, [Ok(1), Ok(1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_not() {
    let refused = [Err(DirectoryError::Tls), Err(DirectoryError::Tls)];
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::draw("ca"));
    let slapd = encrypted(dir.path(), &authority, &authority.certify(&["localhost"]));
    let other = dir.path().join("other.pem");
    place(&other, Authority::draw("other").pem());
    assert_eq!(found(&slapd, "localhost", &other).await, refused, "of another CA");
    assert_eq!(
        found(&slapd, "127.0.0.1", &dir.path().join("ca.pem")).await,
        refused,
        "of another name"
    );
    assert_eq!(found(&slapd, "localhost", &dir.path().join("none.pem")).await, refused, "no CA");
    let slapd = encrypted(dir.path(), &authority, &authority.certify_late(&["localhost"]));
    assert_eq!(
        found(&slapd, "localhost", &dir.path().join("ca.pem")).await,
        refused,
        "that has ended"
    );
}

/// A server without StartTLS, or one who takes it away, gets no password in clear.
#[tokio::test(flavor = "multi_thread")]
async fn starttls_is_required() {
    let slapd = company("", &["anna"]);
    let side = Side::at(&format!("\"ldap+starttls://localhost:{}\"", slapd.port()), ADMIN, "");
    assert_eq!(side.ldap.find(&[mail("anna@example.org")]).await.unwrap_err(), DirectoryError::Tls);
    let side = Side::at(&format!("\"ldap://localhost:{}\"", slapd.port()), ADMIN, "");
    assert_eq!(side.find("anna@example.org").await.len(), 1, "in clear to this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_we_are_is_checked() {
    let slapd = company("", &["anna"]);
    let url = format!("\"{}\"", slapd.url());
    let base = format!("base = \"{BASE}\"");
    let nobody = Side::with(&url, "cn=nobody,dc=example,dc=org", PASSWORD, &base);
    let wrong = Side::with(&url, ADMIN, "wrong", &base);
    for side in [nobody, wrong] {
        let outcome = side.ldap.find(&[mail("anna@example.org")]).await;
        assert_eq!(outcome.unwrap_err(), DirectoryError::Login);
    }
    let nowhere = Side::with(&url, ADMIN, PASSWORD, "base = \"dc=nowhere\"");
    let outcome = nowhere.ldap.find(&[mail("anna@example.org")]).await;
    assert_eq!(outcome.unwrap_err(), DirectoryError::Missing);
}
