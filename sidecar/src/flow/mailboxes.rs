//! Which mailboxes an ask leads to, and whose accounts each of them hears of: several accounts may have one address, and
//! two spellings of an address may be two people's. Invariant: an account is told of at the address that the directory
//! holds for it, byte by byte, and nowhere else; no ask makes a burst.

use std::collections::HashSet;

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

/// The mailboxes of an address, among whatever was found; at least one. Where there are more accounts or mailboxes than one
/// ask serves, those that were there first are served: whoever registers beside somebody takes nothing from them.
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
    if found.is_empty() {
        return Err(Suppression::Disabled);
    }
    let mut known = HashSet::new();
    found.retain(|(_, account)| known.insert(account.id.as_str()));
    let mut served = served(asked, found);
    served.sort_by(|(one, a), (other, b)| (one.as_str(), name(a)).cmp(&(other.as_str(), name(b))));
    let groups = served.chunk_by(|(one, _), (other, _)| one.as_str() == other.as_str());
    Ok(groups.filter_map(share).collect())
}

/// Those whose mailbox is spelled as it was asked for and all others take turns, each the oldest first: neither can be
/// crowded out by the other.
fn served<'a>(
    asked: &Address,
    mut found: Vec<(Address, &'a Account)>,
) -> Vec<(Address, &'a Account)> {
    found.sort_by(|(_, one), (_, other)| age(one).cmp(&age(other)));
    let (same, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(address, _)| address.as_str() == asked.as_str());
    let turns = same.len().max(others.len());
    let (mut same, mut others) = (same.into_iter(), others.into_iter());
    let mut served: Vec<(Address, &Account)> = Vec::new();
    let mut boxes: Vec<Address> = Vec::new();
    for (address, account) in (0..turns).flat_map(|_| [same.next(), others.next()]).flatten() {
        let is_open = boxes.iter().any(|known| known.as_str() == address.as_str());
        if served.len() == ACCOUNTS || (!is_open && boxes.len() == MAILBOXES) {
            continue;
        }
        if !is_open {
            boxes.push(address.clone());
        }
        served.push((address, account));
    }
    served
}

/// As far as an id tells it: numbers that are counted up, and ids that begin with the time. Other ids are at least always
/// in the same order.
fn age(account: &Account) -> (usize, &str) {
    (account.id.len(), &account.id)
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

    const ANN: &str = "ann@example.org";

    fn account(id: &str, email: &str) -> Account {
        let emails = vec![Email::parse(email).unwrap()];
        Account { user_name: Some(format!("name-{id}")), emails, ..Account::bare(id) }
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
    fn nobody_is_sent_a_burst_and_nobody_is_crowded_out() {
        let first = "ann@example.org: 0 1 2 3 4 5 6 7";
        assert_eq!(told(ANN, &many(ACCOUNTS)), first);
        assert_eq!(told(ANN, &many(ACCOUNTS + 3)), first, "of ids that are counted up");
        let spelled = ["ann@example.org", "Ann@example.org", "aNn@example.org", "anN@example.org"];
        let accounts: Vec<Account> =
            (1..).zip(spelled).map(|(id, email)| account(&format!("{id}"), email)).collect();
        let three = "Ann@example.org: 2; aNn@example.org: 3; ann@example.org: 1";
        assert_eq!(told(ANN, &accounts), three);
        assert_eq!(told(ANN, &accounts[..MAILBOXES]), three);
        assert_eq!(
            told("anN@example.org", &accounts),
            "Ann@example.org: 2; anN@example.org: 4; ann@example.org: 1"
        );
        // The owner's, spelled otherwise, among many that came later.
        let owner = account("7", "Ann@example.org");
        let late = (10..40).map(|id| account(&format!("{id}"), ANN));
        let crowd: Vec<Account> = late.chain([owner.clone()]).collect();
        assert!(told(ANN, &crowd).starts_with("Ann@example.org: 7; "));
        let late = (10..40).map(|id| {
            account(&format!("{id}"), &format!("{}@example.org", ["aNN", "anN", "ANN"][id % 3]))
        });
        let crowd: Vec<Account> = late.chain([owner]).collect();
        for asked in [ANN, "Ann@example.org"] {
            assert!(told(asked, &crowd).contains("Ann@example.org: 7"), "{asked}");
        }
    }

    #[test]
    fn an_account_is_told_of_once() {
        let one = account("1", ANN);
        let (mut renamed, mut other) = (one.clone(), account("2", ANN));
        renamed.user_name = Some("z".into());
        other.user_name = Some("p".into());
        let spelled = account("1", "Ann@example.org");
        assert_eq!(told(ANN, &[one, other, renamed, spelled]), "ann@example.org: 1 2");
    }

    #[test]
    fn phones_are_shared_like_mailboxes() {
        let phone = Phone::parse("+8613800138000", None).unwrap();
        let owner = |id| Account { phones: vec![phone.clone()], ..account(id, ANN) };
        assert_eq!(told("+8613800138000", &[owner("1"), owner("2")]), "+8613800138000: 1 2");
    }
}
