//! One fault at a time: the doctor names it, with its remedy, and nothing else.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rekey_tests::house::{ANN, BOB, Crew, On, Plan, initiate, outcome};
use rekey_tests::stage::{At, Manner, Postgres, Relay, Safety, rekey, until};

use super::crew;
use super::told::{Told, doctor, read};

/// `rekey doctor` in a directory with this configuration.
fn alone(dir: &Path, config: &str) -> Told {
    std::fs::write(dir.join("rekey.toml"), config).unwrap();
    read(rekey(&["doctor", "--json", "--config", "rekey.toml"], "", dir).unwrap())
}

fn is_the_only_fault(told: &Told, area: &str, of: &str, said: &str) {
    let faults = told.faults();
    assert!(told.code == 1 && told.grade == "fault", "{told:#?}");
    let [fault] = faults.as_slice() else { panic!("{told:#?}") };
    assert!(fault.area == area && fault.of == of && fault.said.contains(said), "{told:#?}");
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_missing_is_told_and_not_made() {
    let (dir, relay) = (tempfile::tempdir().unwrap(), Relay::start().unwrap());
    let config = format!("data = \"data\"\n[mail]\nrelay = \"smtp://{}\"\n", relay.addr());
    let told = alone(dir.path(), &config);
    assert!(told.has_graded("store", "open", "warning", "there is none yet"), "{told:#?}");
    assert!(told.has("keys", "file", "not made yet"), "{told:#?}");
    assert!(told.code == 0 && told.grade == "warning", "{told:#?}");
    assert_eq!(entries(dir.path()), ["rekey.toml"]);
}

#[test]
fn a_refused_configuration_is_told_with_its_places() {
    let dir = tempfile::tempdir().unwrap();
    let told = alone(dir.path(), "colour = 1\n[limits]\nsends = 99\n");
    assert!(told.code == 1 && told.faults().len() == 2, "{told:#?}");
    assert!(told.has("configuration", "file", "line 3: 99"), "{told:#?}");
    assert!(told.faults().iter().all(|fault| fault.remedy.is_some()), "{told:#?}");
}

#[test]
fn a_relay_that_is_down_or_refuses_is_told() {
    let (crew, relay) = crew(On::Sqlite);
    for (manner, of, said) in [
        (Manner::Answer(At::Greeting, 554), "connection", "554"),
        (Manner::Garbage(At::Greeting), "connection", "does not speak SMTP"),
    ] {
        relay.set(manner);
        is_the_only_fault(&doctor(&crew, &[]), "mail", of, said);
    }
    relay.set(Manner::Answer(At::Recipient, 550));
    let told = doctor(&crew, &[ANN]);
    assert!(told.code == 0 && told.has_graded("mail", "recipient", "warning", "550"), "{told:#?}");
    drop(relay);
    let told = doctor(&crew, &[]);
    is_the_only_fault(&told, "mail", "connection", "cannot be reached");
    assert!(told.faults()[0].remedy.as_ref().unwrap().contains("mail.relay"), "{told:#?}");
}

#[test]
fn a_relay_that_another_stands_in_for_is_a_warning() {
    let (dir, good, bad) =
        (tempfile::tempdir().unwrap(), Relay::start().unwrap(), Relay::start().unwrap());
    bad.set(Manner::Answer(At::Greeting, 421));
    let config = format!(
        "data = \"data\"\n[mail]\nrelay = [\"smtp://{}\", \"smtp://{}\"]\n",
        bad.addr(),
        good.addr()
    );
    let told = alone(dir.path(), &config);
    assert!(told.code == 0 && told.has_graded("mail", "connection", "warning", "421"), "{told:#?}");
}

#[test]
fn a_mailbox_that_bounced_is_told() {
    let (crew, relay) = crew(On::Sqlite);
    relay.set_for(BOB, Manner::Answer(At::Recipient, 550));
    assert_eq!(outcome(&crew.say(&initiate("native", BOB))), "accepted");
    until("the bounce", || Ok((crew.count("suppressed_address") > 0).then_some(()))).unwrap();
    let told = doctor(&crew, &[BOB]);
    assert!(told.has_graded("account", "bounced", "warning", "mailbox is not there"), "{told:#?}");
    assert!(told.has("account", "asks", "1 times"), "{told:#?}");
}

#[test]
fn a_key_that_everybody_can_read_is_told() {
    let (crew, _relay) = crew(On::Sqlite);
    let file = crew.data(0).join("keys/edge");
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    is_the_only_fault(&doctor(&crew, &[]), "keys", "file", "mode 0600");
}

#[test]
fn keys_of_another_store_are_told() {
    let (mut crew, _relay) = crew(On::Sqlite);
    crew.sidecar.stop().unwrap();
    let other = crew.data(0).join("keys/master");
    let digits = "0123456789abcdef".repeat(4);
    std::fs::write(&other, format!("rekey-index other {digits}\nrekey-master m {digits}\n"))
        .unwrap();
    is_the_only_fault(&doctor(&crew, &[]), "keys", "in_use", "not the index");
}

#[test]
fn a_store_that_is_down_or_refuses_us_is_told() {
    let (mut server, relay) = (Postgres::start(Safety::Plain).unwrap(), Relay::start().unwrap());
    let on = On::Postgres(server.database().unwrap());
    let crew = Crew::start(&Plan { on, ..Plan::default() }, relay.addr());
    let password = crew.dir.path().join("store.password");
    let right = std::fs::read_to_string(&password).unwrap();
    std::fs::write(&password, "not the password\n").unwrap();
    let told = doctor(&crew, &[]);
    assert!(told.has_graded("store", "open", "fault", "refuses our user or password"), "{told:#?}");
    assert!(!told.text.contains("not the password"), "{told:#?}");
    std::fs::write(&password, right).unwrap();
    server.stop().unwrap();
    let told = doctor(&crew, &[ANN]);
    assert!(told.has_graded("store", "open", "fault", "does not answer"), "{told:#?}");
    assert!(told.has_graded("directory", "table", "fault", "cannot be used"), "{told:#?}");
}
