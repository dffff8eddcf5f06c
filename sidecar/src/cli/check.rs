//! `rekey check`: what would run, what is unsafe about it, and every fault. Invariant: it changes nothing.

use std::io;
use std::iter::repeat;
use std::path::Path;
use std::process::ExitCode;

use contract::dialect::{DIALECTS, Dialect};
use contract::name::Name;
use contract::profile::{Login, Rules};

use crate::config::{BaseUrl, Config, Endpoint, Relay, StoreConfig, Tls, reference};
use crate::keys::{self, Found, KeyError, Kind, Shelf};
use crate::password::{FormatFault, Lookup};
use crate::tls::signed_certificate;

use super::{CliError, Console};

pub(super) fn check(
    path: Option<&Path>,
    as_reference: bool,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    if as_reference {
        console.line(reference().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    match path {
        Some(path) => console.line(format_args!("configuration  {}", path.display()))?,
        None => console.line("configuration  none: the defaults")?,
    }
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(faults) => {
            console.line(format_args!(
                "\n{} to mend:\n{faults}",
                count(faults.list().len(), "fault")
            ))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    show(&config, console)?;
    let keys = keys::inspect(&config.keys);
    show_keys(&keys, console)?;
    let certificate = signed_certificate(&config);
    if let Some(Ok(line)) = &certificate {
        console.line(format_args!("\ncertificate    {line}"))?;
    }
    show_profiles(&config, console)?;
    let warnings = warnings(&config);
    console.line(format_args!("\n{}", count(warnings.len(), "warning")))?;
    for warning in warnings {
        console.line(format_args!("  - {warning}"))?;
    }
    let mut faults = faults(&config, &keys);
    faults.extend(certificate.and_then(Result::err));
    conclude(&faults, console)
}

/// What would keep `serve` from starting though the file itself is good. What the store says of keys, only it knows.
fn faults(config: &Config, keys: &[Result<Found, KeyError>]) -> Vec<String> {
    let mut faults: Vec<String> =
        keys.iter().filter_map(|found| found.as_ref().err()).map(KeyError::to_string).collect();
    let lookup = config.lookup.as_ref().map(Lookup::new);
    faults.extend(
        lookup.and_then(Result::err).map(|fault| format!("password.breached_lookup: {fault}")),
    );
    let is_pepper = |(kind, _): &(Kind, Name)| *kind == Kind::Pepper;
    let has_pepper = keys.iter().flatten().any(|found| found.ids.iter().any(is_pepper));
    if config.password.recipe.is_peppered() && !has_pepper {
        faults.push(format!("password.pepper: {}", FormatFault::NoPepper));
    }
    faults
}

fn conclude(faults: &[String], console: &mut Console) -> Result<ExitCode, CliError> {
    if faults.is_empty() {
        console.line("\nnothing to mend: `rekey serve` would start; `rekey doctor` tries what it would connect to")?;
        return Ok(ExitCode::SUCCESS);
    }
    console.line(format_args!("\n{} to mend:", count(faults.len(), "fault")))?;
    for fault in faults {
        console.line(fault)?;
    }
    Ok(ExitCode::FAILURE)
}

fn show(config: &Config, console: &mut Console) -> io::Result<()> {
    let Config { listen, mail, .. } = config;
    console.line(format_args!("data           {}", config.data.display()))?;
    console.line(format_args!(
        "deployment     audience {}, site {}",
        config.audience.as_str(),
        config.sites.top.name.as_str()
    ))?;
    match &config.store {
        StoreConfig::Sqlite(path) => {
            console.line(format_args!("store          {}", path.display()))?
        }
        StoreConfig::Postgres(server) => console.line(format_args!(
            "store          PostgreSQL at {:?} (`rekey keys list` connects to it)",
            server.address.get_hosts()
        ))?,
    }
    console.line(format_args!("links          {}", config.sites.top.base_url.as_str()))?;
    for site in config.sites.iter().skip(1) {
        let (name, from) = (site.name.as_str(), &site.sender.from);
        let links = site.base_url.as_str();
        console.line(format_args!("site           {name}: links {links}, mail as {from}"))?;
    }
    console.line(format_args!("signed         {}", endpoint(&listen.signed)))?;
    console.line(format_args!("public         {}", endpoint(&listen.public)))?;
    console.line(format_args!("admin          {}", endpoint(&listen.admin)))?;
    for (relay, word) in mail.relays.iter().zip(["mail"].into_iter().chain(repeat("  or"))) {
        console.line(format_args!("{word:<14} {} as {}", url(relay), mail.from))?;
    }
    match &config.sms {
        Some(sms) => console.line(format_args!("texts          files in {}", sms.spool.display())),
        None => console.line("texts          none"),
    }
}

fn url(relay: &Relay) -> String {
    let scheme = match relay.tls {
        Tls::None => "smtp",
        Tls::Implicit => "smtps",
        Tls::Starttls => "smtp+starttls",
    };
    format!("{scheme}://{}:{}", relay.host, relay.port)
}

fn show_keys(keys: &[Result<Found, KeyError>], console: &mut Console) -> io::Result<()> {
    for found in keys.iter().flatten() {
        let (shelf, path) = (format!("rekey-{}", found.shelf.as_str()), found.path.display());
        match (found.ids.is_empty(), found.shelf) {
            (false, _) => {
                let ids: Vec<String> = found.ids.iter().map(|id| told(found.shelf, id)).collect();
                console.line(format_args!("{shelf:<14} {} in {path}", ids.join(", ")))?;
            }
            (true, Shelf::Password) => {
                console
                    .line(format_args!("{shelf:<14} none; `rekey keys add rsa` makes {path}"))?;
            }
            (true, _) => console.line(format_args!("{shelf:<14} to be made: {path}"))?,
        }
    }
    for found in keys.iter().flatten().filter(|found| found.shelf == Shelf::Edge) {
        let path = found.path.display();
        let (id, line) = match found.ids.as_slice() {
            [] => ("<its second word>", format!("cut -d' ' -f3 {path}")),
            [(_, id)] => (id.as_str(), format!("cut -d' ' -f3 {path}")),
            [.., (_, id)] => {
                (id.as_str(), format!("grep ' {} ' {path} | cut -d' ' -f3", id.as_str()))
            }
        };
        console.line("\ngive the gateway the edge key:")?;
        console.line(format_args!("  environment    REKEY_EDGE_KEY=$({line})"))?;
        console.line(format_args!(
            "  filter         \"key\": {{\"id\": \"{id}\", \"env\": \"REKEY_EDGE_KEY\"}}"
        ))?;
    }
    Ok(())
}

/// With its kind, where the file has several.
fn told(shelf: Shelf, (kind, id): &(Kind, Name)) -> String {
    match shelf {
        Shelf::Password => format!("{} {}", kind.as_str(), id.as_str()),
        _ => id.as_str().to_owned(),
    }
}

fn show_profiles(config: &Config, console: &mut Console) -> io::Result<()> {
    console.line(format_args!(
        "\n{:<14} {:<8} {:<8} {:<24} {:<8} login",
        "dialect", "channel", "link", "code", "grant"
    ))?;
    for dialect in DIALECTS {
        let profile = config.sites.top.profile(*dialect);
        for rules in &profile.channels {
            let grant = profile.grant_life.map_or_else(none, seconds);
            console.line(row(*dialect, rules, &grant, profile.login))?;
        }
    }
    Ok(())
}

fn row(dialect: &dyn Dialect, rules: &Rules, grant: &str, login: Login) -> String {
    let link = rules.link.map_or_else(none, |link| seconds(link.life));
    let code = rules.code.map_or_else(none, |code| {
        format!("{} digits, {}, {} tries", code.digits, seconds(code.life), code.tries)
    });
    let login = match login {
        Login::Always => "always",
        Login::Link => "after a link",
        Login::Never => "never",
    };
    format!(
        "{:<14} {:<8} {link:<8} {code:<24} {grant:<8} {login}",
        dialect.name(),
        rules.channel.as_str()
    )
}

fn none() -> String {
    "-".to_owned()
}

fn seconds(life: u32) -> String {
    match life {
        _ if life.is_multiple_of(60) => format!("{}m", life / 60),
        _ => format!("{life}s"),
    }
}

pub(super) fn endpoint(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tcp(address) => address.to_string(),
        Endpoint::Unix(path) => format!("unix:{}", path.display()),
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What an operator should know and may accept.
pub(super) fn warnings(config: &Config) -> Vec<&'static str> {
    let is_open = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Tcp(address) if !address.ip().is_loopback());
    let is_local = |url: &BaseUrl| url.as_str().starts_with("http://");
    let table = [
        (
            true,
            "captchas are not judged in this version: where a dialect demands a captcha token, any will do; let the gateway's rate limits stand in",
        ),
        (
            config.sites.iter().any(|site| is_local(&site.base_url)),
            "base_url leads to this machine: nobody else can open the links; set it to your site's https:// URL",
        ),
        (
            config.mail.from.email.domain() == "localhost",
            "mail.from is no address of yours: most servers will refuse the mails; set it",
        ),
        (
            config.sms.is_none(),
            "sms.spool is not set: asks by phone are accepted and end as suppressed",
        ),
        (
            is_open(&config.listen.admin),
            "listen.admin is open to the network and asks for no password: keep it behind a firewall",
        ),
    ];
    table.into_iter().filter(|(holds, _)| *holds).map(|(_, warning)| warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_follow_the_configuration() {
        let parse = |text: &str| Config::parse(text, Path::new("/tmp")).unwrap();
        let defaults = warnings(&parse(""));
        assert_eq!(defaults.len(), 4, "{defaults:#?}");
        let careful = "base_url = \"https://id.example.com\"\nmail.from = \"id@example.com\"\nsms.spool = \"texts\"";
        assert_eq!(warnings(&parse(careful)).len(), 1);
        assert_eq!(warnings(&parse("listen.admin = \"0.0.0.0:0\"")).len(), 5);
    }
}
