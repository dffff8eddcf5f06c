//! Derivation: what differs must differ, what is garbage must fail.

use std::sync::atomic::AtomicU64;

use contract::secret::{Code, Token};

use super::*;
use crate::keys::{self, Kind};

fn key(id: &str, byte: u8) -> keys::Key {
    let id = Name::parse(id).unwrap();
    keys::Key::new(Kind::Master, id, Zeroizing::new(vec![byte; 32])).unwrap()
}

fn master(byte: u8) -> Master {
    Master::derive(&key("m1", byte)).unwrap()
}

fn alone(byte: u8) -> Masters {
    Masters::new(master(byte), Vec::new())
}

fn secrets(byte: u8) -> Secrets {
    Secrets::derive(&[byte; 32], alone(byte)).unwrap()
}

fn token(text: &str) -> Token {
    Token::parse(text.into()).unwrap()
}

#[test]
fn tokens_are_read_by_their_own_purpose_and_key_only() {
    let ours = alone(1);
    let id = ChallengeId([7; 16]);
    let link = ours.active().link_token(id);
    assert_eq!(link.len(), 64);
    assert_eq!(ours.read_link(&token(&link)).map(|(_, id)| id), Some(id));
    assert!(ours.read_grant(&token(&link)).is_none());
    assert!(alone(2).read_link(&token(&link)).is_none());
    let upper = link.to_uppercase();
    let longer = format!("{}0", *link);
    let shorter: String = link.chars().take(63).collect();
    let zeroes = "0".repeat(64);
    for garbage in [upper.as_str(), &longer, &shorter, &zeroes, "x", "é", &"密".repeat(30)] {
        assert!(ours.read_link(&token(garbage)).is_none(), "{garbage}");
        assert!(ours.read_grant(&token(garbage)).is_none(), "{garbage}");
    }
}

#[test]
fn every_digit_of_a_token_counts() {
    let ours = alone(1);
    let link = ours.active().link_token(ChallengeId([7; 16])).to_string();
    for at in 0..64 {
        let mut changed: Vec<char> = link.chars().collect();
        changed[at] = if changed[at] == '0' { '1' } else { '0' };
        let changed: String = changed.into_iter().collect();
        assert!(ours.read_link(&token(&changed)).is_none(), "{at}");
    }
}

#[test]
fn codes_have_their_digits_and_differ_by_counter() {
    let ours = master(1);
    let id = ChallengeId([7; 16]);
    for digits in 4..=8 {
        let code = ours.code(id, 0, digits);
        assert_eq!(code.len(), usize::from(digits));
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
    }
    let all: std::collections::HashSet<String> =
        (0..50).map(|n| ours.code(id, n, 8).to_string()).collect();
    assert!(all.len() >= 49);
    let typed = Code::parse(ours.code(id, 3, 6).to_string()).unwrap();
    assert!(bool::from(ours.is_code(&typed, id, 3, 6)));
    assert!(!bool::from(ours.is_code(&typed, id, 4, 6)));
}

#[test]
fn parts_of_a_fingerprint_cannot_be_shifted() {
    let ours = master(1);
    let base = ours.fingerprint("ab", b"c", "d", "e");
    assert_eq!(base, ours.fingerprint("ab", b"c", "d", "e"));
    for other in [
        ours.fingerprint("a", b"bc", "d", "e"),
        ours.fingerprint("ab", b"", "cd", "e"),
        ours.fingerprint("ab", b"c", "de", ""),
        master(2).fingerprint("ab", b"c", "d", "e"),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn each_master_reads_its_own_and_all_are_held() {
    let (old, new) =
        (Master::derive(&key("m1", 1)).unwrap(), Master::derive(&key("m2", 2)).unwrap());
    let ring = Masters::new(new.clone(), vec![old.clone()]);
    let id = ChallengeId([7; 16]);
    for maker in [&old, &new] {
        let (found, read) = ring.read_link(&token(&maker.link_token(id))).unwrap();
        assert_eq!((found.id(), read), (maker.id(), id));
        let grant = maker.grant_id(&Entropy::System).unwrap();
        let given = ring.grant_token(grant);
        assert_eq!(*given, *maker.grant_token(grant));
        let (found, read) = ring.read_grant(&token(&given)).unwrap();
        assert_eq!((found.id(), read), (maker.id(), grant));
    }
    assert_eq!(ring.active().id(), new.id());
    assert!(ring.of("m1").is_some() && ring.of("m3").is_none());
    let without = Masters::new(new, Vec::new());
    assert!(without.read_link(&token(&old.link_token(id))).is_none());
}

#[test]
fn a_change_of_masters_reaches_clones_but_no_answer_of_before_and_no_address() {
    let ours = secrets(1);
    let (clone, former) = (ours.clone(), ours.masters());
    let sender = "192.0.2.1".parse().unwrap();
    let keyed = |secrets: &Secrets| {
        (secrets.address_key(Channel::Email, "ann@example.org"), secrets.sender(sender))
    };
    let before = keyed(&ours);
    ours.change(Masters::new(Master::derive(&key("m2", 2)).unwrap(), Vec::new()));
    assert_eq!(clone.masters().active().id().as_str(), "m2");
    assert_eq!(former.active().id().as_str(), "m1");
    assert_eq!(keyed(&ours), before);
}

#[test]
fn senders_and_places_are_networks_and_clients() {
    let ours = secrets(1);
    let sender = |text: &str| ours.sender(text.parse().unwrap());
    assert_eq!(sender("2001:db8:0:1::1"), sender("2001:db8:0:1:ffff::9"));
    assert_ne!(sender("2001:db8:0:1::1"), sender("2001:db8:0:2::1"));
    assert_eq!(sender("::ffff:192.0.2.1"), sender("192.0.2.1"));
    assert_ne!(sender("192.0.2.1"), sender("192.0.2.2"));
    let (site, client) = (Name::parse("s").unwrap(), Name::parse("c").unwrap());
    let place = |client| ours.place_of_flow(&site, "d", client, Flow([1; 16]));
    assert_ne!(place(None), place(Some(&client)));
    assert_eq!(masked_sender("2001:db8:0:1::1".parse().unwrap()), "2001:db8:0::/48");
    assert_eq!(masked_sender("192.0.2.77".parse().unwrap()), "192.0.2.0/24");
}

#[test]
fn challenge_ids_begin_with_the_time() {
    let entropy = Entropy::Seeded(std::sync::Arc::new(AtomicU64::new(1)));
    let id = secrets(1).challenge_id(Millis(1_800_000_000_999), &entropy).unwrap();
    let seconds = (1_800_000_000_u64).to_be_bytes();
    assert_eq!(id.0[..5], seconds[3..]);
}

#[test]
fn an_account_id_that_is_an_address_is_not_logged() {
    let secrets = secrets(7);
    for plain in ["a1", "0f3c9a7712345678", "123456", "ann"] {
        assert_eq!(secrets.account_in_log(plain), plain);
    }
    for address in ["ann@example.org", "not an address@", "+8613800138000", "138 0013-8000"] {
        let told = secrets.account_in_log(address);
        assert!(told.starts_with("keyed:") && !told.contains(address), "{told}");
        assert_eq!(told, secrets.account_in_log(address));
    }
}
