//! Who is found, and as what. Invariant: what somebody typed is a value, and one bad entry hurts nobody else.

use std::time::{Duration, Instant};

use contract::address::{Address, Channel};
use rekey_tests::stage::{BASE, LOWLY, SlapdOptions};
use sidecar::directory::{DirectoryError, Status};

use crate::rig::{Side, admin, company, dn, mail, person, set, start};

/// Attack 44: values that would say something else in a filter if they could.
const HOSTILE: [&str; 12] = [
    "*@example.org",
    "a*@example.org",
    "*",
    "anna@example.org)(uid=*",
    "anna@example.org)(|(uid=*",
    "*)(uid=*))(|(uid=*",
    "anna@example.org\\29\\28uid=\\2a",
    "anna@example.org\0",
    "anna@example.org)(&)",
    "anna@example.org))(objectClass=*",
    "\\61nna@example.org",
    "anna&!|~@example.org",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_never_a_filter() {
    let odd = person("odd", "mail: {a*b|c&d!}@example.org");
    let entries = format!("{}\n{odd}", person("anna", ""));
    let slapd = start(&SlapdOptions { entries, ..SlapdOptions::default() });
    let side = Side::of(&slapd, "");
    let mut asked = 0;
    for text in HOSTILE {
        // As an id nothing is refused before it is in a filter; as an address most are.
        assert!(side.ldap.get(text).await.unwrap().is_none(), "{text}");
        if let Ok(address) = Address::parse(Channel::Email, text, None) {
            asked += 1;
            let found = side.ldap.find(&[address]).await.unwrap();
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }
    assert!(asked >= 3, "addresses may hold * and &: {asked}");
    let odd = side.one("{a*b|c&d!}@example.org").await;
    assert_eq!(odd.user_name.as_deref(), Some("odd"));
    assert!(side.ldap.get(&odd.id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_what_its_entry_says() {
    let more =
        "mail: Anna@Second.example\nmobile: +49 151 23456789\npreferredLanguage: ja, en;q=0.5\n";
    let bob = person("bob", "objectClass: pwdPolicy\npwdAttribute: 2.5.4.35");
    let entries = format!("{}\n{bob}", person("anna", more));
    let slapd = start(&SlapdOptions { entries, ..SlapdOptions::default() });
    let side = Side::of(&slapd, "filter = \"(!(objectClass=pwdPolicy))\"");
    let anna = side.one("ANNA@second.EXAMPLE").await;
    assert_eq!(anna.stored(&mail("ANNA@second.EXAMPLE")), Some(mail("Anna@second.example")));
    assert_eq!(anna.emails.len(), 2);
    assert_eq!(anna.phones.first().map(|phone| phone.as_str()), Some("+4915123456789"));
    assert_eq!(anna.language.map(|language| language.tag()), Some("ja-JP"));
    assert_eq!(anna.display_name.as_deref(), Some("anna"));
    assert_eq!(anna.password_hash.as_deref(), Some("an old one"), "as it stands there");
    assert_eq!(anna.status, Status::Active);
    assert_eq!(anna.id.len(), 36);
    let phone = Address::parse(Channel::Sms, "+4915123456789", None).unwrap();
    assert_eq!(
        side.ldap.find(&[phone]).await.unwrap().len(),
        1,
        "with spaces it is the same number"
    );
    assert!(side.find("bob@example.org").await.is_empty(), "the filter is for all");
    let all = ["bob@example.org", "nobody@example.org", "anna@example.org", "anna@second.example"];
    let found = side.ldap.find(&all.map(mail)).await.unwrap();
    assert_eq!(found.len(), 1, "once, though two of its addresses were asked for");
    assert_eq!(
        side.ldap.get(&anna.id).await.unwrap().map(|again| again.revision),
        Some(anna.revision)
    );
    assert!(side.ldap.find(&[]).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_read_as_it_is_configured() {
    let slapd = company("overlay ppolicy\n", &["anna", "bob", "carl"]);
    set(&slapd, "bob", "pwdAccountLockedTime", b"000001010000Z").await;
    set(&slapd, "carl", "pwdAccountLockedTime", b"20260101000000Z").await;
    let side = Side::of(&slapd, "");
    let status = async |name: &str| side.one(&format!("{name}@example.org")).await.status;
    assert_eq!(status("anna").await, Status::Active);
    assert_eq!(status("bob").await, Status::Disabled, "for good");
    assert_eq!(status("carl").await, Status::Active, "such a lock ends by itself, or with a reset");
    let typed = "attributes.status = \"employeeType\"\nactive = [\"staff\", \"bit:2\"]";
    let side = Side::of(&slapd, typed);
    set(&slapd, "anna", "employeeType", b"Staff").await;
    set(&slapd, "bob", "employeeType", b"66").await;
    set(&slapd, "carl", "employeeType", b"left").await;
    let status = async |name: &str| side.one(&format!("{name}@example.org")).await.status;
    assert_eq!(status("anna").await, Status::Active);
    assert_eq!(status("bob").await, Status::Active, "66 has the bit of 2");
    assert_eq!(status("carl").await, Status::Disabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_entry_is_nobody_and_hurts_nobody() {
    let slapd = company("", &["anna", "big", "odd", "nul"]);
    set(&slapd, "big", "userPassword", &vec![b'x'; 1 << 20]).await;
    set(
        &slapd,
        "odd",
        "userPassword",
        b"{ARGON2}$argon2id$v=19$m=4294967295,t=9,p=9$c2FsdA$aGFzaA",
    )
    .await;
    set(&slapd, "nul", "userPassword", b"{SSHA}\0\xff\n").await;
    let side = Side::of(&slapd, "");
    let all = ["big", "anna", "odd", "nul"].map(|name| mail(&format!("{name}@example.org")));
    let mut found = side.ldap.find(&all).await.unwrap();
    found.sort_by(|left, right| left.user_name.cmp(&right.user_name));
    let names: Vec<_> = found.iter().filter_map(|account| account.user_name.as_deref()).collect();
    assert_eq!(names, ["anna", "nul", "odd"]);
    assert_eq!(found[1].password_hash, None, "that is no text");
    set(&slapd, "anna", "displayName", &vec![b'y'; 2000]).await;
    let side = Side::of(&slapd, "attributes.display_name = \"displayName\"");
    assert!(side.find("anna@example.org").await.is_empty());
}

/// The server gives four entries at once; in pages it gives all.
#[tokio::test(flavor = "multi_thread")]
async fn pages_go_beyond_the_size_limit() {
    let people: Vec<String> =
        (0..9).map(|n| person(&format!("p{n}"), "mail: all@example.org")).collect();
    let limits = |paged: &str| {
        let database = format!(
            "access to * by dn.exact=\"{LOWLY}\" read by * auth\nlimits dn.exact=\"{LOWLY}\" size=4 {paged}\n"
        );
        start(&SlapdOptions { database, entries: people.join("\n"), ..SlapdOptions::default() })
    };
    let slapd = limits("size.pr=noEstimate size.prtotal=unlimited");
    let side = Side::lowly(&slapd, "");
    assert_eq!(side.find("all@example.org").await.len(), 9);
    let slapd = limits("size.prtotal=4");
    let side = Side::lowly(&slapd, "");
    let batch = ["all@example.org", "p1@example.org", "p2@example.org"].map(mail);
    let found = side.ldap.find(&batch).await.unwrap();
    assert_eq!(
        found.len(),
        2,
        "who shares an address with more than the server tells is not found by it"
    );
    let told = side.ldap.examine(Some(&mail("all@example.org"))).await;
    assert!(told.iter().any(|finding| finding.said.contains("size limit")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_two_have_is_nobodys() {
    let entries = [
        person("anna", "employeeNumber: 7"),
        person("bob", "employeeNumber: 7"),
        person("carl", "employeeNumber: 8"),
    ];
    let slapd = start(&SlapdOptions { entries: entries.join("\n"), ..SlapdOptions::default() });
    let side = Side::of(&slapd, "attributes.id = \"employeeNumber\"");
    assert_eq!(side.ldap.get("7").await.unwrap_err(), DirectoryError::Row);
    assert!(side.ldap.get("8").await.unwrap().is_some());
    assert!(
        side.ldap.get(" 8").await.unwrap().is_none(),
        "the server ignores the space, we do not"
    );
}

/// RFC 4511, 4.5.3: pointers to other servers are left alone, and told.
#[tokio::test(flavor = "multi_thread")]
async fn referrals_are_not_followed() {
    let elsewhere = format!(
        "dn: ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\n\
         ref: ldap://192.0.2.1/ou=elsewhere,{BASE}\n"
    );
    let entries = format!("{}\n{elsewhere}", person("anna", ""));
    let slapd = start(&SlapdOptions { entries, ..SlapdOptions::default() });
    let side = Side::of(&slapd, "");
    let begun = Instant::now();
    assert_eq!(side.one("anna@example.org").await.user_name.as_deref(), Some("anna"));
    assert!(begun.elapsed() < Duration::from_secs(2));
    let told = side.ldap.examine(Some(&mail("anna@example.org"))).await;
    assert!(told.iter().any(|finding| finding.of == "referrals"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aspects_show_what_changes() {
    let slapd = company("", &["anna"]);
    let side = Side::of(&slapd, "");
    let anna = side.one("anna@example.org").await;
    let before = side.ldap.aspects(&anna.id).await.unwrap();
    assert!(before.iter().any(|(name, _)| name == "entrycsn"), "{before:?}");
    set(&slapd, "anna", "sn", b"Other").await;
    let after = side.ldap.aspects(&anna.id).await.unwrap();
    let changed = before.iter().filter(|aspect| !after.contains(aspect));
    let names: Vec<&str> = changed.map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"sn") && names.contains(&"entrycsn"), "{names:?}");
    assert!(!names.contains(&"userpassword") && !names.contains(&"mail"), "{names:?}");
    assert_eq!(side.ldap.hashes(10).await.unwrap(), ["an old one"]);
    admin(&slapd).await.delete(&dn("anna")).await.unwrap().success().unwrap();
    assert!(side.ldap.get(&anna.id).await.unwrap().is_none());
    assert!(side.ldap.aspects(&anna.id).await.unwrap().is_empty());
}
