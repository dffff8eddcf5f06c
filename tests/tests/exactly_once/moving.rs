//! From a file to a server: accounts move by the very statement that README.md shows, with their passwords.

use rekey_tests::house::{ANN, BOB, Crew, NEW, OLD, On, Plan};
use rekey_tests::stage::{Relay, root};

/// What stands between the quotes of README.md's `sqlite3` line.
fn statement() -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("sqlite3 ")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

fn told(crew: &Crew, words: &[&str], input: &str) -> String {
    let told = crew.sidecar.rekey(words, input).unwrap();
    assert!(told.status.success(), "{words:?}: {}{}", told.out, told.err);
    told.out
}

#[test]
fn accounts_move_to_postgres_as_the_readme_says() {
    let relay = Relay::start().unwrap();
    let from = Crew::start(&Plan::default(), relay.addr());
    from.add_accounts(&[
        format!(
            r#"{{"email":"eve@example.com","user_name":"eve","language":"ja","second_factor":true,"password":"{NEW}"}}"#
        ),
        r#"{"id":"none-yet","phone":"+8613900139000"}"#.to_owned(),
    ]);
    let rows: Vec<Vec<String>> = serde_json::from_str(&from.sql(&statement())).unwrap();
    let lines = rows.concat().join("\n");
    let to = Crew::start(&Plan { on: On::postgres(), ..Plan::default() }, relay.addr());
    for account in ["a1", "b2", "d4"] {
        told(&to, &["account", "forget", account], "");
    }
    assert_eq!(told(&to, &["account", "list"], ""), "");
    assert_eq!(told(&to, &["account", "import", "-"], &lines), "imported 5\n");
    let list = ["account", "list"];
    let accounts = told(&from, &list, "");
    assert_eq!(told(&to, &list, ""), accounts);
    for line in accounts.lines() {
        let show = ["account", "show", line.split(' ').next().unwrap()];
        assert_eq!(told(&to, &show, ""), told(&from, &show, ""));
    }
    assert!(to.has_password(ANN, OLD) && to.has_password(BOB, OLD) && to.has_password("eve", NEW));
}
