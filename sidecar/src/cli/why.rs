//! `rekey why`: what became of the asks for one address.

use std::process::ExitCode;

use contract::address::{Address, Channel};

use crate::config::Config;

use super::{CliError, Console, rooms};

pub(super) fn why(
    config: &Config,
    text: &str,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let stories = rooms::runtime()?.block_on(rooms::stories(config, read(text)?))?;
    if stories.is_empty() {
        console.line("nothing was asked for with this address in the last 15 minutes")?;
        console.line("(what the gateway refuses never comes here: look at its access log)")?;
    }
    for story in stories {
        console.line(story)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn read(text: &str) -> Result<Address, CliError> {
    let channel = if text.contains('@') { Channel::Email } else { Channel::Sms };
    let hint = "write ann@example.com or +8613800138000";
    let malformed = |fault| CliError::refused(format!("the address is malformed: {fault}; {hint}"));
    Address::parse(channel, text, None).map_err(malformed)
}
