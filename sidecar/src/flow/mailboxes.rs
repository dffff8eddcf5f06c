//! Which mailboxes an ask leads to, and whose accounts each of them hears of: several accounts may have one address, and
//! two spellings of an address may be two people's. Invariant: an account is told of at the address that the directory
//! holds for it, byte by byte, and nowhere else; no ask makes a burst.

use contract::address::Address;

use crate::directory::{Account, Status};
use crate::store::{ACCOUNTS, Suppression};

/// Mails that one ask leads to. One address has one spelling nearly everywhere; who is asked for is sent no burst where a
/// table has collected more.
const MAILBOXES: usize = 3;

/// A mailbox, and the accounts that have it, in the order in which it is told of them.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    pub(crate) address: Address,
    pub(crate) accounts: Vec<&'a Account>,
}

/// The mailboxes of an address, among whatever was found; at least one.
pub(crate) fn mailboxes<'a>(
    asked: &Address,
    accounts: &'a [Account],
) -> Result<Vec<Shared<'a>>, Suppression> {
    // What a data base takes for equal is not always what we take for equal.
    let mut found: Vec<(Address, &Account)> = accounts
        .iter()
        .filter_map(|account| account.stored(asked).map(|address| (address, account)))
        .collect();
    if found.is_empty() {
        return Err(Suppression::NoAccount);
    }
    found.retain(|(_, account)| account.status == Status::Active);
    found.sort_by(|(one, a), (other, b)| (one.as_str(), name(a)).cmp(&(other.as_str(), name(b))));
    found.dedup_by(|(_, one), (_, other)| one.id == other.id);
    if found.is_empty() {
        return Err(Suppression::Disabled);
    }
    if found.len() > ACCOUNTS {
        return Err(Suppression::Ambiguous);
    }
    let groups = found.chunk_by(|(one, _), (other, _)| one.as_str() == other.as_str());
    let shared: Vec<_> = groups.filter_map(share).collect();
    if shared.len() > MAILBOXES { Err(Suppression::Ambiguous) } else { Ok(shared) }
}

fn share<'a>(group: &[(Address, &'a Account)]) -> Option<Shared<'a>> {
    let (address, _) = group.first()?;
    let accounts = group.iter().map(|(_, account)| *account).collect();
    Some(Shared { address: address.clone(), accounts })
}

/// By what accounts are told apart; the id, where they have no names.
fn name(account: &Account) -> (Option<&str>, &str) {
    (account.user_name.as_deref(), &account.id)
}

#[cfg(test)]
mod tests {
    use contract::address::{Channel, Email, Phone};

    use super::*;
    use crate::directory::Revision;

    const ANN: &str = "ann@example.org";

    fn account(id: &str, email: &str) -> Account {
        Account {
            id: id.into(),
            user_name: Some(format!("name-{id}")),
            display_name: None,
            emails: vec![Email::parse(email).unwrap()],
            phones: Vec::new(),
            language: None,
            status: Status::Active,
            second_factor: false,
            revision: Revision(Vec::new()),
            password_hash: None,
        }
    }

    fn disabled(id: &str, email: &str) -> Account {
        Account { status: Status::Disabled, ..account(id, email) }
    }

    fn many(count: usize) -> Vec<Account> {
        (0..count).map(|n| account(&n.to_string(), ANN)).collect()
    }

    /// `address: ids; address: ids`, or the reason.
    fn told(asked: &str, accounts: &[Account]) -> String {
        let channel = if asked.contains('@') { Channel::Email } else { Channel::Sms };
        let asked = Address::parse(channel, asked, None).unwrap();
        let shared = match mailboxes(&asked, accounts) {
            Ok(shared) => shared,
            Err(reason) => return reason.as_str().into(),
        };
        let one = |shared: &Shared<'_>| {
            let ids: Vec<&str> = shared.accounts.iter().map(|one| one.id.as_str()).collect();
            format!("{}: {}", shared.address.as_str(), ids.join(" "))
        };
        shared.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn each_mailbox_is_told_of_its_own_accounts() {
        let (upper, mixed, other) = ("ANN@example.org", "Ann@example.org", "bob@example.org");
        let table: &[(&[Account], &str)] = &[
            (&[], "no_account"),
            (&[account("1", other)], "no_account"),
            (&[account("1", ANN)], "ann@example.org: 1"),
            (&[account("2", ANN), account("1", ANN)], "ann@example.org: 1 2"),
            (&[account("1", ANN), account("1", ANN)], "ann@example.org: 1"),
            (
                &[account("1", ANN), account("3", mixed), account("2", ANN), account("4", other)],
                "Ann@example.org: 3; ann@example.org: 1 2",
            ),
            (&[disabled("1", ANN), account("2", ANN)], "ann@example.org: 2"),
            (&[disabled("1", ANN), disabled("2", upper)], "disabled"),
        ];
        for (accounts, expected) in table {
            assert_eq!(told(ANN, accounts), *expected);
        }
    }

    #[test]
    fn nobody_is_sent_a_burst() {
        assert_eq!(told(ANN, &many(ACCOUNTS)), "ann@example.org: 0 1 2 3 4 5 6 7");
        assert_eq!(told(ANN, &many(ACCOUNTS + 1)), "ambiguous");
        let spelled = ["ann@example.org", "Ann@example.org", "aNn@example.org", "anN@example.org"];
        let accounts: Vec<Account> = spelled.iter().map(|email| account(email, email)).collect();
        assert_eq!(told(ANN, &accounts), "ambiguous");
        assert_eq!(told(ANN, &accounts[..MAILBOXES]).matches(": ").count(), MAILBOXES);
        let mut gone = accounts;
        gone[3].status = Status::Disabled;
        assert_eq!(told(ANN, &gone).matches(": ").count(), MAILBOXES);
    }

    #[test]
    fn phones_are_shared_like_mailboxes() {
        let phone = Phone::parse("+8613800138000", None).unwrap();
        let owner = |id| Account { phones: vec![phone.clone()], ..account(id, ANN) };
        assert_eq!(told("+8613800138000", &[owner("1"), owner("2")]), "+8613800138000: 1 2");
    }
}
