//! What `up` prints: accounts, where things are, and for every act lines to paste into a shell. The lines are made from
//! the demo's own acts, so they cannot drift away from what works.

use serde_json::Value;

use super::shown;
use crate::demo::{Act, Attempt, Proof, Verify, Wanted, acts, person_of};
use crate::http::Call;
use crate::installation::{Installation, Person};
use crate::stage::Staged;

pub(super) fn text(
    installation: &Installation,
    people: &[Person],
    guests: &[Value],
) -> Staged<String> {
    let places = installation.places();
    let mut lines = vec![String::new()];
    for act in acts() {
        let person = person_of(&act);
        if people.iter().any(|ours| ours.id == person.id) {
            lines.extend(recipe(&act, &person, &places.base_url));
        }
    }
    lines.push("accounts".to_owned());
    lines.extend(people.iter().map(|person| {
        let Person { email, phone, password, .. } = person;
        format!("  {email:<30} {phone}  password: {password}")
    }));
    lines.extend(guests.iter().map(guest));
    lines.push(String::new());
    lines.push(format!("directory    {}", installation.place()));
    lines.push(format!("gateway      {}", places.base_url));
    lines.push(format!("mails        {} (a Maildir)", shown(&places.maildir)));
    lines.push(format!("texts        {} (one file each)", shown(&places.texts)));
    lines.push(format!("letters      {} letter ADDRESS [token|code]", program()));
    lines.push(format!("app          http://{} (echoes)", installation.app.addr()));
    lines.push(format!("sidecar      http://{}/metrics", installation.sidecar_admin()?));
    let (id, config) = installation.sidecar_again();
    let rekey = rekey_program();
    lines.push(format!(
        "             process {id}; killed, start it again: {rekey} serve -c {}",
        shown(config)
    ));
    lines.push(format!("envoy        http://{}", installation.gateway_admin()?));
    lines.push("running; Ctrl-C stops everything".to_owned());
    Ok(lines.join("\n"))
}

fn guest(guest: &Value) -> String {
    let text = |name: &str| guest[name].as_str().unwrap_or("-").to_owned();
    let password = guest["password"]
        .as_str()
        .map_or_else(|| "no password yet".to_owned(), |password| format!("password: {password}"));
    format!("  {:<30} {}  {password}", text("email"), text("phone"))
}

/// The shell lines of one act.
fn recipe(act: &Act, person: &Person, base_url: &str) -> Vec<String> {
    let address = match act.channel {
        contract::address::Channel::Email => &person.email,
        contract::address::Channel::Sms => &person.phone,
    };
    let read = |part: &str| format!("$({} letter {address} {part})", program());
    let mut lines = vec![format!("# {}: {}", act.dialect, act.title)];
    lines.push(format!("{}; sleep 1", shown_curl(&(act.ask)(person), base_url)));
    let parts: &[&str] = match act.letter {
        Wanted::Code => &["code"],
        Wanted::Link => &["token"],
        Wanted::LinkAndCode => &["token", "code"],
    };
    let parts = parts.iter().map(|part| format!("{}={}", part.to_uppercase(), read(part)));
    lines.push(parts.collect::<Vec<_>>().join("; "));
    if let Some(verify) = &act.verify {
        lines.push(exchange(verify, person, base_url));
    }
    let proof = Proof { token: "$TOKEN".to_owned(), code: "$CODE".to_owned() };
    let (password, keys) = ("a new password", serde_json::Value::Null);
    let attempt = Attempt { person, proof, password, keys, cookie: None };
    lines.push(shown_curl(&(act.confirm)(&attempt), base_url));
    lines.push(String::new());
    lines
}

fn exchange(verify: &Verify, person: &Person, base_url: &str) -> String {
    let member = verify.granted.token_member().unwrap_or_default();
    let call = curl(&(verify.call)(person, "$CODE"), base_url);
    format!("TOKEN=$({call} | sed 's/.*\"{member}\":\"\\([^\"]*\\)\".*/\\1/')")
}

/// The same with the status behind the answer: some answers have no body.
fn shown_curl(call: &Call, base_url: &str) -> String {
    format!("{} -w ' %{{http_code}}\n'", curl(call, base_url))
}

/// The call as a shell command; `$TOKEN` and `$CODE` are left to the shell.
fn curl(call: &Call, base_url: &str) -> String {
    let bytes = call.to_bytes("");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.split("\r\n");
    let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
    let mut command = format!("curl -sS {base_url}{path}");
    for line in lines {
        if !line.starts_with("host:") && !line.starts_with("content-length:") {
            command.push_str(&format!(" -H {}", quoted(line)));
        }
    }
    format!("{command} -d {}", quoted(body))
}

fn quoted(text: &str) -> String {
    let plain = text.replace('\'', "'\\''");
    let open = ["$TOKEN", "$CODE"]
        .iter()
        .fold(plain, |text, variable| text.replace(variable, &format!("'\"{variable}\"'")));
    format!("'{open}'")
}

/// This program, as it can be called from the checkout.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "rekey-stage".to_owned(), |path| shown(&path))
}

/// The sidecar's program, which is built beside this one.
fn rekey_program() -> String {
    let beside = std::env::current_exe().map(|path| path.with_file_name("rekey"));
    beside.map_or_else(|_| "rekey".to_owned(), |path| shown(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_open_and_the_rest_is_quoted() {
        let call = Call::post_json("/x", "{\"token\":\"$TOKEN\",\"it's\":1}").header("X-A", "1");
        assert_eq!(
            curl(&call, "http://h"),
            "curl -sS http://h/x -H 'content-type: application/json' -H 'X-A: 1' \
             -d '{\"token\":\"'\"$TOKEN\"'\",\"it'\\''s\":1}'"
        );
    }

    #[test]
    fn every_act_has_its_lines() {
        for act in acts() {
            let lines = recipe(&act, &person_of(&act), "http://h").join("\n");
            let wanted = 2 + usize::from(act.verify.is_some());
            assert_eq!(lines.matches("curl ").count(), wanted, "{lines}");
        }
    }
}
