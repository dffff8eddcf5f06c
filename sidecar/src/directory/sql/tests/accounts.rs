//! Who is found, and what is read of them.

use contract::language::Language;

use super::rig::*;
use crate::directory::Status;

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
