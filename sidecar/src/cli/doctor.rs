//! `rekey doctor` and `rekey directory test`: what is configured, connected to and tried. Invariant: nothing is sent or
//! changed, and no line shows a password, a hash or a full address.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use contract::address::Address;
use contract::json::{Writer, array};
use tokio::time::{Instant, sleep_until};

use super::signals::Signals;
use super::{CliError, Console, check, rooms, why};
use crate::clock::Clock;
use crate::config::{Config, Fault, Faults};
use crate::directory::{Finding, Grade};
use crate::doctor::{self, Area, Entry, Report, Seen, Watch};

/// Between two looks at an account.
const EVERY: Duration = Duration::from_secs(1);

pub(super) const EXAMPLES: &str = "\
Examples:
  rekey doctor                              everything that is configured
  rekey doctor ann@example.com              also what this address leads to, and why
  rekey doctor +8613800138000 --json        for programs
  rekey doctor ann@example.com --watch=60   what a log-in changes of the account, for a minute

--json prints one object: `grade` (good, warning or fault; the gravest of all) and `findings`, a list of objects with `area`
(configuration, keys, store, directory, passwords, mail, texts, lookup, events, listen or account), `subject` (which relay, listener
or account; may be empty), `of` (what was looked at, a stable name), `grade`, `said` (one sentence) and `remedy` (what to
do, or null). Exit codes: 0 no fault (warnings are none), 1 a fault, 2 not done.";

pub(super) const TEST_EXAMPLES: &str = "\
Examples:
  rekey directory test
  rekey directory test ann@example.com      also looks this address up, and writes and takes back what a reset would
  rekey directory test --json               as `rekey doctor --json`

Exit codes: 0 no fault (warnings are none), 1 a fault, 2 not done.";

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// An e-mail address, or a phone number with its country (+86...).
    address: Option<String>,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
    /// Watches the account of the address instead, until Ctrl-C or for so many seconds: log in to the app meanwhile.
    ///
    /// Tells which columns or attributes change, and whether links that were sent die of it.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0",
        requires = "address"
    )]
    watch: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// An e-mail address, or a phone number with its country (+86...).
    address: Option<String>,
    /// One JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

pub(super) fn doctor(
    args: &DoctorArgs,
    path: Option<&Path>,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let address = args.address.as_deref().map(why::read).transpose()?;
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(faults) => return conclude(&refused(&faults), args.json, console),
    };
    let runtime = rooms::runtime()?;
    let report = match (args.watch, &address) {
        (Some(seconds), Some(address)) => {
            runtime.block_on(watch(&config, address, seconds, args.json, console))?
        }
        _ => {
            let mut report = runtime.block_on(doctor::examine(&config, address.as_ref()));
            report.0.insert(0, read(path, &config));
            report
        }
    };
    conclude(&report, args.json, console)
}

/// The directory alone.
pub(super) fn test(
    args: &TestArgs,
    config: &Config,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    let address = args.address.as_deref().map(why::read).transpose()?;
    let report = rooms::runtime()?.block_on(doctor::examine_directory(config, address.as_ref()));
    conclude(&report, args.json, console)
}

fn refused(faults: &Faults) -> Report {
    let mut report = Report::default();
    for Fault { line, key, problem, remedy } in faults.list() {
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        let finding = Finding::fault("file", format!("{place}{problem}"), remedy.clone());
        report.add(Area::Configuration, key.as_str(), finding);
    }
    report
}

fn read(path: Option<&Path>, config: &Config) -> Entry {
    let file = path.map_or_else(|| "the defaults".to_owned(), |path| path.display().to_string());
    let said = match check::warnings(config).len() {
        0 => format!("{file}, without a fault"),
        count => format!("{file}, without a fault; `rekey check` warns of {count} things in it"),
    };
    Entry {
        area: Area::Configuration,
        subject: String::new(),
        finding: Finding::good("file", said),
    }
}

