//! Several accounts on one address, in a table of the team's own, with mails as a real server took them.

use contract::address::Channel;
use contract::profile::ProofKind;
use rekey_tests::stage::{Mail, Mailbox};
use tempfile::TempDir;

use super::rig::*;
use crate::flow::deliver;

const UPPER: &str = "Ann@example.org";

/// Two accounts of one mailbox, one of another that differs in case, and a stranger's.
const TABLE: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT, login TEXT, hash TEXT); \
     CREATE INDEX users_mail ON users (lower(mail)); \
     INSERT INTO users VALUES (1, 'ann@example.org', 'ann1', 'old'), (2, 'ann@example.org', 'ann2', 'old'), \
     (3, 'Ann@example.org', 'ann3', 'old'), (4, 'bob@example.org', 'bob', 'old');";

/// An engine over the table, and the server that takes its mails.
struct Street {
    rig: Rig,
    mailbox: Mailbox,
    home: TempDir,
}

impl Street {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let table = home.path().join("app.db");
        rusqlite::Connection::open(&table).unwrap().execute_batch(TABLE).unwrap();
        let mailbox = Mailbox::start(&home.path().join("mail")).unwrap();
        let text = format!(
            "directory = \"sql\"\n[sql]\nurl = \"sqlite:{}\"\ntable = \"users\"\nmatch = \"lower\"\n[sql.columns]\n\
             id = \"id\"\nemail = \"mail\"\nuser_name = \"login\"\npassword_hash = \"hash\"\n",
            table.display()
        );
        Self { rig: Rig::bare(&text, mailbox.addr()), mailbox, home }
    }

    /// Asks, and has everything delivered; the mails so far to each spelling.
    async fn mails(&self, caller: Caller) -> [Vec<Mail>; 2] {
        assert_eq!(self.rig.ask(caller, ANN).await.code(), "accepted");
        while deliver::once(&self.rig.engine).await.unwrap() > 0 {}
        [ANN, UPPER].map(|to| {
            let all = self.mailbox.all().unwrap();
            all.into_iter().filter(|mail| mail.header("To") == Some(to)).collect()
        })
    }

    /// Whose passwords were reset, in the order of it.
    fn reset(&self) -> Vec<String> {
        let store = self.rig.home.path().join("rekey-data/rekey.db");
        let store = rusqlite::Connection::open(store).unwrap();
        let query = "SELECT account FROM audit WHERE outcome = 'reset' ORDER BY id";
        let mut query = store.prepare(query).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

pub(super) fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

/// The line after the label that names the account.
fn after(mail: &Mail, label: &str) -> String {
    let text = mail.text().replace("\r\n", "\n");
    let (_, rest) = text.split_once(&format!("{label}:\n")).unwrap_or_else(|| panic!("{text}"));
    rest.lines().next().unwrap().to_owned()
}

fn token(mail: &Mail, label: &str) -> String {
    after(mail, label).split("token=").nth(1).unwrap().chars().take(64).collect()
}

#[tokio::test]
async fn three_accounts_on_one_address_get_two_mails_and_each_link_resets_its_own() {
    let street = Street::new();
    let [lower, upper] = street.mails(linked()).await;
    assert_eq!((lower.len(), upper.len(), street.mailbox.all().unwrap().len()), (1, 1, 2));
    let (lower, upper) = (&lower[0], &upper[0]);
    assert!(!lower.text().contains("ann3") && !upper.text().contains("ann1"));
    let label = |name: &str| format!("Choose a new password for {name}");
    let tokens = [
        token(lower, &label("ann1")),
        token(lower, &label("ann2")),
        token(upper, "Choose a new password"),
    ];
    // One ask, two mails, and no burst behind them.
    assert_eq!(street.rig.end(ANN).await, ("sent".into(), String::new()));
    assert_eq!(street.rig.stories(ANN).await[0].mails, 2);
    street.rig.pass(1);
    let [lower, upper] = street.mails(linked().from("198.51.100.7")).await;
    assert_eq!((lower.len(), upper.len()), (1, 1));
    assert_eq!(street.rig.end(ANN).await, ("suppressed".into(), "cool_down".into()));
    for (token, id) in tokens.iter().zip(["1", "2", "3"]) {
        assert_eq!(street.rig.confirm(linked(), by_token(token)).await, "reset");
        assert_eq!(street.rig.confirm(linked(), by_token(token)).await, "proof_invalid");
        assert_eq!(street.reset().last().map(String::as_str), Some(id));
    }
    assert_eq!(street.reset().len(), 3);
}

#[tokio::test]
async fn codes_on_one_address_differ_and_share_its_wrong_ones() {
    let street = Street::new();
    let [lower, upper] = street.mails(coded()).await;
    let (lower, upper) = (&lower[0], &upper[0]);
    let first = after(lower, "The code for ann1");
    let second = after(lower, "The code for ann2");
    let third = after(upper, "Your code");
    assert!(first != second && second != third && first != third);
    let none = [&first, &second, &third];
    let wrong = (0..).map(|n| format!("{n:06}")).find(|code| !none.contains(&code)).unwrap();
    for _ in 0..4 {
        assert_eq!(street.rig.confirm(coded(), by_code(ANN, &wrong)).await, "proof_invalid");
    }
    // Five wrong ones in the pot of all three would end it: this is the fifth guess, and right.
    assert_eq!(street.rig.confirm(coded(), by_code(ANN, &second)).await, "reset");
    assert_eq!(street.rig.confirm(coded(), by_code(ANN, &wrong)).await, "proof_invalid");
    assert_eq!(street.rig.confirm(coded(), by_code(ANN, &first)).await, "proof_invalid");
    assert_eq!(street.reset(), ["2"]);
}

/// Who has no name is told of by place; of nine, those that were there first.
#[tokio::test]
async fn a_table_decides_who_is_told_of() {
    let street = Street::new();
    let table = rusqlite::Connection::open(street.home.path().join("app.db")).unwrap();
    table.execute_batch("UPDATE users SET login = NULL WHERE id < 3").unwrap();
    let [lower, _] = street.mails(linked()).await;
    let text = lower[0].text();
    assert!(text.contains("for account 1:") && text.contains("for account 2:"), "{text}");
    let many = "INSERT INTO users SELECT id + 10, 'ann@example.org', 'more' || id, 'old' FROM users; \
         INSERT INTO users SELECT id + 20, 'ann@example.org', 'most' || id, 'old' FROM users WHERE id < 3";
    table.execute_batch(many).unwrap();
    street.rig.pass(3600);
    street.rig.ask(linked(), ANN).await;
    while deliver::once(&street.rig.engine).await.unwrap() > 0 {}
    assert_eq!(street.rig.end(ANN).await, ("sent".into(), String::new()));
}
