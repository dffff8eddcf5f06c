//! Tables of sections: what is read, and what is refused where.

use std::path::Path;

use crate::config::Config;

const TABLE: &str =
    "table = \"users\"\ncolumns.email = \"email\"\ncolumns.password_hash = \"hash\"\n";
const PARTED: &str = "[password]\nformat = \"pbkdf2-sha512-hex\"\n";
const OWN: &str = "find = \"SELECT id FROM u WHERE m = :email\"\nget = \"SELECT id FROM u WHERE id = :id\"\n\
     write = \"UPDATE u SET h = :hash WHERE id = :id AND h = :password_hash\"\n";
const URL: &str = "url = \"sqlite:app.db\"\n";

fn faults(section: &str) -> String {
    let text = format!("directory = \"sql\"\n[sql]\n{section}");
    let parsed = Config::parse(&text, Path::new("/etc/rekey"));
    parsed.map_or_else(|faults| faults.to_string(), |_| "ok".to_owned())
}

#[test]
fn places_are_judged() {
    let off = "tls = \"off\"";
    for (place, expected) in [
        ("url = \"postgres://rekey@db.example.com/app\"", "ok"),
        ("url = \"mysql://rekey@db.example.com:3307/app\"", "ok"),
        ("url = \"mariadb://rekey@db/app?socket=/run/mysqld/mysqld.sock\"\ntls = \"off\"", "ok"),
        (URL, "ok"),
        (&format!("url = \"mysql://rekey@127.0.0.1/app\"\n{off}"), "ok"),
        ("", "no database is named"),
        ("url = \"oracle://rekey@db/app\"", "names no database that we know"),
        ("url = \"mysql://rekey:secret@db/app\"", "holds a password"),
        ("url = \"postgres://rekey:secret@db/app\"", "holds a password"),
        ("url = \"postgres://rekey@db/app?sslmode=disable\"", "sql.tls says"),
        ("url = \"mysql://rekey@db/app?require_ssl=false\"", "parameters that we do not take"),
        (
            "url = \"mysql://rekey@db/app?socket=/s&verify_ca=false\"",
            "parameters that we do not take",
        ),
        ("url = \"mysql://db/app\"", "user or database is missing"),
        ("url = \"mysql://rekey@db\"", "user or database is missing"),
        (&format!("url = \"mysql://rekey@db/app\"\n{off}"), "in clear"),
        (&format!("url = \"postgres://rekey@db/app\"\n{off}"), "in clear"),
        (&format!("{URL}{off}"), "SQLite is a file"),
    ] {
        let found = faults(&format!("{place}\n{TABLE}"));
        assert!(found.contains(expected) && !found.contains("secret"), "{place}: {found}");
    }
}

#[test]
fn a_shape_is_whole_or_refused() {
    let table = |more: &str| format!("{TABLE}{more}");
    for (shape, expected) in [
        (table(""), "ok"),
        (OWN.to_owned(), "ok"),
        (String::new(), "no table is named"),
        (
            "table = \"users\"\ncolumns.password_hash = \"h\"\n".to_owned(),
            "neither e-mail addresses nor phone",
        ),
        (table("columns.user_name = \"a b\""), "not a name that we take for a column"),
        (TABLE.replace("\"users\"", "\"a.b.c\""), "not a name that we take for a table"),
        (table("columns.status = \"state\""), "which of its values mean active"),
        (table("active = [1]"), "no column that it is about"),
        (table("columns.status = \"state\"\nactive = [1, \"on\", true]"), "ok"),
        (table("columns.status = \"state\"\nactive = [1.5]"), "neither text, number nor flag"),
        (table("phone_form = \"national:XX\""), "no form of phone numbers"),
        (table("match = \"like\""), "neither exact nor lower"),
        (table("set = [\"a = b\"]"), "\"a = b\" is not a setting"),
        (table("set = [\"a = now\", \"a = 1\"]"), "set twice"),
        (table("set = [\"hash = null\"]"), "set twice"),
        (table("columns.user_name = \"hash\""), "write over hash"),
        (table("set = \"a = now\""), "it is not a list"),
        (table("sessions = \"DELETE FROM s WHERE u = :user\""), "there is no parameter :user"),
        (table("sessions = \"DELETE FROM s WHERE u = :hash\""), "there is no :hash here"),
        (table("sessions = \"DELETE FROM s\""), "there is no :id in it"),
        (
            OWN.replace(" AND h = :password_hash", ""),
            "there is no :password_hash or :revision in it",
        ),
        (OWN.replace("h = :hash", "h = 'x'"), "there is no :hash in it"),
        (table("revision = [\"version\"]"), "none of its columns changes"),
        (table("revision = [\"version\"]\nset = [\"version = 1\"]"), "none of its columns changes"),
        (table("revision = [\"version\"]\nset = [\"version = version + 1\"]"), "ok"),
        (table("sessions = \"DELETE FROM s WHERE u = :id; DROP TABLE s\""), "several statements"),
        (format!("{OWN}table = \"users\"\n"), "your own statements are used instead"),
        (OWN.replace("get =", "#"), "some of your own statements are missing"),
        (OWN.replace(":email", "'a"), "does not end"),
        (table("recipe = \"rails\""), "no recipe is called"),
        (table("colunms.id = \"id\""), "did you mean sql.columns.id"),
    ] {
        let found = faults(&format!("{URL}{shape}"));
        assert!(found.contains(expected), "{shape}: {found}");
    }
}

#[test]
fn a_salt_has_a_column_and_a_format_or_none() {
    let table = |more: &str| format!("{TABLE}columns.salt = \"s\"\n{more}");
    let parted = |more: &str| table(&format!("{PARTED}{more}"));
    for (shape, expected) in [
        (parted(""), "ok"),
        (table(&format!("set = [\"s = null\"]\n{PARTED}")), "set twice"),
        (table(&format!("revision = [\"s\"]\n{PARTED}")), "ok"),
        (parted("").replace("\"s\"", "\"email\""), "write over email"),
        (parted("keep = true"), "one format, at one cost"),
        (parted("iterations = 25000"), "cheap"),
        (parted("iterations = 25000\nweak_format = true"), "ok"),
        (parted("weak_format = true"), "not weak"),
        (parted("bcrypt_cost = 12"), "no such cost"),
        (format!("{TABLE}{PARTED}"), "none is named"),
        (table(""), "carry their salt"),
        (format!("{OWN}{PARTED}"), "none is named"),
        (OWN.replace(":hash W", ":hash, s = :salt W"), "carry their salt"),
        (OWN.replace(":hash W", ":hash, s = :salt W") + PARTED, "ok"),
    ] {
        let found = faults(&format!("{URL}{shape}"));
        assert!(found.contains(expected), "{shape}: {found}");
    }
}

#[test]
fn a_section_that_is_not_in_use_is_refused() {
    let parsed = Config::parse(&format!("[sql]\n{URL}"), Path::new("/"));
    let faults = parsed.unwrap_err().to_string();
    assert!(
        faults.contains("this directory is not in use") && faults.contains("directory = \"sql\""),
        "{faults}"
    );
}
