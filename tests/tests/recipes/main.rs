//! Recipes against the real apps: each app's own code makes its tables and accounts, a real sidecar with the lines of the
//! app's recipe resets a password, and the app's own log-in says what has become of it.

mod desk;

use rekey_tests::apps::{App, Person, Place};
use rekey_tests::stage::{MariaDb, Postgres};
use serde_json::Value;

use crate::desk::Desk;

const ADA: Person = Person { name: "ada", address: "ada@example.org" };
const BOB: Person = Person { name: "bob", address: "bob@example.org" };
const OLD: &str = "the old pass word";
/// Quotes, slashes and letters that some apps change before they hash.
const NEW: &str = "it's \"new\" \\o/ ① ﬁ";
const OTHER: &str = "of the app's own making";

/// An app with two accounts.
struct Stage {
    app: &'static App,
    place: Place,
}

impl Stage {
    fn build(app: &str, place: Place) -> Self {
        let stage = Self { app: App::named(app), place };
        let version = stage.does("install", ADA, "");
        assert!(version.as_str().unwrap().starts_with(stage.app.version), "{version}");
        for who in [ADA, BOB] {
            assert!(stage.does("add", who, OLD).is_string());
        }
        stage
    }

    fn does(&self, verb: &str, who: Person, word: &str) -> Value {
        self.app.does(verb, &self.place, who, word).unwrap()
    }

    /// What a browser keeps of a log-in; `None` where the app refuses.
    fn enter(&self, who: Person, password: &str) -> Option<String> {
        self.does("enter", who, password).as_str().map(str::to_owned)
    }
}

fn resets(app: &str, place: Place) {
    let stage = Stage::build(app, place);
    let ends_sessions = app != "anqicms";
    // A hash beside its salt does not tell its format, so there is none to keep.
    let desk = Desk::open(stage.app, &stage.place, app != "node");
    let test = desk.sidecar.rekey(&["directory", "test", ADA.address], "").unwrap();
    assert!(test.status.success(), "{}{}", test.out, test.err);
    let [ada, bob] = [ADA, BOB].map(|who| stage.enter(who, OLD).unwrap());

    // The log-in behind the ask leaves the link alone.
    let link = desk.link(ADA, 1);
    assert!(stage.enter(ADA, OLD).is_some());
    assert_eq!(desk.confirm(&link, NEW), "reset", "{}", desk.sidecar.log());
    assert_eq!(desk.confirm(&link, NEW), "proof_invalid");
    assert!(stage.enter(ADA, OLD).is_none() && stage.enter(BOB, NEW).is_none());
    assert!(stage.enter(BOB, OLD).is_some());
    if ends_sessions {
        assert_eq!(stage.does("stay", ADA, &ada), false);
        assert_eq!(stage.does("stay", BOB, &bob), true);
    }

    // The first log-in with it does not hash it anew: a link that was open meanwhile is alive.
    let link = desk.link(ADA, 2);
    assert!(stage.enter(ADA, NEW).is_some());
    assert_eq!(desk.confirm(&link, OLD), "reset", "{}", desk.sidecar.log());

    let link = desk.link(ADA, 3);
    assert_eq!(stage.does("change", ADA, OTHER), true);
    assert_eq!(desk.confirm(&link, NEW), "proof_invalid");
    assert!(stage.enter(ADA, OTHER).is_some() && stage.enter(ADA, NEW).is_none());
}

/// The recipe's own format, whatever the hash was before: the app takes it, and hashes nothing anew at the next log-in.
fn writes_its_format(app: &str, place: Place) {
    let stage = Stage::build(app, place);
    let desk = Desk::open(stage.app, &stage.place, false);
    let link = desk.link(ADA, 1);
    assert_eq!(desk.confirm(&link, NEW), "reset", "{}", desk.sidecar.log());
    let link = desk.link(ADA, 2);
    assert!(stage.enter(ADA, NEW).is_some() && stage.enter(ADA, OLD).is_none());
    assert_eq!(desk.confirm(&link, OLD), "reset", "{}", desk.sidecar.log());
}

/// Whom the app lets in no more gets no mail.
fn leaves_alone(app: &str, place: Place) {
    let stage = Stage::build(app, place);
    let desk = Desk::open(stage.app, &stage.place, app != "node");
    assert_eq!(stage.does("disable", BOB, ""), true);
    assert!(stage.enter(BOB, OLD).is_none());
    assert_eq!((desk.mails(BOB), desk.mails(ADA)), (0, 1));
}

fn file(dir: &tempfile::TempDir) -> Place {
    let path = dir.path().join("app.db");
    std::fs::write(&path, "").unwrap();
    Place { url: format!("sqlite:{}", path.display()), password: None }
}

fn on_sqlite(does: fn(&str, Place), app: &str) {
    let dir = tempfile::tempdir().unwrap();
    does(app, file(&dir));
}

fn on_mariadb(does: fn(&str, Place), app: &str) {
    does(app, MariaDb::shared().schema().unwrap().into());
}

fn on_postgres(does: fn(&str, Place), app: &str) {
    does(app, Postgres::shared().database().unwrap().into());
}

#[test]
fn anqicms_on_mariadb() {
    on_mariadb(resets, "anqicms");
}

#[test]
fn anqicms_deletes() {
    on_mariadb(leaves_alone, "anqicms");
}

#[test]
fn anqicms_has_its_format() {
    on_mariadb(writes_its_format, "anqicms");
}

#[test]
fn better_auth_has_its_format() {
    on_sqlite(writes_its_format, "better-auth");
}

#[test]
fn better_auth_on_postgres() {
    on_postgres(resets, "better-auth");
}

#[test]
fn better_auth_on_sqlite() {
    on_sqlite(resets, "better-auth");
}

#[test]
fn devise_has_its_format() {
    on_sqlite(writes_its_format, "devise");
}

#[test]
fn devise_on_postgres() {
    on_postgres(resets, "devise");
}

#[test]
fn devise_on_sqlite() {
    on_sqlite(resets, "devise");
}

#[test]
fn django_on_postgres() {
    on_postgres(resets, "django");
}

#[test]
fn django_on_sqlite() {
    on_sqlite(resets, "django");
}

#[test]
fn django_has_its_format() {
    on_sqlite(writes_its_format, "django");
}

#[test]
fn django_disables() {
    on_postgres(leaves_alone, "django");
    on_sqlite(leaves_alone, "django");
}

#[test]
fn laravel_has_its_format() {
    on_sqlite(writes_its_format, "laravel");
}

#[test]
fn laravel_on_mariadb() {
    on_mariadb(resets, "laravel");
}

#[test]
fn laravel_on_postgres() {
    on_postgres(resets, "laravel");
}

#[test]
fn laravel_on_sqlite() {
    on_sqlite(resets, "laravel");
}

#[test]
fn node_disables() {
    on_sqlite(leaves_alone, "node");
}

#[test]
fn node_on_postgres() {
    on_postgres(resets, "node");
}

#[test]
fn node_on_sqlite() {
    on_sqlite(resets, "node");
}

#[test]
fn plain_on_mariadb() {
    on_mariadb(resets, "plain");
}

#[test]
fn plain_on_postgres() {
    on_postgres(resets, "plain");
}

#[test]
fn plain_on_sqlite() {
    on_sqlite(resets, "plain");
}

#[test]
fn plain_disables() {
    on_postgres(leaves_alone, "plain");
    on_sqlite(leaves_alone, "plain");
}

#[test]
fn wordpress_has_its_format() {
    on_mariadb(writes_its_format, "wordpress");
}

#[test]
fn wordpress_on_mariadb() {
    on_mariadb(resets, "wordpress");
}
