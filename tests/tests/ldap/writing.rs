//! How a new password is written, and over what. Invariant: an account that is not what it was is left as it is.

use rekey_tests::stage::{BASE, LOWLY, SlapdOptions};
use sidecar::directory::{DirectoryError, Written};

use crate::rig::{HASH, NEW, OLD, Side, admin, company, dn, logs_in, person, set, start};

const BY_HASH: &str = "write = \"hash\"";

#[tokio::test(flavor = "multi_thread")]
async fn the_new_password_logs_in_and_the_old_one_does_not() {
    for write in ["hash", "modify-password"] {
        let slapd = company("", &["anna"]);
        let side = Side::of(&slapd, &format!("write = \"{write}\""));
        let anna = side.one("anna@example.org").await;
        assert!(logs_in(&slapd, "anna", OLD).await);
        assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done), "{write}");
        assert!(logs_in(&slapd, "anna", NEW).await, "{write}");
        assert!(!logs_in(&slapd, "anna", OLD).await, "{write}");
        let after = side.one("anna@example.org").await;
        assert_ne!(after.revision, anna.revision, "{write}");
        let hash = after.password_hash.unwrap();
        assert_eq!(hash == HASH, write == "hash", "{hash}");
        assert_eq!(side.write(&anna, OLD).await, Ok(Written::Changed), "{write}: once");
        assert!(logs_in(&slapd, "anna", NEW).await, "{write}");
    }
}

/// Between reading and writing somebody else is faster: the server is asked to compare, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_changed_meanwhile_is_left_alone() {
    let hidden = format!(
        "access to attrs=userPassword by dn.exact=\"{LOWLY}\" =w by * auth\naccess to * by dn.exact=\"{LOWLY}\" read by * auth\n"
    );
    for (database, text) in
        [("", BY_HASH), (hidden.as_str(), BY_HASH), ("", "write = \"modify-password\"")]
    {
        let slapd = company(&format!("{database}overlay ppolicy\n"), &["anna"]);
        let side =
            if database.is_empty() { Side::of(&slapd, text) } else { Side::lowly(&slapd, text) };
        let anna = side.one("anna@example.org").await;
        assert_eq!(anna.password_hash.is_some(), database.is_empty());
        set(&slapd, "anna", "userPassword", b"by the help desk").await;
        assert_eq!(side.write(&anna, NEW).await, Ok(Written::Changed), "{text}");
        assert!(logs_in(&slapd, "anna", "by the help desk").await);
        let again = side.one("anna@example.org").await;
        assert_eq!(side.write(&again, NEW).await, Ok(Written::Done), "{text}");
        assert!(logs_in(&slapd, "anna", NEW).await);
        admin(&slapd).await.delete(&dn("anna")).await.unwrap().success().unwrap();
        assert_eq!(side.write(&again, NEW).await, Ok(Written::Changed), "who is gone was changed");
    }
}

/// Of many who write at once over the same revision, one does.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writes() {
    let slapd = company("", &["anna"]);
    let side = Side::of(&slapd, &format!("{BY_HASH}\nconnections = 8"));
    let anna = side.one("anna@example.org").await;
    let hashes = ["a", "b", "c", "d"].map(|end| format!("{HASH}{end}"));
    let write = |at: usize| side.write_hash(&anna, NEW, hashes.get(at).unwrap());
    let outcomes = tokio::join!(write(0), write(1), write(2), write(3));
    let all = [outcomes.0, outcomes.1, outcomes.2, outcomes.3];
    let done = all.iter().filter(|outcome| **outcome == Ok(Written::Done)).count();
    assert_eq!(done, 1, "{all:?}");
    assert!(all.iter().all(|outcome| outcome.is_ok()), "{all:?}");
}

