//! The sidecar's signed listener with TLS: who gets in, who is in nobody's way, and files that change while it serves.

use std::fs;
use std::net::{SocketAddr, TcpStream};

use rekey_tests::http::Call;
use rekey_tests::stage::{Sidecar, rekey, until};
use tempfile::TempDir;

use crate::authority::{Authority, Pair, place};
use crate::client::{Client, ask};

/// A sidecar that lets in whoever has a certificate of our CA.
pub(crate) struct Stand {
    pub(crate) dir: TempDir,
    pub(crate) ca: Authority,
    pub(crate) sidecar: Sidecar,
}

impl Stand {
    /// More lines of `[listen]`, and of `[listen.tls]`.
    pub(crate) fn with(listen: &str, tls: &str) -> Self {
        let (dir, ca) = (tempfile::tempdir().unwrap(), Authority::draw("ours"));
        ca.certify(&["localhost", "127.0.0.1"]).write(dir.path(), "door");
        place(&dir.path().join("ca.pem"), ca.pem());
        let sidecar = Sidecar::start(&config(listen, tls), dir.path()).unwrap();
        Self { dir, ca, sidecar }
    }

    pub(crate) fn door(&self) -> SocketAddr {
        self.sidecar.addr("signed").unwrap()
    }

    pub(crate) fn client(&self, own: Option<&Pair>) -> Client {
        Client::new(self.ca.pem(), own, &[])
    }

    fn metrics(&self) -> String {
        Call::get("/metrics").send(self.sidecar.addr("admin").unwrap()).unwrap().text()
    }

    fn refused(&self, reason: &str) -> bool {
        let line = format!("rekey_events_total{{event=\"handshake_failed\",reason=\"{reason}\"}}");
        self.metrics().contains(&line)
    }
}

fn config(listen: &str, tls: &str) -> String {
    format!(
        "data = \"data\"\n[mail]\nrelay = \"smtp://127.0.0.1:9\"\n[listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{listen}\n\
         [listen.tls]\ncertificate = \"file:door.pem\"\nkey = \"file:door.key\"\nclient_ca = \"file:ca.pem\"\n{tls}\n"
    )
}

#[test]
fn only_certificates_of_our_ca_get_in() {
    let stand = Stand::with("", "");
    let own = stand.ca.certify(&["gateway"]);
    let answer = stand.client(Some(&own)).get(stand.door(), "/readyz").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ready\n"), "{answer}");
    let others = Authority::draw("theirs").certify(&["gateway"]);
    let late = stand.ca.certify_late(&["gateway"]);
    for (own, reason) in
        [(None, "no_certificate"), (Some(&others), "unknown_ca"), (Some(&late), "expired")]
    {
        assert!(stand.client(own).get(stand.door(), "/readyz").is_err(), "{reason}");
        until("the refusal", || Ok(stand.refused(reason).then_some(()))).unwrap();
    }
    assert!(Call::get("/readyz").send(stand.door()).is_err(), "plain HTTP");
    until("the refusal", || Ok(stand.refused("no_tls").then_some(()))).unwrap();
}

#[test]
fn where_names_are_listed_one_of_them_is_wanted() {
    let names = "client_names = [\"edge.example.com\", \"spiffe://example.com/edge\"]";
    let stand = Stand::with("", names);
    for (name, gets_in) in [
        ("edge.example.com", true),
        ("EDGE.example.com", true),
        ("spiffe://example.com/edge", true),
        ("spiffe://example.com/edge/x", false),
        ("example.com", false),
        ("127.0.0.1", false),
    ] {
        let own = stand.ca.certify(&["other.example.com", name]);
        let answer = stand.client(Some(&own)).get(stand.door(), "/readyz");
        assert_eq!(answer.is_ok(), gets_in, "{name}");
    }
    assert!(stand.refused("name"));
}

