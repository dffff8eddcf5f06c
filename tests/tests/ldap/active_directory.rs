//! Before a domain controller: Samba's, which takes what Microsoft's takes. Invariant: our user has one right, to reset
//! passwords.

use rekey_tests::stage::{BEGINNING, DOMAIN, SERVANT, Samba};
use sidecar::directory::{DirectoryError, Grade, Status, Written};

use crate::authority::{Authority, place};
use crate::rig::{Side, mail};

const NEW: &str = "A brand-new 1: \u{e9}\u{1f600}";

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_reset_in_active_directory() {
    if !Samba::is_possible() {
        println!("skipped: Samba needs root, and `./just setup` to install it");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (authority, address) = (Authority::draw("ca"), Samba::free_address().unwrap());
    place(&dir.path().join("ca.pem"), authority.pem());
    authority.certify(&[&address.to_string()]).write(dir.path(), "server");
    let samba = Samba::start(address, dir.path(), &["anna", "bob"])
        .unwrap_or_else(|fault| panic!("{fault}"));
    let text = format!(
        "base = \"CN=Users,{DOMAIN}\"\nschema = \"active-directory\"\nfilter = \"(objectCategory=person)\"\nca = \"file:{}\"",
        dir.path().join("ca.pem").display()
    );
    let side = |url: &str, user: &str, password: &str| {
        Side::with(&format!("\"{url}\""), user, password, &text)
    };
    let ours = side(&samba.url(), SERVANT, BEGINNING);
    let anna = ours.one("ANNA@example.org").await;
    assert_eq!(anna.user_name.as_deref(), Some("anna"));
    assert_eq!((anna.status, anna.id.len()), (Status::Active, 36));
    let again = ours.ldap.get(&anna.id).await.unwrap().unwrap();
    assert_eq!((again.user_name, &again.revision), (anna.user_name.clone(), &anna.revision));

    assert_eq!(ours.write(&anna, "short").await, Err(DirectoryError::Rule));
    assert_eq!(ours.write(&anna, NEW).await, Ok(Written::Done));
    assert_eq!(ours.write(&anna, BEGINNING).await, Ok(Written::Changed), "pwdLastSet says so");
    let login = async |password: &str| {
        let anna = side(&samba.starttls_url(), "anna@rekey.test", password);
        anna.ldap.find(&[mail("anna@example.org")]).await.map(|found| found.len())
    };
    assert_eq!(login(NEW).await, Ok(1));
    assert_eq!(login("wrong").await, Err(DirectoryError::Login));

    let by_anna = side(&samba.url(), "anna@rekey.test", NEW);
    let bob = by_anna.one("bob@example.org").await;
    assert_eq!(by_anna.write(&bob, NEW).await, Err(DirectoryError::Forbidden));
    let told = ours.ldap.examine(Some(&mail("bob@example.org"))).await;
    assert!(told.iter().all(|finding| finding.grade != Grade::Fault), "{told:#?}");
}