async fn watch(
    config: &Config,
    address: &Address,
    seconds: u64,
    json: bool,
    console: &mut Console,
) -> Result<Report, CliError> {
    let failed = |error: doctor::WatchError| CliError::refused(error.to_string());
    // From the first look on: a Ctrl-C that comes during one ends the watch after it.
    let mut signals = Signals::listen()?;
    let mut watch = Watch::begin(config, address).await.map_err(failed)?;
    let begun = Instant::now();
    let end = (seconds > 0).then(|| begun + Duration::from_secs(seconds));
    if !json {
        let most = if seconds > 0 { format!("for {seconds} s") } else { "until Ctrl-C".to_owned() };
        console.line(format_args!(
            "watching {} columns or attributes of {} {most}: log in to the app now",
            watch.width(),
            address.masked()
        ))?;
    }
    let (mut report, mut next) = (Report::default(), begun + EVERY);
    while end.is_none_or(|end| next <= end) {
        tokio::select! {
            biased;
            _ = signals.next() => break,
            () = sleep_until(next) => {}
        }
        next += EVERY;
        match watch.look().await {
            Ok(Some(seen)) if !json => console.line(progress(&seen))?,
            Ok(_) => {}
            // What was seen until then is told all the same.
            Err(error) => {
                let remedy =
                    "`rekey doctor` with the address tells what is wrong; then watch again";
                let finding = Finding::fault("watch", error.to_string(), remedy);
                report.add(Area::Directory, String::new(), finding);
                break;
            }
        }
    }
    for finding in watch.findings() {
        report.add(Area::Account, address.masked(), finding);
    }
    Ok(report)
}

fn progress(seen: &Seen) -> String {
    let Seen { names, password, revision } = seen;
    let seconds = Clock::System.now().seconds();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let names = if names.is_empty() { "the revision".to_owned() } else { names.join(", ") };
    let password = match password {
        Some(true) => "the password too",
        Some(false) => "the password did not",
        None => "the hash cannot be read",
    };
    let links = if *revision { "links sent before are dead" } else { "links live on" };
    format!("{hour:02}:{minute:02}:{second:02}Z  {names} changed; {password}; {links}")
}

fn conclude(report: &Report, json: bool, console: &mut Console) -> Result<ExitCode, CliError> {
    if json {
        console.line(as_json(report))?;
    } else {
        print(report, console)?;
    }
    Ok(match report.grade() {
        Grade::Fault => ExitCode::FAILURE,
        Grade::Good | Grade::Warning => ExitCode::SUCCESS,
    })
}

fn print(report: &Report, console: &mut Console) -> io::Result<()> {
    let mut area = None;
    for Entry { area: of, subject, finding } in &report.0 {
        if area != Some(*of) {
            console.line(of.as_str())?;
            area = Some(*of);
        }
        let mark = match finding.grade {
            Grade::Good => "ok",
            Grade::Warning => "warning",
            Grade::Fault => "FAULT",
        };
        let about = if subject.is_empty() { finding.of } else { subject };
        console.line(format_args!("  {mark:<8} {about}: {}", finding.said))?;
        if let Some(remedy) = &finding.remedy {
            console.line(format_args!("           -> {remedy}"))?;
        }
    }
    let (faults, warnings) = (report.count(Grade::Fault), report.count(Grade::Warning));
    console.line(format_args!(
        "\n{} looked at, {}, {}",
        check::count(report.0.len(), "thing"),
        check::count(faults, "fault"),
        check::count(warnings, "warning")
    ))
}

fn as_json(report: &Report) -> String {
    let findings: Vec<String> = report.0.iter().map(entry).collect();
    Writer::object()
        .string("grade", report.grade().as_str())
        .raw("findings", &array(findings.iter().map(String::as_str)))
        .finish()
}

fn entry(entry: &Entry) -> String {
    let Entry { area, subject, finding } = entry;
    let object = Writer::object()
        .string("area", area.as_str())
        .string("subject", subject)
        .string("of", finding.of)
        .string("grade", finding.grade.as_str())
        .string("said", &finding.said);
    match &finding.remedy {
        Some(remedy) => object.string("remedy", remedy).finish(),
        None => object.null("remedy").finish(),
    }
}
