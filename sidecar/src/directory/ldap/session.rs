//! One connection to one server. Invariant: it is bound before it is used, no wait on it is longer than its deadline, and
//! one that failed is never used again.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use ldap3::adapters::{Adapter, PagedResults};
use ldap3::controls::RawControl;
use ldap3::exop::PasswordModify;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchOptions,
};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use super::entry::Entry;
use super::outcome::{self, Asked, SIZE_LIMIT};
use crate::config::{LdapConfig, LdapServer};
use crate::directory::DirectoryError;

/// Entries of one page: below what servers give at once (Active Directory 1000, OpenLDAP 500).
const PAGE: i32 = 200;
/// Entries of one answer; a server that gives more is not believed to have understood.
const MOST: usize = 2000;

pub(super) struct Session {
    ldap: Ldap,
    server: LdapServer,
    /// Until when it may take; set before every use.
    pub(super) deadline: Instant,
    pub(super) used: Instant,
    is_good: bool,
}

/// A search.
#[derive(Clone, Copy)]
pub(super) struct Query<'q> {
    pub(super) base: &'q str,
    pub(super) scope: Scope,
    pub(super) filter: &'q str,
    pub(super) attributes: &'q [String],
    /// Entries at most; absent: all of them, page by page.
    pub(super) most: Option<i32>,
}

/// What a search found.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Whether there are no more.
    pub(super) is_whole: bool,
    /// How often it was told to look elsewhere, too; that is not followed.
    pub(super) references: usize,
    /// Entries that break the protocol.
    pub(super) broken: usize,
}

impl Session {
    pub(super) async fn open(
        server: &LdapServer,
        config: &LdapConfig,
        tls: Arc<ClientConfig>,
        deadline: Instant,
    ) -> Result<Self, DirectoryError> {
        let settings = LdapConnSettings::new().set_config(tls).set_starttls(server.is_starttls());
        let url = server.url();
        let connected = guarded(LdapConnAsync::with_settings(settings, &url));
        let connected = timeout_at(deadline, connected).await;
        let (connection, ldap) = connected
            .map_err(|_| DirectoryError::Unavailable)?
            .ok_or(DirectoryError::Failed)?
            .map_err(|error| unconnected(&error))?;
        tokio::spawn(connection.drive());
        let server = server.clone();
        let used = Instant::now();
        let mut session = Self { ldap, server, deadline, used, is_good: true };
        let bound = session.bind(&config.user, &config.password).await?;
        match bound.rc {
            0 => Ok(session),
            _ => Err(outcome::error(Asked::Bind, &bound)),
        }
    }

    /// Whether it may be used again.
    pub(super) fn is_good(&mut self) -> bool {
        self.is_good && !self.ldap.is_closed()
    }

    pub(super) fn server(&self) -> &LdapServer {
        &self.server
    }

    pub(super) async fn search(&mut self, query: Query<'_>) -> Result<Found, DirectoryError> {
        let mut ldap = self.ldap.clone();
        let searched = self.within(search(&mut ldap, query)).await?;
        let (found, result) = searched.map_err(|_| self.lost())?;
        match result.rc {
            0 | SIZE_LIMIT => Ok(Found { is_whole: result.rc == 0 && found.is_whole, ..found }),
            _ => Err(outcome::error(Asked::Search, &result)),
        }
    }

    pub(super) async fn modify(
        &mut self,
        dn: &str,
        mods: Vec<Mod<Vec<u8>>>,
        control: Option<RawControl>,
    ) -> Result<LdapResult, DirectoryError> {
        let mut ldap = self.ldap.clone();
        ldap.with_controls(control.into_iter().collect::<Vec<_>>());
        self.written(ldap.modify(dn, mods)).await
    }

    /// RFC 3062, in the name of our own right, without the old password.
    pub(super) async fn modify_password(
        &mut self,
        dn: &str,
        password: &str,
    ) -> Result<LdapResult, DirectoryError> {
        let request =
            PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(password) };
        let mut ldap = self.ldap.clone();
        self.written(async { ldap.extended(request).await.map(|answer| answer.1) }).await
    }

    async fn bind(&mut self, user: &str, password: &str) -> Result<LdapResult, DirectoryError> {
        let mut ldap = self.ldap.clone();
        self.within(ldap.simple_bind(user, password)).await?.map_err(|_| self.lost())
    }

    /// What was given to a connection that was lost already was not sent; what else has no answer may have been done.
    async fn written(
        &mut self,
        writing: impl Future<Output = Result<LdapResult, LdapError>>,
    ) -> Result<LdapResult, DirectoryError> {
        match self.within(writing).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(LdapError::OpSend { .. })) => Err(self.lost()),
            Ok(Err(_)) | Err(_) => {
                self.is_good = false;
                Err(DirectoryError::Unknown)
            }
        }
    }

    async fn within<T>(&mut self, work: impl Future<Output = T>) -> Result<T, DirectoryError> {
        match timeout_at(self.deadline, guarded(work)).await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => {
                self.is_good = false;
                Err(DirectoryError::Failed)
            }
            Err(_) => Err(self.lost()),
        }
    }

    fn lost(&mut self) -> DirectoryError {
        self.is_good = false;
        DirectoryError::Unavailable
    }
}

async fn search(ldap: &mut Ldap, query: Query<'_>) -> Result<(Found, LdapResult), LdapError> {
    type Pages<'a> = Vec<Box<dyn Adapter<'a, String, Vec<String>> + 'a>>;
    let pages: Pages<'_> = match query.most {
        Some(_) => Vec::new(),
        None => vec![Box::new(PagedResults::new(PAGE))],
    };
    ldap.with_search_options(SearchOptions::new().sizelimit(query.most.unwrap_or_default()));
    let wanted = query.attributes.to_vec();
    let mut stream =
        ldap.streaming_search_with(pages, query.base, query.scope, query.filter, wanted).await?;
    let mut found = Found { entries: Vec::new(), is_whole: true, references: 0, broken: 0 };
    while let Some(entry) = stream.next().await? {
        if entry.is_ref() {
            found.references = found.references.saturating_add(1);
        } else if !entry.is_intermediate() {
            match Entry::read(entry) {
                Some(entry) => found.entries.push(entry),
                None => found.broken = found.broken.saturating_add(1),
            }
        }
        if found.entries.len() > MOST {
            found.is_whole = false;
            break;
        }
    }
    let result = match found.is_whole {
        true => stream.finish().await,
        false => LdapResult {
            rc: SIZE_LIMIT,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        },
    };
    Ok((found, result))
}

/// Why there is no connection.
fn unconnected(error: &LdapError) -> DirectoryError {
    match error {
        LdapError::Io { source } => match source.get_ref() {
            Some(inner) if inner.is::<rustls::Error>() => DirectoryError::Tls,
            _ => DirectoryError::Unavailable,
        },
        // To StartTLS: a server without it is not spoken to in clear.
        LdapError::LdapResult { .. } | LdapError::Rustls { .. } | LdapError::DNSName { .. } => {
            DirectoryError::Tls
        }
        LdapError::ResultRecv { .. } | LdapError::OpSend { .. } | LdapError::Timeout { .. } => {
            DirectoryError::Unavailable
        }
        _ => DirectoryError::Failed,
    }
}

/// The driver panics where a server breaks the protocol: that ends a connection, nothing of ours.
async fn guarded<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Ready(done)) => Poll::Ready(Some(done)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(None),
    })
    .await
}