/// They take places of connections, and only these; then they are closed.
#[test]
fn slow_handshakes_end_and_hold_no_accept_up() {
    let stand = Stand::with("connections = 3", "");
    let own = stand.ca.certify(&["gateway"]);
    let silent: Vec<_> = (0..2).map(|_| TcpStream::connect(stand.door()).unwrap()).collect();
    assert!(stand.client(Some(&own)).get(stand.door(), "/readyz").is_ok());
    assert!(!stand.refused("slow"));
    let third = TcpStream::connect(stand.door()).unwrap();
    // All places are taken, until the first of them is given up.
    assert!(stand.client(Some(&own)).get(stand.door(), "/readyz").is_ok());
    assert!(stand.refused("slow"));
    drop((silent, third));
}

#[test]
fn files_are_read_again_and_no_connection_is_lost() {
    let stand = Stand::with("", "");
    let own = stand.ca.certify(&["gateway"]);
    let client = stand.client(Some(&own));
    let mut kept = client.connect(stand.door()).unwrap();
    let shown = |stream: &crate::client::Stream| stream.conn.peer_certificates().unwrap().to_vec();
    let first = shown(&kept);
    assert!(ask(&mut kept, "/readyz", "keep-alive").is_ok());
    stand.ca.certify(&["localhost"]).write(stand.dir.path(), "door");
    let now = || shown(&client.connect(stand.door()).unwrap());
    until("the next certificate", || Ok((now() != first).then_some(()))).unwrap();
    assert!(ask(&mut kept, "/readyz", "keep-alive").is_ok());
    let second = now();
    fs::write(stand.dir.path().join("door.pem"), "no certificate").unwrap();
    let told = || Ok(stand.sidecar.log().contains("certificates_unreadable").then_some(()));
    until("the refusal", told).unwrap();
    assert_eq!(now(), second);
    let end = "rekey_certificate_not_after_seconds{certificate=\"listen.tls\"} 2493072000";
    assert!(stand.metrics().contains(end), "{}", stand.metrics());
}

/// A gateway's CA is exchanged by a file with both, then by one without the former.
#[test]
fn the_clients_ca_is_exchanged_too() {
    let stand = Stand::with("", "");
    let (former, next) = (stand.ca.certify(&["gateway"]), Authority::draw("next"));
    let renewed = next.certify(&["gateway"]);
    let gets_in = |own| stand.client(Some(own)).get(stand.door(), "/readyz").is_ok();
    let file = stand.dir.path().join("ca.pem");
    place(&file, &format!("{}{}", stand.ca.pem(), next.pem()));
    until("both to get in", || Ok(gets_in(&renewed).then_some(()))).unwrap();
    assert!(gets_in(&former));
    place(&file, next.pem());
    until("the former's end", || Ok((!gets_in(&former)).then_some(()))).unwrap();
    assert!(gets_in(&renewed));
}

#[test]
fn a_certificate_that_ends_is_spoken_of_and_a_bad_one_is_refused() {
    let (dir, ca) = (tempfile::tempdir().unwrap(), Authority::draw("ours"));
    ca.certify_late(&["localhost"]).write(dir.path(), "door");
    place(&dir.path().join("ca.pem"), ca.pem());
    fs::write(dir.path().join("rekey.toml"), config("", "")).unwrap();
    let check = || rekey(&["check", "--config", "rekey.toml"], "", dir.path()).unwrap();
    let told = check();
    let is_told = told.out.contains("listen.tls: its certificate ended ");
    assert!(!told.status.success() && is_told, "{}", told.out);
    let sidecar = Sidecar::start(&config("", ""), dir.path()).unwrap();
    until("the warning", || Ok(sidecar.log().contains("certificate_ends").then_some(()))).unwrap();
    drop(sidecar);
    let other = ca.certify(&["localhost"]);
    place(&dir.path().join("door.pem"), &other.certificate);
    let told = check();
    assert!(
        !told.status.success() && told.out.contains("renew both files together"),
        "{}",
        told.out
    );
    other.write(dir.path(), "door");
    let told = check();
    assert!(told.status.success() && told.out.contains("listen.tls good for"), "{}", told.out);
    let exposed = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(dir.path().join("door.key"), exposed).unwrap();
    assert!(check().out.contains("give the file mode 0600"), "{}", check().out);
    assert!(Sidecar::start(&config("", ""), dir.path()).is_err());
}
