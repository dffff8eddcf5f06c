//! Who is found, and what is read of them.

use contract::address::{Address, Channel};
use contract::language::Language;

use super::rig::*;
use crate::directory::{DirectoryError, Grade, Status, Written};

#[tokio::test]
async fn an_account_is_read_whole() {
    let rig = Rig::new();
    rig.ground.say(
        "UPDATE users SET backup = 'ann@home.example', tel = '+8613800138000', login = 'ann', shown = 'Ann', \
         lang = 'zh-CN', mfa = '' WHERE id = 1",
    );
    let sql = rig.directory();
    let found = sql.find(&[mail("ann@example.org")]).await.unwrap();
    let [ann] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((ann.id.as_str(), ann.user_name.as_deref(), ann.display_name.as_deref()), ("1", Some("ann"), Some("Ann")));
    assert_eq!(ann.addresses().map(|address| address.key()).collect::<Vec<_>>(), ["ann@example.org", "ann@home.example", "+8613800138000"]);
    assert_eq!((ann.language, ann.status, ann.second_factor), (Some(Language::Chinese), Status::Active, false));
    assert_eq!(ann.password_hash.as_deref(), Some("old"));
    assert_eq!(account(&sql, "1").await.revision, ann.revision);
    assert!(sql.get("2").await.unwrap().is_none());
    assert!(sql.get("no number").await.unwrap().is_none());
}

#[tokio::test]
async fn each_address_and_each_column_leads_to_its_account() {
    let rig = Rig::new();
    rig.add(2, "bob@example.org", "b");
    rig.add(3, "ann@example.org", "c");
    rig.ground.say("UPDATE users SET backup = 'ann@example.org', tel = '+12125550100' WHERE id = 2");
    let sql = rig.directory();
    assert_eq!(ids(&sql, &[mail("ann@example.org")]).await, ["1", "2", "3"]);
    assert_eq!(ids(&sql, &[mail("bob@example.org"), phone("+12125550100")]).await, ["2"]);
    assert_eq!(ids(&sql, &[mail("nobody@example.org"), phone("+12125550101")]).await, [""; 0]);
    assert_eq!(ids(&sql, &[]).await, [""; 0]);
    let many: Vec<_> = (0..150).map(|n| mail(&format!("user{n}@example.org"))).collect();
    rig.add(4, "user149@example.org", "d");
    assert_eq!(ids(&sql, &many).await, ["4"]);
}

#[tokio::test]
async fn what_the_database_takes_for_equal_is_judged_again() {
    let rig = Rig::new();
    // The Kelvin sign, a dotless i, an accent, spaces: equal to some collations, and mailboxes of others.
    for (id, mail) in [(2, "ann@example.org "), (3, "a\u{131}n@example.org"), (4, " ann@example.org"), (5, "\u{e0}nn@example.org")] {
        rig.add(id, mail, "x");
    }
    rig.add(6, "mike@example.org", "x");
    rig.add(7, "m\u{131}\u{212a}e@example.org", "x");
    rig.add(8, "Ann@EXAMPLE.org", "x");
    for keys in [KEYS.to_owned(), format!("match = \"lower\"\n{KEYS}")] {
        let sql = rig.with(&keys);
        let found = ids(&sql, &[mail("ann@example.org")]).await;
        // Whether another letter case is found is the column's to say; nobody else is.
        assert!(found == ["1"] || found == ["1", "8"], "{found:?}");
        assert_eq!(ids(&sql, &[mail("mike@example.org")]).await, ["6"]);
    }
    let sql = rig.with(&format!("match = \"lower\"\n{KEYS}"));
    assert_eq!(ids(&sql, &[mail("ANN@example.org")]).await, ["1", "8"]);
}

#[tokio::test]
async fn a_domain_stands_there_in_either_spelling() {
    let rig = Rig::new();
    rig.add(2, "ann@b\u{fc}cher.example", "x");
    rig.add(3, "ann@xn--bcher-kva.example", "x");
    let sql = rig.directory();
    let typed = crate::directory::ascii(mail("ann@b\u{fc}cher.example")).unwrap();
    assert_eq!(ids(&sql, &[typed]).await, ["2", "3"]);
}

