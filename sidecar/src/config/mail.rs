//! The section [mail]: relays in their order, and what each of them knows us by. Invariant: a password goes only to the relay
//! it was written for, and never in the clear.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::de::DeValue;
use zeroize::Zeroizing;

use super::forms::{self, Formed, Wrong};
use super::reader::Reader;
use super::{MailConfig, Relay, RelayLogin, Tls};

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Option<MailConfig> {
    let relays = each(reader, "mail.relay", forms::relay);
    let users = each(reader, "mail.user", forms::owned);
    let passwords = each(reader, "mail.password", |value| password(value, home));
    let connections = reader.read("mail.connections", |value| forms::whole(value, 1..=32));
    let from = reader.read("mail.from", forms::mailbox);
    let reply_to = reader.read("mail.reply_to", forms::mailbox);
    if reader.has("mail.user") != reader.has("mail.password") {
        let key = if reader.has("mail.user") { "mail.user" } else { "mail.password" };
        reader.refuse(key, "user and password at the relay go together", "give both, or neither");
    }
    let mut relays = relays?;
    if let (Some(users), Some(passwords)) = (users, passwords) {
        log_in(reader, &mut relays, users, passwords);
    }
    Some(MailConfig { relays, connections: connections?, from: from?, reply_to })
}

/// A value, or a list of them; every wrong one is noted.
pub(super) fn each<T>(
    reader: &mut Reader<'_>,
    path: &str,
    form: impl Fn(&DeValue<'_>) -> Formed<T>,
) -> Option<Vec<T>> {
    let found = reader.read(path, |value| forms::one_or_more(value, form))?;
    let all = found.len();
    let mut good = Vec::with_capacity(all);
    for item in found {
        match item {
            Ok(value) => good.push(value),
            Err(wrong) => reader.refuse(path, &wrong.problem, &wrong.remedy),
        }
    }
    (good.len() == all).then_some(good)
}

/// One user for all relays, or one for each, where an empty one means none; passwords alike.
fn log_in(
    reader: &mut Reader<'_>,
    relays: &mut [Relay],
    users: Vec<String>,
    passwords: Vec<Option<Zeroizing<String>>>,
) {
    let fits = |count: usize| count == 1 || count == relays.len();
    for (key, count) in [("mail.user", users.len()), ("mail.password", passwords.len())] {
        if !fits(count) {
            let problem = format!("{count} stand here for {} relays", relays.len());
            reader.refuse(
                key,
                &problem,
                "write one for all relays, or one for each; \"\" where a relay asks for none",
            );
            return;
        }
    }
    let logins = users.into_iter().cycle().zip(passwords.into_iter().cycle());
    for (relay, (user, password)) in relays.iter_mut().zip(logins) {
        relay.login = match (user.is_empty(), password) {
            (true, None) => None,
            (false, Some(password)) => Some(RelayLogin { user, password }),
            _ => {
                let problem = format!("{} has a user or a password, not both", relay.host);
                reader.refuse("mail.user", &problem, "give both, or \"\" for both");
                None
            }
        };
        if relay.login.is_some() && relay.tls == Tls::None {
            reader.refuse(
                "mail.user",
                "the password would be sent in the clear",
                "use smtps:// or smtp+starttls://",
            );
        }
    }
}

fn password(value: &DeValue<'_>, home: &Path) -> Formed<Option<Zeroizing<String>>> {
    match forms::text(value)? {
        "" => Ok(None),
        _ => one_line(&forms::secret(value, home)?).map(Some),
    }
}

/// The secret of one line in a file.
pub(super) fn one_line(path: &Path) -> Formed<Zeroizing<String>> {
    let remedy = || format!("put the password on one line into {} with mode 0600", path.display());
    let text = private(path, remedy)?;
    let line = text.trim_end_matches(['\r', '\n']);
    match line.is_empty() || line.contains('\n') {
        true => Err(Wrong::new(format!("{} does not hold one line", path.display()), remedy())),
        false => Ok(Zeroizing::new(line.to_owned())),
    }
}

/// What is in a file that only its owner (and group) may read.
pub(super) fn private(path: &Path, remedy: impl Fn() -> String) -> Formed<Zeroizing<String>> {
    let unreadable =
        |error| Wrong::new(format!("{} cannot be read: {error}", path.display()), remedy());
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        let problem = format!("everybody on this machine can read {}", path.display());
        return Err(Wrong::new(problem, format!("chmod 0600 {}", path.display())));
    }
    Ok(Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?))
}
