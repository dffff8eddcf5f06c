//! Two sites that share the accounts: what an address may cost is counted at both together, what they send is each one's own.

use contract::address::Channel;
use contract::message::Call;
use contract::profile::ProofKind;

use super::rig::*;
use crate::config::Config;
use crate::flow::{deliver, dispatch};

const SHOP: &str = "[sites.shop]\nbase_url = \"https://shop.example\"\n";
const STRANGER: &str = "198.51.100.9";

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

#[tokio::test]
async fn wrong_codes_at_two_sites_share_one_pot() {
    let rig = Rig::with(SHOP).await;
    let right = rig.letter(coded().at_site("shop"), ANN).await.code.unwrap();
    let guess =
        |site, code: &str| rig.confirm(coded().from(STRANGER).at_site(site), by_code(ANN, code));
    for site in ["default", "shop", "default", "shop", "default"] {
        assert_eq!(guess(site, &wrong(&right)).await, "proof_invalid");
    }
    assert_eq!(guess("shop", &right).await, "proof_invalid", "five are all that strangers have");
    assert_eq!(rig.confirm(coded(), by_code(ANN, &right)).await, "proof_invalid", "another site's");
    assert_eq!(rig.confirm(coded().at_site("shop"), by_code(ANN, &right)).await, "reset");
}

#[tokio::test]
async fn wrong_codes_at_two_sites_share_one_day() {
    let rig = Rig::with(SHOP).await;
    for site in ["default", "shop", "default", "shop"] {
        let right = rig.letter(coded().at_site(site), ANN).await.code.unwrap();
        for _ in 0..5 {
            let guess = by_code(ANN, &wrong(&right));
            assert_eq!(rig.confirm(coded().at_site(site), guess).await, "proof_invalid");
        }
        rig.pass(1000);
    }
    for site in ["default", "shop"] {
        assert_eq!(rig.letter(coded().at_site(site), ANN).await.code, None, "{site}");
        rig.pass(61);
    }
}

/// As with two dialects: one ask waits for an address, and who comes meanwhile is merged into it.
#[tokio::test]
async fn of_two_asks_at_a_moment_the_first_sites_mail_is_sent() {
    let rig = Rig::with(SHOP).await;
    let to_ann = || Call::Initiate { to: address(ANN) };
    let shop = linked().at_site("shop");
    assert_eq!(rig.send(linked(), to_ann()).await.code(), "accepted");
    rig.pass(1);
    assert_eq!(rig.send(shop.from(STRANGER), to_ann()).await.code(), "accepted");
    assert_eq!(rig.end(ANN).await, ("suppressed".into(), "merged".into()));
    let [first] = {
        rig.ask(linked(), NOBODY).await;
        rig.letters().await
    }
    .try_into()
    .unwrap();
    let first = by_token(first.token.as_deref().unwrap());
    assert_eq!(rig.confirm(shop, first.clone()).await, "proof_invalid");
    assert_eq!(rig.confirm(linked(), first).await, "reset");
    rig.pass(61);
    let own = rig.letter(shop, ANN).await.token.unwrap();
    assert_eq!(rig.confirm(linked(), by_token(&own)).await, "proof_invalid");
    assert_eq!(rig.confirm(shop, by_token(&own)).await, "reset");
    let told: Vec<String> = rig.stories(ANN).await.iter().map(ToString::to_string).collect();
    assert!(told[0].contains(" at shop ") && told[2].contains(" at default "), "{told:?}");
}

/// A process that was not told of the site yet.
fn ignorant(rig: &Rig) -> Rig {
    let mut config: Config = rig.engine.config.clone();
    config.sites = Config::parse("", rig.home.path()).unwrap().sites;
    rig.beside_as(config)
}

#[tokio::test]
async fn an_ask_waits_for_a_process_that_knows_its_site() {
    let rig = Rig::with(SHOP).await;
    let (shop, other) = (linked().at_site("shop"), ignorant(&rig));
    let to_ann = || Call::Initiate { to: address(ANN) };
    assert_eq!(rig.send(shop, to_ann()).await.code(), "accepted");
    assert_eq!(dispatch::once(&other.engine).await, Ok(1));
    assert_eq!(rig.end(ANN).await, ("waiting".into(), String::new()));
    assert_eq!(dispatch::once(&rig.engine).await, Ok(0), "the lease goes on");
    rig.pass(21);
    assert_eq!(dispatch::once(&rig.engine).await, Ok(1));
    assert_eq!(rig.end(ANN).await.0, "queued");

    rig.pass(61);
    assert_eq!(rig.send(shop, Call::Initiate { to: address(BOB) }).await.code(), "accepted");
    other.pass(21 + 61 + 601);
    assert_eq!(dispatch::once(&other.engine).await, Ok(1));
    assert_eq!(rig.end(BOB).await, ("suppressed".into(), "site_unknown".into()));
    assert!(rig.stories(BOB).await.remove(0).to_string().contains("[sites.NAME]"));
}

#[tokio::test]
async fn a_mail_waits_for_a_process_that_knows_its_site() {
    let rig = Rig::with(SHOP).await;
    let (shop, other) = (linked().at_site("shop"), ignorant(&rig));
    assert_eq!(rig.ask(shop, ANN).await.code(), "accepted");
    assert_eq!(deliver::once(&other.engine).await, Ok(1));
    let story = rig.stories(ANN).await.remove(0);
    assert_eq!((story.state.as_str(), story.reply.as_deref()), ("queued", Some("site_unknown")));
    rig.pass(7);
    let [got] = rig.letters().await.try_into().unwrap();
    assert_eq!(rig.confirm(shop, by_token(got.token.as_deref().unwrap())).await, "reset");

    rig.pass(61);
    assert_eq!(rig.ask(shop, BOB).await.code(), "accepted");
    other.pass(7 + 61);
    for _ in 0..40 {
        assert!(deliver::once(&other.engine).await.is_ok());
        other.pass(601 + 151);
    }
    assert_eq!(rig.end(BOB).await, ("dead".into(), "site_unknown".into()));
}

#[tokio::test]
async fn a_sender_and_an_address_have_no_second_turn_at_another_site() {
    let rig = Rig::with(&format!("[limits]\naddress = \"2/10m\"\n{SHOP}")).await;
    let shop = linked().at_site("shop");
    assert_eq!(rig.ask(linked(), ANN).await.code(), "accepted");
    assert_eq!(rig.ask(shop, ANN).await.code(), "throttled", "the cool-down");
    assert_eq!(rig.ask(shop.from("192.0.2.2"), ANN).await.code(), "accepted");
    for caller in [linked(), shop] {
        assert_eq!(rig.ask(caller.from("192.0.2.3"), ANN).await.code(), "throttled");
    }
    assert_eq!(rig.ask(shop.from("192.0.2.3"), BOB).await.code(), "accepted");
}