#[tokio::test]
async fn who_is_not_active_is_told_so() {
    let rig = Rig::new();
    rig.ground.say("ALTER TABLE users ADD COLUMN gone VARCHAR(32)");
    for (id, state, gone) in [(2, "0", "NULL"), (3, "NULL", "NULL"), (4, "1", "'2026-01-01'"), (5, "1", "NULL")] {
        rig.ground.say(&format!("INSERT INTO users (id, mail, state, gone) VALUES ({id}, 'b@example.org', {state}, {gone})"));
    }
    let sql = rig.with(&KEYS.replace("id = \"id\"", "id = \"id\"\ndeleted = \"gone\""));
    for (id, status) in [("2", Status::Disabled), ("3", Status::Disabled), ("4", Status::Disabled), ("5", Status::Active)] {
        assert_eq!(account(&sql, id).await.status, status, "{id}");
    }
    let sql = rig.with(&KEYS.replace("active = [1]", "active = [1, \"null\"]"));
    assert_eq!(account(&sql, "3").await.status, Status::Active);
    assert!(account(&sql, "5").await.password_hash.is_none());
}

#[tokio::test]
async fn a_hostile_row_is_nobody_and_the_others_are_found() {
    let rig = Rig::new();
    rig.ground.say("CREATE TABLE big (id INTEGER PRIMARY KEY, mail VARCHAR(254), hash TEXT)");
    rig.ground.say("INSERT INTO big VALUES (1, 'ann@example.org', 'good')");
    let long = "x".repeat(60_000);
    for (id, hash) in [(2, long.as_str()), (3, "a\nb"), (4, "a\u{7}b"), (5, &"x".repeat(1025)), (6, &"x".repeat(1024))] {
        rig.ground.say(&format!("INSERT INTO big VALUES ({id}, 'ann@example.org', '{hash}')"));
    }
    let sql = rig.with("table = \"big\"\n[sql.columns]\nemail = \"mail\"\npassword_hash = \"hash\"\n");
    assert_eq!(ids(&sql, &[mail("ann@example.org")]).await, ["1", "6"]);
    assert_eq!(sql.get("2").await.unwrap_err(), DirectoryError::Row);
    rig.ground.say("DELETE FROM big WHERE id IN (1, 6)");
    let findings = sql.examine(Some(&mail("ann@example.org"))).await;
    let told = findings.iter().find(|finding| finding.of == "sample").unwrap();
    assert!(told.grade == Grade::Fault && told.said.contains("cannot be read"), "{told:?}");
}

#[tokio::test]
async fn an_address_that_very_many_share_hides_nobody_else() {
    let rig = Rig::new();
    for first in (10..1210).step_by(200) {
        let rows: Vec<String> = (first..first + 200).map(|id| format!("({id}, 'none@example.org', 1)")).collect();
        rig.ground.say(&format!("INSERT INTO users (id, mail, state) VALUES {}", rows.join(", ")));
    }
    let sql = rig.directory();
    let found = ids(&sql, &[mail("none@example.org"), mail("ann@example.org")]).await;
    assert!(found.contains(&"1".to_owned()) && found.len() == 33, "{}", found.len());
}

#[tokio::test]
async fn nothing_that_is_given_is_sql() {
    let rig = Rig::new();
    let sql = rig.directory();
    for text in ["' OR '1'='1", "1 OR 1=1", "1; DROP TABLE users", "1'--", "\\'", "1\" OR \"\"=\"", "$1", "?", ":id", "1)/*"] {
        assert!(sql.get(text).await.map_or(true, |found| found.is_none()), "{text}");
        let ann = account(&sql, "1").await;
        assert_eq!(write(&sql, &ann, text).await, Ok(Written::Done), "{text}");
        assert_eq!(account(&sql, "1").await.password_hash.as_deref(), Some(text));
    }
    for local in ["'or'1'='1", "a'--", "%", "_", "{fn}", "`a`", "$1", "?", "*", "/*"] {
        let Ok(address) = Address::parse(Channel::Email, &format!("{local}@example.org"), None) else { continue };
        assert_eq!(ids(&sql, &[address]).await, [""; 0], "{local}");
    }
    assert_eq!(rig.ground.cell("SELECT COUNT(*) FROM users").as_deref(), Some("1"));
}

#[tokio::test]
async fn hashes_and_aspects_are_read() {
    let rig = Rig::new();
    rig.add(2, "bob@example.org", "b");
    let sql = rig.directory();
    let mut hashes = sql.hashes(9).await.unwrap();
    hashes.sort();
    assert_eq!(hashes, ["b", "old"]);
    assert_eq!(sql.hashes(1).await.unwrap().len(), 1);
    let before = sql.aspects("1").await.unwrap();
    rig.ground.say("UPDATE users SET lang = 'en' WHERE id = 1");
    let after = sql.aspects("1").await.unwrap();
    let changed: Vec<&str> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(a, _)| a.0.as_str()).collect();
    assert_eq!(changed, ["lang"]);
    assert!(sql.aspects("99").await.unwrap().is_empty());
}