/// Changing what is no password ends nothing, where the password can be seen; where it cannot, everything does.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_of_the_password() {
    let hidden = format!(
        "access to attrs=userPassword by dn.exact=\"{LOWLY}\" =w by * auth\naccess to * by dn.exact=\"{LOWLY}\" read by * auth\n"
    );
    for (overlay, ends) in [("", true), ("overlay ppolicy\n", false)] {
        let slapd = company(&format!("{hidden}{overlay}"), &["anna"]);
        let side = Side::lowly(&slapd, "");
        // The time of a change is there from the first change on.
        set(&slapd, "anna", "userPassword", OLD.as_bytes()).await;
        let anna = side.one("anna@example.org").await;
        set(&slapd, "anna", "sn", b"Other").await;
        let outcome = side.write(&anna, NEW).await;
        let expected = if ends { Written::Changed } else { Written::Done };
        assert_eq!(outcome, Ok(expected), "{overlay}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_rule_is_told_apart() {
    let policy = format!(
        "dn: cn=policy,{BASE}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: policy\n\
         pwdAttribute: userPassword\npwdCheckQuality: 2\npwdMinLength: 12\npwdInHistory: 3\n"
    );
    let slapd = start(&SlapdOptions {
        database: format!(
            "access to * by dn.exact=\"{LOWLY}\" write by * auth\noverlay ppolicy\nppolicy_default cn=policy,{BASE}\n"
        ),
        entries: format!("{}\n{policy}", person("anna", "")),
        ..SlapdOptions::default()
    });
    let side = Side::lowly(&slapd, "write = \"modify-password\"");
    let anna = side.one("anna@example.org").await;
    assert_eq!(side.write(&anna, "short").await, Err(DirectoryError::Rule));
    assert!(logs_in(&slapd, "anna", OLD).await, "nothing was written");
    assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done), "and the account is what it was");
    let side = Side::lowly(&slapd, BY_HASH);
    let anna = side.one("anna@example.org").await;
    assert_eq!(
        side.write(&anna, NEW).await,
        Err(DirectoryError::Rule),
        "a hash has no quality to check"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_told() {
    let slapd =
        company(&format!("access to * by dn.exact=\"{LOWLY}\" read by * auth\n"), &["anna"]);
    for write in ["hash", "modify-password"] {
        let side = Side::lowly(&slapd, &format!("write = \"{write}\""));
        let anna = side.one("anna@example.org").await;
        assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::Forbidden), "{write}");
    }
    let slapd = company("readonly on\n", &["anna"]);
    for write in ["hash", "modify-password"] {
        let side = Side::of(&slapd, &format!("write = \"{write}\""));
        let anna = side.one("anna@example.org").await;
        assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::ReadOnly), "{write}");
    }
    let slapd = company("", &["anna"]);
    let side = Side::of(
        &slapd,
        &format!("{BY_HASH}\nattributes.password_hash = \"noSuchThing\"\nrevision = \"entryCSN\""),
    );
    let anna = side.one("anna@example.org").await;
    assert_eq!(side.write(&anna, NEW).await, Err(DirectoryError::Missing));
    assert!(logs_in(&slapd, "anna", OLD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_set_beside_it() {
    for write in ["hash", "modify-password"] {
        let slapd = company("", &["anna"]);
        let text = format!(
            "write = \"{write}\"\nset = [\"employeeType=reset\", \"description={{days}} days\"]"
        );
        let side = Side::of(&slapd, &text);
        assert_eq!(side.write(&side.one("anna@example.org").await, NEW).await, Ok(Written::Done));
        let (mut admin, dn) = (admin(&slapd).await, dn("anna"));
        let wanted = ["description"];
        let found = admin.search(&dn, ldap3::Scope::Base, "(employeeType=reset)", wanted);
        let (entries, _) = found.await.unwrap().success().unwrap();
        let entry = ldap3::SearchEntry::construct(entries.into_iter().next().unwrap());
        let days: u64 =
            entry.attrs["description"][0].strip_suffix(" days").unwrap().parse().unwrap();
        assert!((20_000..40_000).contains(&days), "{write}: {days}");
    }
}
