//! The limits as data: what each is counted by, its default, which attack it stops, and what it leaves to an attacker.
//! Invariant: this is the only place of a limit's default; configuration, README and flows read it here.

use std::fmt::Write as _;

/// One limit. `attacks` are the rows of the threat list that SECURITY.md follows.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// In the configuration.
    pub key: &'static str,
    /// As TOML.
    pub preset: &'static str,
    /// What a value looks like, for people.
    pub form: &'static str,
    /// What is counted, and by what.
    pub counts: &'static str,
    pub attack: &'static str,
    /// What an attacker is left with: a probability or a bound.
    pub leaves: &'static str,
}

/// How a rate is written.
const RATE: &str = "number/time";

pub const SENDER_32: Limit = Limit {
    key: "limits.sender_32",
    preset: "\"60/10m\"",
    form: RATE,
    counts: "Asks by one IPv4 address. Many people share one behind a carrier's NAT, so it is wide; nobody waits longer than 10 s for the next.",
    attack: "mail bombing of many by one sender",
    leaves: "60 at once, 360 an hour",
};

pub const SENDER_24: Limit = Limit {
    key: "limits.sender_24",
    preset: "\"300/10m\"",
    form: RATE,
    counts: "Asks by an IPv4 network of 256 addresses.",
    attack: "the same from a rented network",
    leaves: "300 at once, 1,800 an hour",
};

pub const SENDER_64: Limit = Limit {
    key: "limits.sender_64",
    preset: "\"60/10m\"",
    form: RATE,
    counts: "Asks by an IPv6 /64: one household or one machine, which has 2^64 addresses.",
    attack: "mail bombing of many by one sender that changes its address",
    leaves: "60 at once, 360 an hour",
};

pub const SENDER_56: Limit = Limit {
    key: "limits.sender_56",
    preset: "\"120/10m\"",
    form: RATE,
    counts: "Asks by an IPv6 /56: what a household may be given.",
    attack: "the same with 256 networks",
    leaves: "120 at once, 720 an hour",
};

pub const SENDER_48: Limit = Limit {
    key: "limits.sender_48",
    preset: "\"300/10m\"",
    form: RATE,
    counts: "Asks by an IPv6 /48: what a company or a hoster's customer is given.",
    attack: "the same with 65,536 networks",
    leaves: "300 at once, 1,800 an hour",
};

pub const ADDRESS: Limit = Limit {
    key: "limits.address",
    preset: "\"60/10m\"",
    form: RATE,
    counts: "Asks for one address in one dialect by all senders, whether or not the address is known. Far above what anybody needs: who fills it has had the owner's proof sent to him.",
    attack: "one victim, many senders: rows without end",
    leaves: "360 rows an hour; mails are bounded by `cool_down` and `sends`",
};

pub const PLACE: Limit = Limit {
    key: "limits.place",
    preset: "\"30/10m\"",
    form: RATE,
    counts: "Asks with one flow cookie; without one the sender counts.",
    attack: "one browser that asks for many addresses",
    leaves: "30 at once, 180 an hour",
};

pub const CLIENT: Limit = Limit {
    key: "limits.client",
    preset: "\"30000/1m\"",
    form: RATE,
    counts: "Asks through one registered client; beyond it everybody there is told 503. Half of the installation's.",
    attack: "one client's flood that silences the others",
    leaves: "500 a second",
};

pub const INSTALLATION: Limit = Limit {
    key: "limits.installation",
    preset: "\"60000/1m\"",
    form: RATE,
    counts: "Asks of everybody together; beyond it everybody is told 503.",
    attack: "floods from very many senders: the database grows",
    leaves: "1,000 a second: less than a million rows in the 15 minutes that they are kept",
};

pub const ATTEMPTS: Limit = Limit {
    key: "limits.attempts",
    preset: "\"120/10m\"",
    form: RATE,
    counts: "Proofs, right or wrong, by one IPv4 address or one IPv6 /64.",
    attack: "guessing, and work that wrong proofs make",
    leaves: "720 guesses an hour and sender, within the two bounds below",
};

pub const WRONG_CODES: Limit = Limit {
    key: "limits.wrong_codes",
    preset: "\"1900/1h\"",
    form: RATE,
    counts: "Wrong codes of everybody together; one of four digits counts as 100 of six. Beyond it no code is compared, mails carry links only where the dialect has links, and links go on.",
    attack: "guessing one code for very many accounts from very many senders",
    leaves: "any account of the installation: at most 48,000 guesses at 6 digits, 0.048 expected a day",
};

pub const DAILY_WRONG_CODES: Limit = Limit {
    key: "limits.daily_wrong_codes",
    preset: "20",
    form: "5 to 100",
    counts: "Wrong codes a day (UTC) for one address; beyond it mails carry links only.",
    attack: "guessing one account's code from many senders",
    leaves: "one account: 20 guesses at 6 digits, probability 2e-5 a day",
};

pub const COOL_DOWN: Limit = Limit {
    key: "limits.cool_down",
    preset: "\"60s\"",
    form: "1s to 1h",
    counts: "Between two asks for one address by one sender, and between two sends of one secret.",
    attack: "mail bombing of one victim; killing his link by asking again",
    leaves: "the same link again, `sends` times; a living one stays",
};

pub const SENDS: Limit = Limit {
    key: "limits.sends",
    preset: "3",
    form: "1 to 10",
    counts: "How often the same link or code is sent on repeated asks.",
    attack: "mail bombing of one victim by many senders",
    leaves: "per account and channel: 3 x `sends` mails and one for each dialect in 15 minutes",
};

pub const POLICY_FAILURES: Limit = Limit {
    key: "limits.policy_failures",
    preset: "10",
    form: "1 to 100",
    counts: "Passwords that may break the policy before a proof is dead.",
    attack: "a stolen proof that asks what passwords are allowed, without end",
    leaves: "10 answers a proof",
};

pub const BACKLOG: Limit = Limit {
    key: "limits.backlog",
    preset: "10000",
    form: "10 to 1000000",
    counts: "Asks and mails that may wait, and never more than leave in 60 s (but 100 may); beyond it everybody is told 503.",
    attack: "floods: who asks rightly waits behind them",
    leaves: "a minute of waiting",
};

/// All of them, in the order of the table.
pub const LIMITS: &[Limit] = &[
    SENDER_32,
    SENDER_24,
    SENDER_64,
    SENDER_56,
    SENDER_48,
    ADDRESS,
    PLACE,
    CLIENT,
    INSTALLATION,
    BACKLOG,
    COOL_DOWN,
    SENDS,
    ATTEMPTS,
    DAILY_WRONG_CODES,
    WRONG_CODES,
    POLICY_FAILURES,
];

/// A Markdown table: limit, default, what it counts, the attack, what it leaves.
pub fn show() -> String {
    let mut table =
        String::from("| limit | default | counts | stops | leaves |\n|---|---|---|---|---|\n");
    for limit in LIMITS {
        let Limit { key, preset, counts, attack, leaves, .. } = limit;
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{key}` | `{preset}` | {counts} | {attack} | {leaves} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_says_what_it_stops_and_leaves() {
        for limit in LIMITS {
            assert!(limit.key.starts_with("limits."), "{}", limit.key);
            assert!(!limit.attack.is_empty() && !limit.leaves.is_empty(), "{}", limit.key);
            assert!(show().contains(limit.key));
        }
    }
}
