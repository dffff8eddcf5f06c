//! What `rekey doctor` is told of a directory. Invariant: nothing is changed, and no finding names a value.

use std::time::{Duration, Instant};

use contract::address::Address;
use ldap3::Scope;

use super::entry::{self, Entry, LAST};
use super::session::{Found, Query, Session};
use super::write::{ASSERTION, root};
use super::{Ldap, filter, rights, schema};
use crate::config::{LdapServer, LdapWrite};
use crate::directory::{DirectoryError, Finding, Status};

const PAGES: &str = "1.2.840.113556.1.4.319";
const MODIFY_PASSWORD: &str = "1.3.6.1.4.1.4203.1.11.1";

/// A look-up that takes longer was made without an index.
const SLOW: Duration = Duration::from_millis(100);

impl Ldap {
    /// Connects to every server; looks at the rest of it through the first that answers.
    pub async fn examine(&self, sample: Option<&Address>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut first: Option<Session> = None;
        for server in &self.config.servers {
            match self.pool.open(&self.config, server).await {
                Ok(session) => {
                    findings.push(Finding::good("connection", connected(server)));
                    first = first.or(Some(session));
                }
                Err(error) => findings.push(unconnected(server, error)),
            }
        }
        if let Some(mut session) = first {
            self.examine_root(&mut session, &mut findings).await;
            self.examine_base(&mut session, &mut findings).await;
            self.examine_accounts(&mut session, sample, &mut findings).await;
        }
        findings
    }

    /// What the server says that it can do, and what its schema knows.
    async fn examine_root(&self, session: &mut Session, findings: &mut Vec<Finding>) {
        let wanted = ["supportedControl", "supportedExtension", "subschemaSubentry"];
        let wanted = wanted.map(str::to_owned);
        let found = self.ask(session, root(&wanted)).await;
        let Some(root) = found.ok().and_then(|found| found.entries.into_iter().next()) else {
            findings.push(Finding::warning(
                "server",
                "the server does not tell what it can do",
                "let the user read the root DSE: the entry with the empty DN",
            ));
            return;
        };
        let has =
            |list: &str, oid: &str| root.values(list).iter().any(|listed| listed == oid.as_bytes());
        if !has("supportedControl", PAGES) {
            findings.push(Finding::warning(
                "server",
                "the server gives no answer in pages",
                "look that its size limit stays above the accounts that share an address",
            ));
        }
        if self.config.write == LdapWrite::ModifyPassword
            && !has("supportedExtension", MODIFY_PASSWORD)
        {
            findings.push(Finding::fault(
                "server",
                "the server has no operation to modify passwords (RFC 3062)",
                "write ldap.write = \"hash\", or \"unicode-pwd\" with Active Directory",
            ));
        }
        if self.config.write == LdapWrite::Hash && !has("supportedControl", ASSERTION) {
            findings.push(Finding::warning(
                "server",
                "the server does not compare what we assert (RFC 4528): an account whose hash is hidden is not written",
                "let the user read the hash, or write ldap.write = \"modify-password\"",
            ));
        }
        let Some(place) = root.values("subschemaSubentry").first() else { return };
        let place = String::from_utf8_lossy(place).into_owned();
        let wanted = ["attributeTypes".to_owned()];
        let query =
            Query { base: &place, filter: "(objectClass=*)", ..super::write::root(&wanted) };
        if let Ok(found) = self.ask(session, query).await
            && let Some(types) = found.entries.first()
        {
            findings.push(schema::judge(&self.config, types.values("attributeTypes")));
        }
    }

    async fn examine_base(&self, session: &mut Session, findings: &mut Vec<Finding>) {
        let wanted = ["1.1".to_owned()];
        let query = Query {
            base: &self.config.base,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &wanted,
            most: Some(1),
        };
        let fault = match self.ask(session, query).await {
            Ok(found) if found.entries.is_empty() => DirectoryError::Missing,
            Ok(_) => {
                findings.push(Finding::good("base", "ldap.base is there and can be searched"));
                return;
            }
            Err(error) => error,
        };
        let remedy = rights::remedy(&self.config, "correct ldap.base, or let the user search it");
        findings.push(Finding::fault("base", fault.to_string(), remedy));
    }

