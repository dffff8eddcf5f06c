//! A sidecar beside an app, with the lines of the app's recipe as its users would paste them.

use contract::message::Message;
use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};
use rekey_tests::apps::{App, Person, Place};
use rekey_tests::house::{
    by_token, confirm, fresh, from, initiate, number, outcome, post, sqlite, token_in, unix_now,
};
use rekey_tests::stage::{Mailbox, Sidecar, until};
use tempfile::TempDir;

pub(crate) struct Desk {
    dir: TempDir,
    mailbox: Mailbox,
    pub(crate) sidecar: Sidecar,
    key: EdgeKey,
}

impl Desk {
    /// With the format of the recipe alone, or with that of the hash which is replaced, as is usual.
    pub(crate) fn open(app: &App, place: &Place, keep: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::start(&dir.path().join("mail")).unwrap();
        std::fs::write(dir.path().join("sql-password"), place.password.as_deref().unwrap_or(""))
            .unwrap();
        private(&dir.path().join("sql-password"));
        let config = format!(
            "data = \"data\"\naudience = \"demo\"\nbase_url = \"http://127.0.0.1:8080\"\n{}\n\
             [listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
             [mail]\nrelay = \"smtp://{}\"\n[limits]\ncool_down = \"1s\"\n",
            lines(app, place, keep),
            mailbox.addr()
        );
        let sidecar = Sidecar::start(&config, dir.path()).unwrap();
        let line = std::fs::read_to_string(dir.path().join("data/keys/edge")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = EdgeKey::parse(Name::parse(words[1]).unwrap(), words[2]).unwrap();
        Self { dir, mailbox, sidecar, key }
    }

    /// Asks from new senders until so many mails with a link are there; the token of the last.
    pub(crate) fn link(&self, who: Person, count: usize) -> String {
        let mail = until("a mail to somebody of the app", || {
            self.ask(who);
            let mails = self.mailbox.mails_to(who.address)?.into_iter();
            Ok(mails.filter(|mail| mail.text().contains("token=")).nth(count - 1))
        });
        token_in(mail.unwrap_or_else(|fault| panic!("{fault:?} {}", self.sidecar.log())).text())
    }

    /// An ask that is worked off, and the mails that ever went there.
    pub(crate) fn mails(&self, who: Person) -> usize {
        self.ask(who);
        self.mailbox.mails_to(who.address).unwrap().len()
    }

    pub(crate) fn confirm(&self, token: &str, password: &str) -> String {
        self.say(&confirm("native", by_token(token), password))
    }

    /// Waits until the worker is done with it.
    fn ask(&self, who: Person) {
        let sender = format!("192.0.2.{}", number() % 250 + 1);
        assert_eq!(self.say(&from(initiate("native", who.address), &sender)), "accepted");
        until("the end of all work", || {
            let file = self.dir.path().join("data/rekey.db");
            let waiting = ["ask", "mail"].map(|table| {
                sqlite(&file, &format!("SELECT 1 FROM {table} WHERE state = 'waiting' LIMIT 1"))
            });
            let [asks, mails] = waiting;
            Ok((asks? == "[]" && mails? == "[]").then_some(()))
        })
        .unwrap();
    }

    fn say(&self, message: &Message) -> String {
        let audience = Name::parse("demo").unwrap();
        let stamp = Stamp { now: unix_now(), id: fresh() };
        let body = sign(&self.key, &audience, stamp, message.operation(), &message.encode());
        outcome(
            &post(message.operation(), &body).send(self.sidecar.addr("signed").unwrap()).unwrap(),
        )
    }
}

/// The app's own, but for where the database is.
fn lines(app: &App, place: &Place, keep: bool) -> String {
    let is_file = place.password.is_none();
    let mut text = app.lines().unwrap();
    if !text.contains("[password]") {
        text.push_str("[password]\n");
    }
    let here = |line: &str| match line {
        _ if line.starts_with("url = ") && is_file => format!("url = \"{}\"\n", place.url),
        _ if line.starts_with("url = ") => format!("url = \"{}\"\ntls = \"off\"\n", place.url),
        _ if line.starts_with("password = ") && is_file => String::new(),
        "[password]" => format!("{line}\nkeep = {keep}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(here).collect()
}

fn private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
