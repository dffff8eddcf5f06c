//! A directory of the sidecar's before a real OpenLDAP, and what both hold of an account.

use contract::address::{Address, Channel};
use contract::secret::Password;
use rekey_tests::stage::{ADMIN, BASE, LOWLY, PASSWORD, Slapd, SlapdOptions};
use sidecar::clock::Clock;
use sidecar::config::{Config, DirectoryConfig};
use sidecar::directory::{Account, DirectoryError, Ldap, NewPassword, Written};
use tempfile::TempDir;

/// Of [`NEW`], in a scheme that OpenLDAP knows by itself.
pub(crate) const HASH: &str = "{SSHA}6AfA1U8QB7fEy/zGVhnehdYD1BRzYWx0";

pub(crate) const NEW: &str = "a brand new one";

/// The password that every person here begins with.
pub(crate) const OLD: &str = "an old one";

/// The sidecar's side; the files that its configuration names go with it.
pub(crate) struct Side {
    pub(crate) ldap: Ldap,
    _dir: TempDir,
}

impl Side {
    /// As the admin, at the server's socket; `text` is more of the section.
    pub(crate) fn of(slapd: &Slapd, text: &str) -> Self {
        Self::at(&format!("\"{}\"", slapd.url()), ADMIN, text)
    }

    /// As the user that rules of access are written for.
    pub(crate) fn lowly(slapd: &Slapd, text: &str) -> Self {
        Self::at(&format!("\"{}\"", slapd.url()), LOWLY, text)
    }

    pub(crate) fn at(urls: &str, user: &str, text: &str) -> Self {
        Self::with(urls, user, PASSWORD, &format!("base = \"{BASE}\"\n{text}"))
    }

    pub(crate) fn with(urls: &str, user: &str, password: &str, text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        crate::authority::place(&dir.path().join("password"), password);
        let text = format!(
            "directory = \"ldap\"\npassword.format = \"ldap-argon2id\"\n[ldap]\nurl = {urls}\nuser = \"{user}\"\n\
             password = \"file:password\"\n{text}\n"
        );
        let config = Config::parse(&text, dir.path()).unwrap_or_else(|faults| panic!("{faults}"));
        let DirectoryConfig::Ldap(config) = &config.directory else { panic!("it is ldap") };
        Self { ldap: Ldap::new(config, &Clock::System), _dir: dir }
    }

    pub(crate) async fn find(&self, email: &str) -> Vec<Account> {
        self.ldap.find(&[mail(email)]).await.unwrap()
    }

    /// The only account with this address.
    pub(crate) async fn one(&self, email: &str) -> Account {
        let [account] = <[Account; 1]>::try_from(self.find(email).await).unwrap();
        account
    }

    pub(crate) async fn write(
        &self,
        account: &Account,
        password: &str,
    ) -> Result<Written, DirectoryError> {
        self.write_hash(account, password, HASH).await
    }

    pub(crate) async fn write_hash(
        &self,
        account: &Account,
        password: &str,
        hash: &str,
    ) -> Result<Written, DirectoryError> {
        let password = Password::parse(password.to_owned()).unwrap();
        self.ldap.write(account, NewPassword { hash, password: &password }).await
    }
}

pub(crate) fn mail(text: &str) -> Address {
    Address::parse(Channel::Email, text, None).unwrap()
}

/// An `inetOrgPerson` with a mail address of its name and the old password.
pub(crate) fn person(uid: &str, more: &str) -> String {
    format!(
        "dn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         mail: {uid}@example.org\nuserPassword: {OLD}\n{more}\n"
    )
}

pub(crate) fn dn(uid: &str) -> String {
    format!("uid={uid},ou=people,{BASE}")
}

/// A server with these lines in its database, and people of these names.
pub(crate) fn company(database: &str, people: &[&str]) -> Slapd {
    let entries: Vec<String> = people.iter().map(|uid| person(uid, "")).collect();
    start(&SlapdOptions {
        database: database.to_owned(),
        entries: entries.join("\n"),
        ..SlapdOptions::default()
    })
}

pub(crate) fn start(options: &SlapdOptions) -> Slapd {
    Slapd::start(options).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Whether somebody logs in with a password, as an app would.
pub(crate) async fn logs_in(slapd: &Slapd, uid: &str, password: &str) -> bool {
    let (connection, mut app) = ldap3::LdapConnAsync::new(&slapd.url()).await.unwrap();
    let driver = tokio::spawn(connection.drive());
    let bound = app.simple_bind(&dn(uid), password).await.unwrap();
    drop(app);
    driver.abort();
    assert!(matches!(bound.rc, 0 | 49 | 53), "{bound:?}");
    bound.rc == 0
}

/// The admin, who is not us.
pub(crate) async fn admin(slapd: &Slapd) -> ldap3::Ldap {
    let (connection, mut admin) = ldap3::LdapConnAsync::new(&slapd.url()).await.unwrap();
    tokio::spawn(connection.drive());
    admin.simple_bind(ADMIN, PASSWORD).await.unwrap().success().unwrap();
    admin
}

/// Sets an attribute as somebody else does.
pub(crate) async fn set(slapd: &Slapd, uid: &str, name: &str, value: &[u8]) {
    let mods = vec![ldap3::Mod::Replace(name.as_bytes(), [value].into())];
    admin(slapd).await.modify(&dn(uid), mods).await.unwrap().success().unwrap();
}