    /// The account of the address, or any one, as it is found and read; then what may be done to it.
    async fn examine_accounts(
        &self,
        session: &mut Session,
        sample: Option<&Address>,
        findings: &mut Vec<Finding>,
    ) {
        let filter = match sample {
            Some(address) => filter::with_addresses(&self.config, std::slice::from_ref(address)),
            None => filter::all(&self.config),
        };
        let attributes = entry::attributes(&self.config);
        let most = sample.is_none().then_some(1);
        let begun = Instant::now();
        let query = Query { most, ..self.query(&filter, &attributes) };
        let found = match self.ask(session, query).await {
            Ok(found) => found,
            Err(error) => {
                findings.push(Finding::fault("find", error.to_string(), "correct ldap.filter"));
                return;
            }
        };
        if sample.is_some() {
            findings.push(looked_up(&found, begun.elapsed()));
        }
        if found.references > 0 {
            findings.push(Finding::warning(
                "referrals",
                "the directory points to other servers, which are not asked",
                "name in ldap.url servers that hold all accounts, as Active Directory's global catalog does not",
            ));
        }
        match found.entries.first() {
            Some(entry) => {
                findings.extend(self.judge(entry));
                findings.push(self.try_write(session, entry).await);
            }
            None => findings.push(Finding::fault(
                "find",
                "no account is found",
                rights::remedy(
                    &self.config,
                    "correct ldap.base, ldap.filter and ldap.attributes.email",
                ),
            )),
        }
    }

    /// How an entry is read.
    fn judge(&self, entry: &Entry) -> Vec<Finding> {
        let Some(account) = entry.account(&self.config) else {
            let problem = "the entry cannot be read as an account: its id, or all that changes with a password, is missing, or a value is longer than 1024 bytes";
            let remedy =
                rights::remedy(&self.config, "correct ldap.attributes.id and ldap.revision");
            return vec![Finding::fault("account", problem, remedy)];
        };
        let state = if account.status == Status::Active { "in use" } else { "disabled" };
        let counts = (account.emails.len(), account.phones.len());
        let said = format!("mail addresses: {}, phone numbers: {}, {state}", counts.0, counts.1);
        let mut findings = vec![Finding::good("account", said)];
        if entry.revision_names(&self.config) == LAST {
            findings.push(Finding::warning(
                "revision",
                "nothing can be read that changes with a password alone: any change of an entry ends the links and codes sent for it",
                rights::remedy(&self.config, "let the user read one of ldap.revision"),
            ));
        }
        if account.password_hash.is_none() && self.config.write == LdapWrite::Hash {
            findings.push(Finding::warning(
                "hash",
                "the present hash cannot be read: neither the history nor the old value is compared with it",
                rights::remedy(&self.config, "let the user read ldap.attributes.password_hash"),
            ));
        }
        findings
    }

    /// Each question has the whole time.
    pub(super) async fn ask(
        &self,
        session: &mut Session,
        query: Query<'_>,
    ) -> Result<Found, DirectoryError> {
        session.deadline = super::pool::later(self.config.timeout);
        session.search(query).await
    }
}

fn connected(server: &LdapServer) -> String {
    let how = match server {
        LdapServer::Socket(_) => "on this machine",
        _ if server.is_encrypted() => "over TLS",
        _ => "without TLS, on this machine",
    };
    format!("{server}: bound {how}")
}

fn unconnected(server: &LdapServer, error: DirectoryError) -> Finding {
    let remedy = match error {
        DirectoryError::Tls => {
            "set ldap.ca to the CA of its certificate, which must be of the host in ldap.url; with ldap+starttls:// the server must have StartTLS"
        }
        DirectoryError::Login => "correct ldap.user and the file of ldap.password",
        _ => "correct ldap.url, start the server, or open the way to it",
    };
    Finding::fault("connection", format!("{server}: {error}"), remedy)
}

fn looked_up(found: &Found, took: Duration) -> Finding {
    let count = found.entries.len();
    let said = format!("accounts with this address: {count}, in {} ms", took.as_millis());
    if !found.is_whole {
        let remedy = "raise the size limit of our user there, or give an address to fewer accounts";
        return Finding::fault("find", "the server's size limit cut the answer off", remedy);
    }
    match took > SLOW {
        true => {
            Finding::warning("find", said, "give the attributes of addresses an index for equality")
        }
        false => Finding::good("find", said),
    }
}
