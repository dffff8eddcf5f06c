//! The worker's decision of an ask, in one transaction: for each mailbox of the address one mail with the same secrets
//! again or with new challenges, or the reason why not. Invariant: an ask is decided once, nothing that is asked for ends a
//! living challenge of another place, and no mail tells of an account of another mailbox.

use super::codes::Codes;
use super::restraint::{self, Part};
use super::tx::{Broken, Tx, values};
use super::{event, mail, outbox, row};
use crate::clock::{Millis, millis};
use crate::secret::ChallengeId;
use crate::store::{
    AskId, Birth, Form, MailKind, Mailbox, NewMail, Resolved, Store, StoreError, Suppression,
};

impl Store {
    /// Decides an ask whose accounts were found: challenges and mails, or the reason why not.
    pub async fn resolve_ask(
        &self,
        ask: AskId,
        at: Millis,
        mailboxes: Vec<Mailbox>,
    ) -> Result<Resolved, StoreError> {
        self.write(move |tx| resolve(tx, ask, at, &mailboxes)).await
    }
}

/// What the ask's row adds to a birth.
pub(super) struct Asking {
    id: AskId,
    pub(super) at: Millis,
    pub(super) channel: String,
    pub(super) address_key: [u8; 16],
    pub(super) place: [u8; 16],
    pub(super) place_owned: bool,
    pub(super) pot: i64,
    pub(super) site: String,
    client: Option<String>,
    /// How many accounts it is for; a guess may be compared with a code of each.
    pub(super) accounts: u32,
}

impl Asking {
    pub(super) fn client(&self, form: &Form) -> Option<&str> {
        self.client.as_deref().filter(|_| form.keeps_client)
    }
}

fn resolve(
    tx: &mut Tx<'_>,
    id: AskId,
    at: Millis,
    mailboxes: &[Mailbox],
) -> Result<Resolved, Broken> {
    let births = || mailboxes.iter().flat_map(|mailbox| &mailbox.births);
    // In one order, so that nobody waits in a ring.
    let mut accounts: Vec<&str> = births().map(|birth| birth.account.as_str()).collect();
    accounts.sort_unstable();
    for account in &accounts {
        tx.alone(account)?;
    }
    let count = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
    let Some(asking) = waiting(tx, id, at, count)? else {
        return Ok(Resolved::Gone);
    };
    let why = decide(tx, &asking, mailboxes)?;
    let state = if why.is_some() { "suppressed" } else { "queued" };
    let write = "UPDATE ask SET state = ?2, reason = ?3, ended = ?4 WHERE id = ?1";
    tx.run(write, values![&id, state, why.map(Suppression::as_str), why.map(|_| at)])?;
    Ok(why.map_or(Resolved::Queued, Resolved::Suppressed))
}

fn waiting(
    tx: &mut Tx<'_>,
    id: AskId,
    at: Millis,
    accounts: u32,
) -> Result<Option<Asking>, Broken> {
    let query = "SELECT channel, address_key, place, place_owned, pot, site, client FROM ask \
         WHERE id = ?1 AND state = 'waiting' /* for update */";
    tx.one(query, values![&id], |row| {
        Ok(Asking {
            id,
            at,
            channel: row.get(0)?,
            address_key: row.get(1)?,
            place: row.get(2)?,
            place_owned: row.get(3)?,
            pot: row.get(4)?,
            site: row.get(5)?,
            client: row.get(6)?,
            accounts,
        })
    })
}

/// `None`: a mail waits at least. An account that is to be written to no more is left out of its mail; where none is left
/// there is none, and the first one's reason is told.
fn decide(
    tx: &mut Tx<'_>,
    asking: &Asking,
    mailboxes: &[Mailbox],
) -> Result<Option<Suppression>, Broken> {
    if outbox::is_suppressed(tx, &asking.address_key, &asking.channel, asking.at)? {
        return Ok(Some(Suppression::Bounced));
    }
    let (mut mails, mut kept, mut why) = (Vec::new(), Vec::new(), None);
    for mailbox in mailboxes {
        let mut parts = Vec::new();
        for birth in &mailbox.births {
            let judged = restraint::judge(tx, asking, birth)?;
            if !judged.as_ref().is_ok_and(|part| part.living.is_none()) {
                kept.push(birth.account.as_str());
            }
            match judged {
                Ok(part) => parts.push(part),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
        if !parts.is_empty() {
            mails.push((mailbox, parts));
        }
    }
    if mails.is_empty() {
        return Ok(why.or(Some(Suppression::NoAccount)));
    }
    let new = mails.iter().flat_map(|(_, parts)| parts).filter(|part| part.living.is_none());
    let mut codes = Codes::before(tx, asking, new, &kept)?;
    for (mailbox, parts) in &mails {
        post(tx, asking, mailbox, parts, &mut codes)?;
    }
    Ok(None)
}

/// One mail for all of a mailbox.
fn post(
    tx: &mut Tx<'_>,
    asking: &Asking,
    mailbox: &Mailbox,
    parts: &[Part<'_>],
    codes: &mut Codes,
) -> Result<(), Broken> {
    let mut challenges = Vec::new();
    for part in parts {
        challenges.push(carry(tx, asking, part, codes)?);
        if let Some(told) = &part.birth.event {
            event::queue(tx, told)?;
        }
    }
    let first = parts.first().ok_or(Broken::Row)?.birth;
    let letter = NewMail {
        id: mailbox.mail,
        kind: MailKind::Reset,
        site: row::name(&asking.site)?,
        challenge: challenges.first().cloned(),
        ask: Some(asking.id),
        account: first.account.clone(),
        address: first.address.clone(),
        language: first.language,
        agent: None,
        at: asking.at,
    };
    mail::queue(tx, &letter)?;
    // A mailbox that others share is told whose secret it is, even if it is one.
    if mailbox.births.len() > 1 { mail::share(tx, mailbox.mail, &challenges) } else { Ok(()) }
}

/// The same challenge again, or a new one.
fn carry(
    tx: &mut Tx<'_>,
    asking: &Asking,
    part: &Part<'_>,
    codes: &mut Codes,
) -> Result<ChallengeId, Broken> {
    let Some(living) = part.living else {
        let counter = codes.differing(part.birth, part.form)?;
        insert(tx, asking, part.birth, part.form, counter)?;
        return Ok(part.birth.id);
    };
    let write = "UPDATE challenge SET sends = sends + 1, last_send = ?2 WHERE id = ?1";
    tx.run(write, values![&living, asking.at])?;
    Ok(ChallengeId(living))
}

fn insert(
    tx: &mut Tx<'_>,
    asking: &Asking,
    birth: &Birth,
    form: &Form,
    counter: u32,
) -> Result<(), Broken> {
    let write = "INSERT INTO challenge (id, account, channel, address, address_key, dialect, site, client, place, \
         place_owned, language, born, pot, counter, link_life, code_digits, code_life, placed, sends, last_send, \
         state, master, fingerprint) VALUES \
         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 1, ?12, 'live', ?19, ?20)";
    let values = values![
        &birth.id.0,
        &birth.account,
        &asking.channel,
        birth.address.as_str(),
        &asking.address_key,
        form.dialect,
        &asking.site,
        asking.client(form),
        &asking.place,
        asking.place_owned,
        birth.language.tag(),
        asking.at,
        asking.pot,
        counter,
        row::span(form.link_life),
        form.code.map_or(0, |code| code.digits),
        form.code.map(|code| millis(code.life)),
        form.code.is_some_and(|code| code.placed),
        birth.masters.active().id().as_str(),
        &birth.fingerprint,
    ];
    tx.run(write, values).map(drop)
}
