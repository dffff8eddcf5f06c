//! Leases over a real store, and what an ask and a proof are counted by.

use std::sync::Arc;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::config::{Config, StoreConfig};
use crate::keys::{Key, Kind};
use crate::secret::{Master, Masters};

const BEGIN: Millis = Millis(1_800_000_000_000);

fn after(seconds: u64) -> Millis {
    BEGIN.plus(Duration::from_secs(seconds))
}

fn secrets() -> Secrets {
    let key =
        Key::new(Kind::Master, Name::parse("m").unwrap(), Zeroizing::new(vec![7; 32])).unwrap();
    let masters = Masters::new(Master::derive(&key).unwrap(), Vec::new());
    Secrets::derive(&[7; 32], masters).unwrap()
}

fn limits(text: &str) -> Limits {
    let config = Config::parse(text, std::path::Path::new("/")).unwrap();
    Limits::new(config.limits.rates)
}

struct Home {
    store: Store,
    _folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(&StoreConfig::Sqlite(folder.path().join("rekey.db"))).unwrap(),
            _folder: folder,
        }
    }
}

/// Spends until nothing is left; how much that was.
async fn drain(home: &Home, limits: &Limits, at: Millis) -> u32 {
    let mut spent = 0;
    while limits.take_codes(&home.store, &secrets(), 1, at).await.unwrap() {
        spent += 1;
    }
    spent
}

#[tokio::test]
async fn several_instances_spend_no_more_than_the_whole() {
    let home = Home::new();
    let text = "limits.wrong_codes = \"1900/1h\"";
    let instances: Vec<Arc<Limits>> = (0..3).map(|_| Arc::new(limits(text))).collect();
    let mut spent = 0;
    for round in 0..60 {
        let at = after(round * 60);
        for instance in &instances {
            for _ in 0..20 {
                spent +=
                    u32::from(instance.take_codes(&home.store, &secrets(), 1, at).await.unwrap());
            }
        }
    }
    for instance in &instances {
        spent += drain(&home, instance, after(3600)).await;
    }
    assert!((3700..=3800).contains(&spent), "{spent} in an hour, with the burst");
}

#[tokio::test]
async fn the_last_units_can_be_spent_and_a_restart_gives_no_new_ones() {
    let home = Home::new();
    let text = "limits.wrong_codes = \"1000/1h\"";
    assert_eq!(drain(&home, &limits(text), BEGIN).await, 1000);
    assert_eq!(drain(&home, &limits(text), BEGIN).await, 0);
    assert_eq!(drain(&home, &limits(text), after(360)).await, 100);
}

#[tokio::test]
async fn what_was_refused_is_known_without_the_store_until_there_is_more() {
    let home = Home::new();
    let limits = limits("limits.wrong_codes = \"60/1h\"");
    assert_eq!(drain(&home, &limits, BEGIN).await, 60);
    assert!(limits.is_frozen(&secrets(), BEGIN));
    let other = Home::new();
    assert!(!limits.take_codes(&other.store, &secrets(), 1, after(59)).await.unwrap());
    assert!(limits.take_codes(&other.store, &secrets(), 1, after(60)).await.unwrap());
    assert!(limits.is_frozen(&secrets(), after(599)));
    assert!(!limits.is_frozen(&secrets(), after(600)));
}

#[tokio::test]
async fn what_is_given_back_is_there_again_and_a_heavy_guess_costs_its_weight() {
    let home = Home::new();
    let limits = limits("limits.wrong_codes = \"250/1h\"");
    assert_eq!([4, 5, 6, 8].map(weight), [100, 10, 1, 1]);
    assert!(limits.take_codes(&home.store, &secrets(), weight(4), BEGIN).await.unwrap());
    assert!(limits.take_codes(&home.store, &secrets(), weight(4), BEGIN).await.unwrap());
    assert!(!limits.take_codes(&home.store, &secrets(), weight(4), BEGIN).await.unwrap());
    limits.give_codes_back(&secrets(), weight(4), BEGIN);
    assert!(limits.take_codes(&home.store, &secrets(), weight(4), BEGIN).await.unwrap());
    assert!(!limits.take_codes(&home.store, &secrets(), weight(4), BEGIN).await.unwrap());
    assert_eq!(drain(&home, &limits, BEGIN).await, 50, "what is too little for it serves others");
}

