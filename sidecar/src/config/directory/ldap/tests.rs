//! The section [ldap], as it is read and as it is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{LdapConfig, LdapValue, LdapWrite};
use crate::config::{Config, DirectoryConfig};

const WHOLE: &str = "url = \"ldaps://dc.example.com\"\nuser = \"cn=rekey\"\npassword = \"file:password\"\nbase = \"dc=x\"\n";

/// A folder with the password's file.
fn home(password: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("password");
    fs::write(&file, password).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    home
}

fn parse(text: &str, home: &Path) -> Result<LdapConfig, String> {
    let text = format!("directory = \"ldap\"\n[ldap]\n{text}");
    match Config::parse(&text, home).map_err(|faults| faults.to_string())?.directory {
        DirectoryConfig::Ldap(config) => Ok(*config),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn schemas_give_what_is_left_out() {
    let home = home("secret\n");
    let openldap = parse(WHOLE, home.path()).unwrap();
    assert_eq!(openldap.servers.first().unwrap().url(), "ldaps://dc.example.com:636");
    assert_eq!(openldap.attributes.id, "entryUUID");
    assert_eq!(openldap.disabled, [LdapValue::Text("000001010000Z".to_owned())]);
    assert_eq!((openldap.write, openldap.password.as_str()), (LdapWrite::ModifyPassword, "secret"));
    assert!(!format!("{openldap:?}").contains("secret"));
    let text = format!(
        "{WHOLE}schema = \"active-directory\"\nattributes.email = [\"mail\", \"proxyAddresses\"]"
    );
    let active = parse(&text, home.path()).unwrap();
    assert_eq!(active.attributes.id, "objectGUID");
    assert_eq!(active.attributes.emails, ["mail", "proxyAddresses"]);
    assert_eq!((active.disabled, active.write), (vec![LdapValue::Bits(2)], LdapWrite::UnicodePwd));
    assert_eq!(
        (active.attributes.password_hash, active.revision),
        (None, vec!["pwdLastSet".to_owned()])
    );
    let plain = parse(&format!("{WHOLE}schema = \"plain\""), home.path()).unwrap();
    assert_eq!((plain.attributes.status, plain.disabled), (None, Vec::new()));
}

#[test]
fn what_is_wrong_is_refused() {
    let home = home("secret\n");
    let table = [
        ("url = \"ldap://dc.example.com\"", "in the clear"),
        ("url = \"https://dc.example.com\"", "not an LDAP server"),
        ("url = \"ldapi://relative\"", "not an LDAP server"),
        ("url = \"ldaps://u:p@dc.example.com\"", "not an LDAP server"),
        ("user = \" \"", "it is empty"),
        ("password = \"secret\"", "must not stand in the configuration"),
        ("filter = \"(a=b\"", "is not a filter"),
        ("filter = \"(a=b)(c=d)\"", "is not a filter"),
        ("filter = \"a=b\"", "is not a filter"),
        ("filter = \"(a=b))(|(c=d\"", "is not a filter"),
        ("attributes.email = \"mail)(uid\"", "not the name of an attribute"),
        ("attributes.id = \"\"", "not the name of an attribute"),
        ("revision = \"a b\"", "not the name of an attribute"),
        ("schema = \"novell\"", "is unknown"),
        ("scope = \"base\"", "is unknown"),
        ("write = \"clear\"", "is unknown"),
        ("write = \"hash\"", "with its scheme in front"),
        ("write = \"hash\"\nschema = \"active-directory\"", "no attribute is named"),
        ("schema = \"active-directory\"\nurl = \"ldap://localhost\"", "over TLS only"),
        ("attributes.status = \"employeeType\"", "an attribute and values"),
        ("schema = \"plain\"\nactive = \"yes\"", "an attribute and values"),
        ("set = \"pwdReset\"", "not an attribute with its value"),
        ("set = \"userpassword=x\"", "the same password"),
        (
            "attributes.password_hash = \"crypted\"\nset = [\"a=b\", \"crypted=x\"]",
            "the same password",
        ),
        ("timeout = \"0s\"", "out of range"),
        ("attributes.mail = \"mail\"", "no such key"),
    ];
    for (text, expected) in table {
        // What the line says is said once.
        let key = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
        let rest = WHOLE.lines().filter(|line| !text.lines().any(|own| key(own) == key(line)));
        let whole = rest.chain(text.lines()).collect::<Vec<_>>().join("\n");
        let found = parse(&whole, home.path()).map(|_| "good").unwrap_err();
        assert!(found.contains(expected), "{text}: {found}");
    }
    let found = parse("", home.path()).unwrap_err();
    assert_eq!(found.matches("needs it").count(), 4, "{found}");
}

/// RFC 4513, 5.1.2: it would be a bind of nobody, which succeeds.
#[test]
fn an_empty_password_is_refused() {
    let home = home("\n");
    assert!(parse(WHOLE, home.path()).unwrap_err().contains("one line"));
}

#[test]
fn a_section_that_is_not_in_use_is_refused() {
    let found = Config::parse("[ldap]\nbase = \"dc=x\"\nattributes.id = \"uid\"", Path::new("/"));
    let found = found.unwrap_err().to_string();
    assert_eq!(found.matches("not in use").count(), 2, "{found}");
    assert!(!found.contains("no such key"), "{found}");
}

#[test]
fn sockets_are_urls() {
    let home = home("secret");
    for written in ["ldapi:///run/slapd/ldapi", "ldapi://%2Frun%2Fslapd%2fldapi"] {
        let text = WHOLE.replace("ldaps://dc.example.com", written);
        let config = parse(&text, home.path()).unwrap();
        assert_eq!(config.servers.first().unwrap().url(), "ldapi://%2Frun%2Fslapd%2Fldapi");
    }
}
