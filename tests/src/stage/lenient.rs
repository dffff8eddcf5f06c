//! The most lenient app we can think of, as a question: "would this request be a password reset?" It decodes paths
//! twice, folds letter case, collapses slashes and dots, cuts `;x`; it reads broken JSON, forms and queries, and any of several
//! values counts. What the filter lets pass must be none of it. It errs towards "yes", except on well-formed requests.

use super::Received;

mod body;
mod path;

/// Which reset a lenient app would have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    Confirm,
    Initiate,
    Link,
    Verify,
}

/// A path of an app's own reset, and what in the request makes it one.
struct Own {
    path: &'static str,
    when: When,
    reset: Reset,
}

enum When {
    Always,
    /// A member has this value.
    Is(&'static str, &'static str),
    /// A member is there: without it this is a logged-in change of password.
    Has(&'static str),
}

const fn own(path: &'static str, when: When, reset: Reset) -> Own {
    Own { path, when, reset }
}

const OWN: &[Own] = &[
    own("/api/password/reset", When::Always, Reset::Confirm),
    own("/api/v1/auth/forgotpass", When::Always, Reset::Initiate),
    own("/api/v1/auth/forgotpass/mobile", When::Always, Reset::Initiate),
    own("/api/v1/auth/resetpass", When::Always, Reset::Confirm),
    own("/api/v1/auth/resetpass/mobile", When::Always, Reset::Confirm),
    own("/api/v2/sdk/email/send", When::Is("type", "FORGET_PWD_EMS"), Reset::Initiate),
    own("/api/v2/sdk/pwd/update-by-email", When::Has("email"), Reset::Confirm),
    own("/api/v2/sdk/pwd/update-by-mobile", When::Has("mobile"), Reset::Confirm),
    own("/api/v2/sdk/sms/send", When::Is("type", "FORGET_PWD_SMS"), Reset::Initiate),
    own("/api/v3/reset-password", When::Always, Reset::Confirm),
    own("/api/v3/send-email", When::Is("channel", "CHANNEL_RESET_PASSWORD"), Reset::Initiate),
    own("/api/v3/send-sms", When::Is("channel", "CHANNEL_RESET_PASSWORD"), Reset::Initiate),
    own("/api/v3/verify-reset-password-request", When::Always, Reset::Verify),
    own("/api/verify/email", When::Is("state", "reset"), Reset::Initiate),
    own("/reset/v1/confirm", When::Always, Reset::Confirm),
    own("/reset/v1/initiate", When::Always, Reset::Initiate),
    own("/reset/v1/verify", When::Always, Reset::Verify),
];

/// The reset that a lenient app would see in this request.
#[must_use]
pub fn reset_in(request: &Received) -> Option<Reset> {
    let (path, query) = path::split(&request.target);
    let readings = [path::fold(path), path::fold(&path::without_parameters(path))];
    let own = OWN.iter().find(|own| readings.iter().any(|path| path == own.path))?;
    let get = request.method.eq_ignore_ascii_case("GET");
    if get && own.path != "/api/verify/email" {
        return None;
    }
    let members = body::members(&request.body, query);
    let named = |name: &str| {
        members.iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect::<Vec<_>>()
    };
    let meant = match own.when {
        When::Always => true,
        When::Has(name) => !named(name).is_empty(),
        When::Is(name, value) => named(name).iter().any(|found| *found == value),
    };
    meant.then_some(if get { Reset::Link } else { own.reset })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, body: &[u8]) -> Received {
        let (method, target) = (method.to_owned(), target.to_owned());
        Received {
            method,
            target,
            headers: vec![],
            body: body.to_vec(),
            trailers: vec![],
            head: vec![],
        }
    }

    #[test]
    fn spellings_of_a_path_are_seen_through() {
        for target in [
            "/api/password/reset",
            "/API/Password/RESET/",
            "//api//password;a=b/reset;x?y",
            "/x/..;/api/./password/reset.",
            "/api/password/%2572eset%20",
            "/api%252fpassword/reset%00.json",
            "/api/pa%C5%BFsword/reset",
            "http://h/api/%2e%2e%3b/api/password\\reset",
        ] {
            assert_eq!(reset_in(&request("POST", target, b"{}")), Some(Reset::Confirm), "{target}");
        }
        for target in ["/api/password/reset/more", "/api/password", "/api/passwords/reset"] {
            assert_eq!(reset_in(&request("POST", target, b"{}")), None, "{target}");
        }
    }

    #[test]
    fn spellings_of_a_body_are_seen_through() {
        let bodies: [&[u8]; 14] = [
            br#"{"state":"reset"}"#,
            br#"{"\u0073tate":"re\u0073et"}"#,
            br#"{"STATE":"reset"}"#,
            "{\"\u{17f}tate\":\"reset\"}".as_bytes(),
            br#"{"state":"login","state":"reset"}"#,
            br#"{"state":"reset","state":"login"}"#,
            b"\xEF\xBB\xBF{\"state\":\"reset\"}",
            br#"{"state":"login"} {"state":"reset"}"#,
            br#"/* x */ {state:'reset',} // y"#,
            br#"{"state":["reset"]}"#,
            br#"[{"state":"reset"}]"#,
            b"state=re%73et&email=a",
            b"{\0\"\0s\0t\0a\0t\0e\0\"\0:\0\"\0r\0e\0s\0e\0t\0\"\0}\0",
            br#"{"a":"\ud800","state":"reset""#,
        ];
        for body in bodies {
            let text = String::from_utf8_lossy(body);
            assert_eq!(
                reset_in(&request("POST", "/api/verify/email", body)),
                Some(Reset::Initiate),
                "{text}"
            );
        }
        for body in [
            &br#"{"state":"register","note":"reset"}"#[..],
            b"{\"state\":\"reset \"}",
            b"",
            b"reset",
        ] {
            let text = String::from_utf8_lossy(body);
            assert_eq!(reset_in(&request("POST", "/api/verify/email", body)), None, "{text}");
        }
    }
}
