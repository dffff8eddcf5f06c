//! `rekey keys`: which keys there are, and their exchange without a pause. Invariant: key material leaves in `export` only,
//! to a file of mode 0600 or to a pipe, and never comes as an argument.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use contract::name::Name;
use zeroize::Zeroizing;

use crate::clock::{Clock, Millis};
use crate::config::{Config, KeyFiles};
use crate::entropy::Entropy;
use crate::keys::{
    self, Facts, Held, Key, KeyError, KeyFault, KeyState, Keys, Kind, Step, Wish, add_line,
};
use crate::store::Store;

use super::rooms::{self, RoomError};
use super::{CliError, Console};

#[derive(Debug, Subcommand)]
#[command(after_help = "\
A key is pending (believed, makes nothing), active (makes), retiring (what it made is believed still), and in the end
retired. Exchange a master or jwt key, without ending a link and without a restart:

  rekey keys add master                  draws it into the key file; the running instance reads it within 5 seconds
  rekey keys export --out bundle         where several instances share a store: carry the file to each of them, and
  rekey keys import bundle               there; then remove it
  rekey keys activate master ID          refused while a live instance lacks it; a jwt key is published 300 s before
  rekey keys retire master OLD --finally a day later; refused while links of it live. Then delete its line

Exchange an edge key (all that are held are believed):

  rekey keys add edge                    then give the gateways the new one, all of them: `rekey edge` as the first line of its
                                         key file, Envoy as `key`, from a variable that it has had since its start as
                                         `key_next` (a file that delivers the filter changes one for the other)
  rekey keys activate edge ID
  rekey keys retire edge OLD --finally

Encrypted passwords and peppered hashes, which need keys only where you want them:

  rekey keys add rsa                     the first one is used once every live instance holds it; an active rsa or sm2 key
  rekey keys add rsa --from app.pem      is published, one that is pending or retiring still decrypts
  rekey keys activate rsa ID             then `retire` the former, and --finally when no client has it any more
  rekey keys add pepper                  an active pepper keys new hashes; a former one can end 120 s after the exchange,
                                         when no hash names it, not even one of a former password

A key that leaked: add, activate, and `retire OLD --finally --now`, which ends every link, code and grant of it; of a pepper,
every password whose hash names it.")]
pub(super) enum KeysCommand {
    /// Shows every key: its state, since when, and whether it is held here and by the live instances.
    List,
    /// Draws a key into its file, beside those that are there. It is pending until it is activated.
    #[command(after_help = "Examples:
  rekey keys add master
  rekey keys add sm2 --from app.key    takes up the app's own private key: 64 hex, or PEM
  rekey keys add --first    on the first of several instances: draws every key whose file is missing")]
    Add(AddArgs),
    /// Makes with a key from now on; the one before it is retiring.
    #[command(after_help = "Example:\n  rekey keys activate master 1f0c77aa")]
    Activate {
        #[arg(value_enum)]
        kind: KindArg,
        /// The second word of its line; `rekey keys list` shows it.
        id: String,
        /// Signs with a jwt key before every verifier can have seen it; tokens are refused where it was not.
        #[arg(long)]
        now: bool,
    },
    /// Takes a key out of use.
    #[command(after_help = "Examples:
  rekey keys retire master 1f0c77aa --finally
  rekey keys retire master 1f0c77aa --finally --now    ends what lives of it: for a key that leaked")]
    Retire {
        #[arg(value_enum)]
        kind: KindArg,
        id: String,
        /// Nothing that it made is believed any more. Refused while something of it lives.
        #[arg(long)]
        finally: bool,
        /// With --finally: ends what lives of it, unasked. Of a pepper: every password whose hash names it, for good.
        #[arg(long, requires = "finally")]
        now: bool,
    },
    /// Gives out all keys, for the other instances: into a file of mode 0600, or into a pipe.
    #[command(after_help = "Examples:
  rekey keys export --out bundle
  rekey keys export | ssh second rekey keys import -")]
    Export {
        /// A new file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Shows them on the terminal, where others may look and scrollback stays.
        #[arg(long)]
        to_terminal: bool,
    },
    /// Takes up the keys of another instance.
    Import {
        /// The file, or - for standard input.
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    #[arg(value_enum, required_unless_present = "first")]
    kind: Option<KindArg>,
    /// For rsa and sm2: takes up this private key (PEM, or 64 hex for sm2) instead of drawing one.
    #[arg(long, value_name = "FILE", conflicts_with = "first")]
    from: Option<PathBuf>,
    /// Draws every key whose file is missing, also with PostgreSQL. On one instance only; the others import.
    #[arg(long, conflicts_with = "kind")]
    first: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum KindArg {
    Edge,
    Jwt,
    Master,
    Pepper,
    Rsa,
    Sm2,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Edge => Self::Edge,
            KindArg::Jwt => Self::Jwt,
            KindArg::Master => Self::Master,
            KindArg::Pepper => Self::Pepper,
            KindArg::Rsa => Self::Rsa,
            KindArg::Sm2 => Self::Sm2,
        }
    }
}

