//! Formats of hashes: kept where that is configured, with the length that the kept one reads; else all become ours.

use contract::address::{Channel, Email};
use contract::outcome::Refusal;
use contract::policy::Breach;
use contract::profile::ProofKind;
use contract::secret::Password;

use super::rig::{Caller, NEW, OLD, Rig, accepting, by_token, refused};
use crate::directory::{AccountDraft, Status};
use crate::password::{Cost, Costs, Format, Keep};

const CARL: &str = "carl@example.org";

fn cheap() -> Costs {
    let argon2id = Cost { memory_kib: 64, passes: 1, lanes: 1 };
    Costs { argon2id, bcrypt: 4, iterations: Some(3), rounds: 1_000, scrypt: 4 }
}

/// A rig that keeps formats, or not, and Carl, whose hash PHP wrote.
async fn rig(keep: bool) -> (Rig, Rig) {
    let first = Rig::new().await;
    let mut config = first.engine.config.clone();
    config.password.keep = keep.then(|| Keep { costs: cheap(), weak: false });
    let rig = first.beside_as(config);
    let (recipe, old) = (Format::find("php-bcrypt").unwrap().recipe(&cheap()), OLD.to_owned());
    let old = Password::parse(old).unwrap();
    let hash = rig.engine.hasher.run(move |desk| desk.write_as(recipe, &old, &[1; 16]));
    let draft = AccountDraft {
        id: Some("carl".into()),
        email: Some(Email::parse(CARL).unwrap()),
        phone: None,
        user_name: None,
        display_name: None,
        language: None,
        password_hash: Some(hash.await.unwrap().unwrap()),
        second_factor: false,
        status: Status::Active,
    };
    rig.embedded().add(draft).await.unwrap();
    (first, rig)
}

fn caller() -> Caller {
    accepting(Channel::Email, ProofKind::Link)
}

async fn hash_after_reset(rig: &Rig) -> String {
    let token = rig.letter(caller(), CARL).await.token.unwrap();
    assert_eq!(rig.confirm(caller(), by_token(&token)).await, "reset");
    assert!(rig.has_password("carl", NEW).await);
    rig.account("carl").await.password_hash.unwrap()
}

#[tokio::test]
async fn a_reset_keeps_the_format_of_the_app_where_that_is_configured() {
    let (_home, rig) = rig(true).await;
    assert_eq!(hash_after_reset(&rig).await.get(..7), Some("$2y$04$"));
}

#[tokio::test]
async fn a_reset_upgrades_where_formats_are_not_kept() {
    let (_home, rig) = rig(false).await;
    assert!(hash_after_reset(&rig).await.starts_with("$argon2id$"));
}

#[tokio::test]
async fn a_password_is_no_longer_than_the_kept_format_reads() {
    let (_home, rig) = rig(true).await;
    let long = "seven fresh horses ".repeat(4);
    assert!((73..100).contains(&long.len()));
    let token = rig.letter(caller(), CARL).await.token.unwrap();
    let outcome = rig.confirm_with(caller(), by_token(&token), &long).await;
    let Refusal::Policy(broken) = refused(&outcome) else { panic!("{outcome:?}") };
    assert!(broken.iter().any(|breach| matches!(breach, Breach::TooManyBytes { bytes: 72, .. })));
    // Where another format is kept, it is taken.
    let token = rig.letter(caller(), super::rig::BOB).await.token.unwrap();
    assert_eq!(rig.confirm_with(caller(), by_token(&token), &long).await.code(), "reset");
}