#[tokio::test]
async fn a_block_that_was_not_spent_in_its_life_is_lost() {
    let home = Home::new();
    let limits = limits("limits.wrong_codes = \"640/1h\"");
    assert!(limits.take_codes(&home.store, &secrets(), 1, BEGIN).await.unwrap());
    limits.give_codes_back(&secrets(), 300, BEGIN);
    let (_, life) = CODES;
    assert_eq!(drain(&home, &limits, BEGIN.plus(life)).await, 640, "and the budget is full again");
}

#[tokio::test]
async fn one_client_leaves_the_others_their_share() {
    let home = Home::new();
    let limits = limits("limits = { client = \"10/1m\", installation = \"20/1m\" }");
    let names = ["a", "b", "c"].map(|name| Name::parse(name).unwrap());
    let mut taken = [0; 3];
    for _ in 0..15 {
        for (client, count) in names.iter().zip(&mut taken) {
            let wait =
                limits.take_wide(&home.store, &secrets(), Some(client), BEGIN).await.unwrap();
            *count += u32::from(wait.is_none());
        }
    }
    assert_eq!(taken.iter().sum::<u32>(), 20, "{taken:?}");
    assert!(taken.iter().all(|count| *count <= 10), "{taken:?}");
}

fn counted(sender: &str, issuer: &Issuer, place: Option<Place>) -> (Vec<Take>, Vec<Take>) {
    let limits = limits("");
    let by =
        Counted { sender: sender.parse().unwrap(), address: AddressKey([1; 16]), issuer, place };
    (limits.of_ask(&secrets(), &by, BEGIN).0, limits.of_attempt(&secrets(), by.sender))
}

#[test]
fn asks_and_proofs_are_counted_by_their_networks() {
    let issuer = |dialect, client: Option<&str>| Issuer {
        dialect,
        site: Name::parse("s").unwrap(),
        client: client.map(|client| Name::parse(client).unwrap()),
    };
    let plain = issuer("d", None);
    // sender, budgets of an ask, of a proof; the address always counts
    let table = [
        ("192.0.2.1", 3, 1),
        ("2001:db8::1", 4, 1),
        ("10.0.0.1", 1, 0),
        ("fd00::1", 1, 0),
        ("::1", 1, 0),
    ];
    for (sender, asks, proofs) in table {
        let (of_ask, of_attempt) = counted(sender, &plain, None);
        assert_eq!((of_ask.len(), of_attempt.len()), (asks, proofs), "{sender}");
        assert!(of_ask.is_sorted_by_key(|take| take.key), "{sender}");
        let (placed, _) = counted(sender, &plain, Some(Place([1; 16])));
        assert_eq!(placed.len(), asks + 1);
    }
    let shared = |left: &str, right: &str| {
        let (left, _) = counted(left, &plain, None);
        let (right, _) = counted(right, &plain, None);
        left.iter().filter(|take| right.contains(take)).count()
    };
    assert_eq!(shared("192.0.2.1", "192.0.2.2"), 2);
    assert_eq!(shared("192.0.2.1", "192.0.3.1"), 1);
    assert_eq!(shared("192.0.2.1", "::ffff:192.0.2.1"), 3);
    assert_eq!(shared("2001:db8::1", "2001:db8::2"), 4);
    assert_eq!(shared("2001:db8::1", "2001:db8:0:1::1"), 3);
    assert_eq!(shared("2001:db8::1", "2001:db8:0:100::1"), 2);
    for other in [issuer("e", None), issuer("d", Some("c")), issuer("e", Some("c"))] {
        let (left, _) = counted("10.0.0.1", &plain, None);
        assert_ne!(left, counted("10.0.0.1", &other, None).0, "{other:?}");
    }
}