pub(super) fn run(
    command: KeysCommand,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    match command {
        KeysCommand::List => list(config, console)?,
        KeysCommand::Add(AddArgs { kind: Some(kind), from, .. }) => {
            add(config, kind.into(), from.as_deref(), console)?;
        }
        KeysCommand::Add(_) => add_first(config, console)?,
        KeysCommand::Activate { kind, id, now } => {
            change(config, kind.into(), &id, (Step::Activate, now), console)?;
        }
        KeysCommand::Retire { kind, id, finally, now } => {
            let step = if finally { Step::Finally } else { Step::Retire };
            change(config, kind.into(), &id, (step, now), console)?;
        }
        KeysCommand::Export { out, to_terminal } => {
            export(config, out.as_deref(), to_terminal, console)?;
        }
        KeysCommand::Import { file } => import(config, &file, console)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(config: &Config, console: &mut Console) -> Result<(), CliError> {
    let keys = read(config)?;
    let facts = rooms::runtime()?.block_on(async {
        let store = Store::open(&config.store)?;
        store.key_facts(Clock::System.now()).await
    });
    let facts = facts.map_err(RoomError::Store)?;
    let alive: Vec<_> =
        facts.instances.iter().filter(|instance| instance.is_alive(facts.now)).collect();
    console.line(format_args!(
        "{:<8} {:<16} {:<10} {:<8} {:<6} live instances",
        "kind", "id", "state", "since", "here"
    ))?;
    for (kind, id) in all(&keys, &facts) {
        let row = facts.states.of(kind, &id);
        let state = row.map_or("unseen", |row| row.state.as_str());
        let since = row.map_or_else(|| "-".to_owned(), |row| age(row.since, facts.now));
        let here = if keys.of(kind).iter().any(|key| key.id == id) { "held" } else { "-" };
        let held = |holds: &[Held]| holds.iter().any(|held| held.is_same_key(kind, &id));
        let holding = alive.iter().filter(|instance| held(&instance.holds)).count();
        let (kind, id, all) = (kind.as_str(), id.as_str(), alive.len());
        console.line(format_args!(
            "{kind:<8} {id:<16} {state:<10} {since:<8} {here:<6} {holding} of {all}"
        ))?;
    }
    Ok(())
}

/// Every key that is in a file here or known to the store.
fn all(keys: &Keys, facts: &Facts) -> Vec<(Kind, Name)> {
    let known = facts.states.0.iter().map(|row| (row.kind, row.id.clone()));
    let held = keys.iter().map(|key| (key.kind, key.id.clone()));
    let mut all: Vec<_> = known.chain(held).collect();
    all.sort();
    all.dedup();
    all
}

fn age(since: Millis, now: Millis) -> String {
    match since.until(now).as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

fn add(
    config: &Config,
    kind: Kind,
    from: Option<&Path>,
    console: &mut Console,
) -> Result<(), CliError> {
    if !kind.is_optional() {
        // On SQLite the first key stands beside the new one, even before the first start.
        Keys::open(&config.keys, &Entropy::System).map_err(RoomError::Key)?;
    }
    let key = match from {
        None => Key::draw(kind, &Entropy::System).map_err(|fault| at(config, kind, fault))?,
        Some(from) => adopt(kind, from)?,
    };
    let path = file(&config.keys, kind).ok_or_else(|| no_file(kind))?;
    add_line(path, &key).map_err(|fault| at(config, kind, fault))?;
    let (kind, id) = (kind.as_str(), key.id.as_str());
    console.line(format_args!("added {kind} {id} to {}; it is pending", path.display()))?;
    console.line("next: where other instances share the store, `rekey keys export` here and `rekey keys import` there;")?;
    match key.kind.is_optional() {
        true => console.line(format_args!(
            "then `rekey keys activate {kind} {id}`; the first of its kind becomes active by itself"
        ))?,
        false => console.line(format_args!("then `rekey keys activate {kind} {id}`"))?,
    }
    Ok(())
}

/// The app's own private key.
fn adopt(kind: Kind, from: &Path) -> Result<Key, CliError> {
    let refused =
        |why: &dyn std::fmt::Display| CliError::refused(format!("{}: {why}", from.display()));
    if !matches!(kind, Kind::Rsa | Kind::Sm2) {
        return Err(refused(
            &"only rsa and sm2 keys come from elsewhere; leave --from out to draw one",
        ));
    }
    let text = fs::read_to_string(from).map(Zeroizing::new);
    let text = text.map_err(|error| refused(&format!("it cannot be read: {error}")))?;
    Key::adopt(kind, &text, &Entropy::System).map_err(|fault| refused(&fault))
}

fn add_first(config: &Config, console: &mut Console) -> Result<(), CliError> {
    let made = keys::make_first(&config.keys, &Entropy::System).map_err(RoomError::Key)?;
    if made.is_empty() {
        return Err(CliError::refused(
            "every key file is there already; `rekey keys add KIND` draws one beside those in it",
        ));
    }
    for path in made {
        console.line(format_args!("made {}", path.display()))?;
    }
    console.line("next: `rekey keys export --out FILE`, and `rekey keys import FILE` on every other instance")?;
    Ok(())
}

fn change(
    config: &Config,
    kind: Kind,
    id: &str,
    (step, now): (Step, bool),
    console: &mut Console,
) -> Result<(), CliError> {
    let id = Name::parse(id).ok_or_else(|| CliError::refused("no key has such an id"))?;
    let (here, peppered) = (Held::all(&read(config)?), config.password.recipe.is_peppered());
    let wish = Wish { kind, id: id.clone(), step, now, here, peppered };
    let judged = rooms::runtime()?.block_on(async {
        let store = Store::open(&config.store)?;
        store.change_key(Clock::System.now(), wish).await
    });
    let rows = judged.map_err(RoomError::Store)?.map_err(|refused| {
        CliError::refused(format!("{} {} stays as it is: {refused}", kind.as_str(), id.as_str()))
    })?;
    for row in rows {
        console.line(format_args!(
            "{} {} is {}",
            row.kind.as_str(),
            row.id.as_str(),
            row.state.as_str()
        ))?;
        if row.state == KeyState::Retired {
            console.line("running instances drop it within 5 seconds; now delete its line from every key file")?;
        }
    }
    Ok(())
}

fn export(
    config: &Config,
    out: Option<&Path>,
    to_terminal: bool,
    console: &mut Console,
) -> Result<(), CliError> {
    if out.is_none() && console.shows() && !to_terminal {
        return Err(CliError::refused(
            "the keys would be shown on this terminal: give --out FILE, pipe them on, or say --to-terminal",
        ));
    }
    let keys = read(config)?;
    let lines: Vec<Zeroizing<String>> = keys.iter().map(Key::as_line).collect();
    let Some(path) = out else {
        for line in lines {
            console.line(line.trim_end())?;
        }
        return Ok(());
    };
    let written = || {
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        for line in &lines {
            file.write_all(line.as_bytes())?;
        }
        file.sync_all()
    };
    written().map_err(|error| {
        CliError::refused(format!("{} cannot be made: {error}; name a new file", path.display()))
    })?;
    console.line(format_args!(
        "wrote {} keys to {}; carry it over a safe way, import it, and remove it",
        lines.len(),
        path.display()
    ))?;
    Ok(())
}

fn import(config: &Config, from: &Path, console: &mut Console) -> Result<(), CliError> {
    let text = match from.to_str() {
        Some("-") => console.text()?,
        _ => Zeroizing::new(fs::read_to_string(from).map_err(|error| {
            CliError::refused(format!("{} cannot be read: {error}", from.display()))
        })?),
    };
    let given = keys::parse_lines(&text).filter(|given| !given.is_empty()).ok_or_else(|| {
        CliError::refused("these are no keys: give what `rekey keys export` wrote")
    })?;
    let taken = keys::import(&config.keys, &given).map_err(RoomError::Key)?;
    for key in &taken {
        console.line(format_args!("took up {} {}", key.kind.as_str(), key.id.as_str()))?;
    }
    if taken.is_empty() {
        console.line("every one of them was here already")?;
    }
    Ok(())
}

fn read(config: &Config) -> Result<Keys, RoomError> {
    Ok(Keys::read(&config.keys)?)
}

fn file(files: &KeyFiles, kind: Kind) -> Option<&Path> {
    keys::file_of(files, kind).map(crate::config::KeyFile::path)
}

fn no_file(kind: Kind) -> CliError {
    CliError::refused(format!("keys.{} names no file; name one", kind.shelf().as_str()))
}

fn at(config: &Config, kind: Kind, fault: KeyFault) -> RoomError {
    let path = file(&config.keys, kind).map(Path::to_owned).unwrap_or_default();
    RoomError::Key(KeyError { path, fault })
}

#[cfg(test)]
mod tests;
