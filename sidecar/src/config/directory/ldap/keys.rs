//! The keys of the section [ldap]. Invariant: what is left out is taken from the schema that is named.

use crate::config::declared::{Key, key};

pub(in crate::config) const KEYS: &[Key] = &[
    key(
        "ldap.url",
        "",
        "URL, or list of URLs",
        "`ldaps://host[:636]`, `ldap+starttls://host[:389]` (StartTLS required), or `ldap://host[:389]` and `ldapi:///socket` to this machine only. Of several, in order of preference, the next is asked when one does not answer, or cannot be written.",
    ),
    key("ldap.user", "", "DN", "Whom we bind as; with Active Directory also `user@domain`."),
    key("ldap.password", "", "file:path", "The file that holds the password of `ldap.user`."),
    key(
        "ldap.ca",
        "",
        "file:path",
        "PEM certificates that the servers' are checked against. Unset: the system's.",
    ),
    key(
        "ldap.timeout",
        "\"2s\"",
        "100ms to 5s",
        "How long a connection, an answer, or a turn at a connection may take.",
    ),
    key("ldap.connections", "4", "1 to 64", "Connections of this sidecar to each server."),
    key("ldap.base", "", "DN", "Below which entry the accounts lie."),
    key("ldap.scope", "\"subtree\"", "subtree or one-level", "How far below it."),
    key(
        "ldap.filter",
        "",
        "filter (RFC 4515)",
        "What an entry must be, beside having the address, as `(objectClass=inetOrgPerson)`.",
    ),
    key(
        "ldap.schema",
        "\"openldap\"",
        "openldap, active-directory or plain",
        "From which the keys below are taken where they are unset.",
    ),
    key(
        "ldap.attributes.id",
        "",
        "attribute",
        "What stays when everything else of an account changes. Unset: `entryUUID`; Active Directory: `objectGUID`.",
    ),
    key(
        "ldap.attributes.email",
        "",
        "attribute, or list of attributes",
        "Where mail addresses stand; of `proxyAddresses` the `smtp:` ones. Unset: `mail`.",
    ),
    key(
        "ldap.attributes.phone",
        "",
        "attribute, or list of attributes",
        "Where phone numbers stand, in international form. Unset: `mobile`.",
    ),
    key(
        "ldap.attributes.user_name",
        "",
        "attribute",
        "Unset: `uid`; Active Directory: `sAMAccountName`.",
    ),
    key(
        "ldap.attributes.display_name",
        "",
        "attribute",
        "Unset: `cn`; Active Directory: `displayName`.",
    ),
    key(
        "ldap.attributes.language",
        "",
        "attribute",
        "Of which the first language is taken. Unset: `preferredLanguage`.",
    ),
    key(
        "ldap.attributes.status",
        "",
        "attribute",
        "Whether an account is in use. Unset: OpenLDAP: `pwdAccountLockedTime`; Active Directory: `userAccountControl`; plain: none, all are.",
    ),
    key(
        "ldap.attributes.password_hash",
        "",
        "attribute",
        "Unset: `userPassword`; Active Directory: none, it shows none.",
    ),
    key(
        "ldap.active",
        "",
        "value, or list of values",
        "Values of `attributes.status` of which one must be there; `bit:2` is met where that bit of a number is set.",
    ),
    key(
        "ldap.disabled",
        "",
        "value, or list of values",
        "Values of `attributes.status` of which none may be there. Unset: OpenLDAP: `000001010000Z`, locked for good; Active Directory: `bit:2`.",
    ),
    key(
        "ldap.write",
        "",
        "modify-password, hash or unicode-pwd",
        "How a new password is written: by RFC 3062, so that the server hashes it; as our own hash, over the one that was read; or as Active Directory takes it, over TLS. Unset: `modify-password`; Active Directory: `unicode-pwd`.",
    ),
    key(
        "ldap.revision",
        "",
        "attribute, or list of attributes",
        "What changes with every change of a password; the first that can be read counts, with the others that can. Unset: `userPassword` and `pwdChangedTime`; Active Directory: `pwdLastSet`. Where none can be read, any change of an entry ends its links (`entryCSN`, `modifyTimestamp`).",
    ),
    key(
        "ldap.set",
        "",
        "attribute=value, or list of them",
        "What is set with a new password, as `pwdReset=FALSE` or `shadowLastChange={days}` (since 1970).",
    ),
];
