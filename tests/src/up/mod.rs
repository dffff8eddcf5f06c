//! `rekey-stage up`: an installation to play with, left running until somebody stops it; and `letter`, which reads the
//! mails and texts that it sent. Each start begins anew.

mod guide;

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use crate::demo::{Proof, acts, person_of};
use crate::installation::{
    Gateway, Home, Installation, Person, Plan, invite, line_of, wait_until_whole,
};
use crate::signals::Stop;
use crate::stage::{Fault, Mail, Staged, Texts, root};

const PORT: u16 = 8080;
/// Loose enough to play with; the tries of a code stay as the dialects document them.
const LIMITS: &str = "cool_down = \"2s\"\nsends = 10\ndaily_wrong_codes = 100";

/// Runs until a signal comes.
#[must_use]
pub fn up(settings: &[&str]) -> ExitCode {
    match Home::read(settings).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => crate::refused(&fault),
    }
}

fn run(accounts: Home) -> Staged<()> {
    let stop = Stop::on_signals()?;
    let port = port()?;
    let guests = guests()?;
    let home = home();
    let _held = lock(&home)?;
    check_free(port)?;
    if home.exists() {
        println!("… clearing {} of the last run", shown(&home));
        fs::remove_dir_all(&home)?;
    }
    let plan = Plan {
        home: home.clone(),
        port,
        gateway: Gateway::Envoy,
        accounts,
        limits: LIMITS,
        sections: String::new(),
        language: None,
    };
    let mut installation = Installation::start(&plan, &mut |step| println!("… {step}"))?;
    println!("… importing accounts");
    let people = people(&guests);
    installation.import(&people.iter().map(Person::line).collect::<String>())?;
    let brought = installation.import(&guests.iter().map(line_of).collect::<String>());
    brought.map_err(|fault| Fault::new("REKEY_ACCOUNTS", fault.to_string()))?;
    wait_until_whole(&installation)?;
    println!("{}", guide::text(&installation, &people, &guests)?);
    stop.wait();
    println!("\n… stopping");
    // Ctrl-C reaches them as well, so how they end says nothing.
    let _ended = installation.close();
    Ok(())
}

/// Where `up` keeps everything.
fn home() -> PathBuf {
    root().join("target/up")
}

/// The path as somebody in the checkout would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn port() -> Staged<u16> {
    let Some(text) = std::env::var_os("REKEY_PORT").filter(|text| !text.is_empty()) else {
        return Ok(PORT);
    };
    let port = text.to_str().and_then(|text| text.parse().ok()).filter(|port| *port != 0);
    port.ok_or_else(|| Fault::new("REKEY_PORT", "must be a port: REKEY_PORT=8081 ./just up"))
}

/// Two of them would clear each other's files.
fn lock(home: &Path) -> Staged<File> {
    let beside = home.with_extension("lock");
    fs::create_dir_all(home.parent().unwrap_or(home))?;
    let file = File::create(&beside)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Fault::new("`up` runs already", "stop the other one first (Ctrl-C there)"))
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn check_free(port: u16) -> Staged<()> {
    let busy = |error: std::io::Error| {
        let remedy = format!("{error}; choose another: REKEY_PORT={} ./just up", other(port));
        Fault::new("the gateway's port is not to be had", format!("127.0.0.1:{port}: {remedy}"))
    };
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(busy)
}

fn other(port: u16) -> u16 {
    if port < 65_000 { port + 1 } else { PORT + 1 }
}

/// The accounts of the file that `REKEY_ACCOUNTS` names.
fn guests() -> Staged<Vec<Value>> {
    let Some(file) = std::env::var_os("REKEY_ACCOUNTS").filter(|file| !file.is_empty()) else {
        return Ok(Vec::new());
    };
    let text = fs::read_to_string(&file).map_err(|error| {
        Fault::new("REKEY_ACCOUNTS", format!("{}: {error}", Path::new(&file).display()))
    })?;
    invite(&text)
}

/// Our own accounts; a guest with the same address comes first.
fn people(guests: &[Value]) -> Vec<Person> {
    let taken = |person: &Person| {
        guests.iter().any(|guest| {
            let is = |name: &str, ours: &str| {
                guest[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(ours))
            };
            is("email", &person.email) || is("phone", &person.phone) || is("id", &person.id)
        })
    };
    acts().iter().map(person_of).filter(|person| !taken(person)).collect()
}

/// `rekey-stage letter <address> [token|code]`: the newest letter to that address, or what it carries.
#[must_use]
pub fn letter(address: &str, part: Option<&str>) -> ExitCode {
    match read_letter(address, part) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(fault) => crate::refused(&fault),
    }
}

fn read_letter(address: &str, part: Option<&str>) -> Staged<String> {
    let letters = letters(address)?;
    let none = |what: &str| Fault::new("no letter", format!("nothing{what} came to {address} yet"));
    let Some(part) = part else {
        return letters.last().map(|(text, _)| text.clone()).ok_or_else(|| none(""));
    };
    let pick = |proof: &Proof| match part {
        "code" => proof.code.clone(),
        _ => proof.token.clone(),
    };
    let newest = letters.iter().rev().map(|(_, proof)| pick(proof)).find(|text| !text.is_empty());
    newest.ok_or_else(|| none(&format!(" with a {part}")))
}

/// Text and proof of every letter, the newest last.
fn letters(address: &str) -> Staged<Vec<(String, Proof)>> {
    let maildir = home().join("mail");
    if !address.contains('@') {
        let texts = Texts::new(&maildir.join("sms")).to(address)?;
        return Ok(texts.iter().map(|text| (text.text.clone(), Proof::in_text(text))).collect());
    }
    let mut found = Vec::new();
    for folder in ["cur", "new"] {
        for entry in fs::read_dir(maildir.join(folder)).into_iter().flatten() {
            let entry = entry?;
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    let mut letters = Vec::new();
    for (_, path) in found {
        let mail = Mail::parse(fs::read(path)?)?;
        if mail.is_to(address) {
            let subject = mail.header("subject").unwrap_or_default();
            letters.push((format!("{subject}\n\n{}", mail.text()), Proof::in_mail(&mail)));
        }
    }
    Ok(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_names_its_remedy() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = check_free(port).unwrap_err().to_string();
        assert!(text.contains("REKEY_PORT=") && text.contains(&port.to_string()), "{text}");
    }

    #[test]
    fn a_guest_takes_the_place_of_ours() {
        let all = people(&[]).len();
        let guest = serde_json::json!({"email": "ANQICMS-email@demo.example"});
        assert_eq!(people(&[guest]).len(), all - 1);
    }
}
