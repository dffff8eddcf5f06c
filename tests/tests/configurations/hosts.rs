//! `hosts.yaml`: each host has the dialect of its own filter, its own site and its own app; a host that is neither gets no
//! answer where resets are.

use contract::message::Message;
use rekey_tests::http::Call;
use rekey_tests::stage::App;

use crate::rig::{ASK, INITIATE, Rig};

const SEND_EMAIL: &str = "/api/v3/send-email";

/// Neither host, or both.
const STRANGERS: [&str; 8] = [
    "other.example",
    "staff.example.evil.example",
    "x",
    "shop.example..",
    "staff.example..",
    "xshop.example",
    "shop.example,staff.example",
    "127.0.0.1",
];

/// The app of the shop is the rig's.
struct Hosts {
    rig: Rig,
    staff: App,
}

impl Hosts {
    fn start() -> Self {
        let staff = App::start().unwrap();
        let place = format!("\"127.0.0.1\", port_value: {}", staff.addr().port());
        let rig =
            Rig::start("hosts.yaml", |options| options.swap("127.0.0.1, port_value: 3001", place));
        Self { rig, staff }
    }

    /// Requests at the app of the shop, at that of staff, and the sites of messages, since the last look.
    fn seen(&self) -> (usize, usize, Vec<String>) {
        let Rig { app, sidecar, .. } = &self.rig;
        let site = |body: Vec<u8>| {
            let json = body.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
            Message::decode(json).unwrap().context.site.as_str().to_owned()
        };
        let sites = sidecar.requests().into_iter().map(|request| site(request.body)).collect();
        let seen = (app.requests().len(), self.staff.requests().len(), sites);
        app.clear();
        self.staff.clear();
        sidecar.clear();
        seen
    }
}

fn native(host: &str) -> Call {
    Call::post_json(INITIATE, ASK).header("host", host)
}

fn authing(host: &str) -> Call {
    let body = r#"{"channel":"CHANNEL_RESET_PASSWORD","email":"jo.mark@example.com"}"#;
    Call::post_json(SEND_EMAIL, body).header("x-authing-app-id", "app1").header("host", host)
}

#[test]
fn hosts_have_dialects_and_sites_of_their_own() {
    let hosts = Hosts::start();
    for (call, status, site) in [
        (native("staff.example"), 202, "staff"),
        (native("staff.example:8443"), 202, "staff"),
        (native("staff.example."), 202, "staff"),
        (authing("shop.example"), 200, "default"),
        (authing("SHOP.example"), 200, "default"),
        (authing("shop.example."), 200, "default"),
        (authing("shop.example.:8443"), 200, "default"),
    ] {
        let reply = hosts.rig.send(&call);
        assert_eq!(reply.status, status, "{call:?} {}", reply.text());
        assert_eq!(hosts.seen(), (0, 0, vec![site.to_owned()]), "{call:?}");
    }
}

/// What a host's filter does not look for is its own app's; the other host's app hears nothing of it.
#[test]
fn hosts_have_apps_of_their_own() {
    let hosts = Hosts::start();
    for (call, at_shop, at_staff) in [
        (native("shop.example"), 1, 0),
        (native("shop.example."), 1, 0),
        (Call::get("/any").header("host", "shop.example"), 1, 0),
        (authing("staff.example"), 0, 1),
        (authing("staff.example.:8443"), 0, 1),
        (Call::get("/any").header("host", "staff.example"), 0, 1),
        (Call::get("/any").header("host", "other.example"), 1, 0),
    ] {
        assert_eq!(hosts.rig.send(&call).status, 200, "{call:?}");
        assert_eq!(hosts.seen(), (at_shop, at_staff, Vec::new()), "{call:?}");
    }
}

/// Clients choose the host they name: none that has no filter leads to an app's own reset.
#[test]
fn other_hosts_lead_to_no_reset() {
    let hosts = Hosts::start();
    for host in STRANGERS {
        for call in [native(host), authing(host)] {
            let reply = hosts.rig.send(&call);
            assert_eq!(reply.status, 421, "{call:?} {}", reply.text());
            assert_eq!(hosts.seen(), (0, 0, Vec::new()), "{call:?}");
        }
        let spelled = Call::post_json("/Reset/v1//initiate;x", ASK).header("host", host);
        assert_eq!(hosts.rig.send(&spelled).status, 421, "{host}");
        assert_eq!(hosts.seen(), (0, 0, Vec::new()), "{host}");
    }
}

/// Whose filter answers is whose words are heard, also when nobody is there to be asked.
#[test]
fn hosts_say_busy_in_their_own_words() {
    let mut hosts = Hosts::start();
    hosts.rig.sidecar.stop();
    let staff = hosts.rig.send(&native("staff.example")).text();
    assert!(staff.contains("urn:rekey:problem:busy"), "{staff}");
    let shop = hosts.rig.send(&authing("shop.example")).text();
    assert!(shop.contains("\"statusCode\":503"), "{shop}");
    assert!(hosts.rig.app.requests().is_empty() && hosts.staff.requests().is_empty());
}
