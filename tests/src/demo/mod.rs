//! The demo: every dialect resets a real password through a real Envoy, and each step is a claim that is checked. The
//! flow tests play the same acts in silence.

mod act;
mod acts;
mod jwt;
mod letter;
mod passing;
mod play;
mod secrets;
mod transcript;

pub use act::{Act, Attempt, Says, Theirs, Verify};
pub use acts::{acts, person_of, stranger_to};
pub use letter::{Proof, Wanted};
pub use transcript::{Transcript, shortened};

use std::process::ExitCode;

use play::Play;
use secrets::Secrets;

use crate::installation::{Gateway, Home, Installation, Logs, Plan, free_port, wait_until_whole};
use crate::signals::Stop;
use crate::stage::{Fault, Staged};

/// The demo as a program: a transcript on standard output, and an exit code.
#[must_use]
pub fn demo(settings: &[&str]) -> ExitCode {
    let home = match Home::read(settings) {
        Ok(home) => home,
        Err(fault) => return crate::refused(&fault),
    };
    let stop = match Stop::on_signals() {
        Ok(stop) => stop,
        Err(fault) => return crate::refused(&fault),
    };
    let mut transcript = Transcript::spoken(stop);
    transcript.note("Rekey: five dialects reset passwords through one Envoy.");
    if let Err(fault) = perform_on(Gateway::Envoy, home, &acts(), &mut transcript) {
        transcript.claim("the demo came to its end", Err(fault.to_string()));
    }
    transcript.close();
    if transcript.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays these acts on an installation of their own.
///
/// # Errors
/// The installation does not start or stop. What does not hold is in the transcript.
pub fn perform(acts: &[Act], transcript: &mut Transcript) -> Staged<()> {
    perform_behind(Gateway::Envoy, acts, transcript)
}

/// The same behind this gateway.
///
/// # Errors
/// As [`perform`].
pub fn perform_behind(gateway: Gateway, acts: &[Act], transcript: &mut Transcript) -> Staged<()> {
    perform_on(gateway, Home::Embedded, acts, transcript)
}

/// The same with the accounts there.
///
/// # Errors
/// As [`perform`].
pub fn perform_on(
    gateway: Gateway,
    accounts: Home,
    acts: &[Act],
    transcript: &mut Transcript,
) -> Staged<()> {
    let home = tempfile::tempdir()?;
    let plan = Plan {
        home: home.path().to_owned(),
        port: free_port()?,
        gateway,
        accounts,
        limits: "",
        sections: String::new(),
        language: None,
    };
    let mut installation = Installation::start(&plan, &mut |step| transcript.progress(step))?;
    transcript.progress("adding accounts");
    let lines: String = acts.iter().map(|act| person_of(act).line()).collect();
    let mut secrets = Secrets::default();
    let played = installation
        .import(&lines)
        .and_then(|()| wait_until_whole(&installation))
        .and_then(|()| play_all(acts, &installation, transcript, &mut secrets));
    let failed = played.is_err() || !transcript.failed().is_empty();
    let logs = match installation.close() {
        Ok(logs) => logs,
        Err(fault) => {
            show_logs(transcript, &installation.logs());
            return Err(played.err().unwrap_or(fault));
        }
    };
    if played.is_ok() {
        judge_logs(acts, transcript, &secrets, &logs);
    }
    if failed {
        show_logs(transcript, &logs);
    }
    played
}

fn play_all(
    acts: &[Act],
    installation: &Installation,
    transcript: &mut Transcript,
    secrets: &mut Secrets,
) -> Staged<()> {
    for act in acts {
        let mut play = Play { act, installation, transcript, secrets };
        let played = play.run();
        transcript.go_on()?;
        if let Err(fault) = played {
            transcript.broke_off(&fault);
        }
    }
    after_all(acts, installation, transcript)
}

/// What holds for the whole evening: nobody else got a letter, the app saw no reset.
fn after_all(acts: &[Act], installation: &Installation, transcript: &mut Transcript) -> Staged<()> {
    transcript.act("behind the scenes");
    let (place, judge) = (installation.place(), installation.judge());
    transcript
        .note(&format!("  the accounts live in {place}; every password was judged by {judge}"));
    let mut found = Vec::new();
    for act in acts {
        let stranger = stranger_to(act);
        let mails = installation.mailbox().mails_to(&stranger.email)?.len();
        let texts = installation.texts.to(&stranger.phone)?.len();
        if mails + texts > 0 {
            found.push(format!("{} to {}", mails + texts, stranger.email));
        }
    }
    transcript.claim("nobody without an account got a mail or a text", none(&found));
    let resets = installation.app.resets();
    let resets: Vec<String> =
        resets.iter().map(|(reset, request)| format!("{reset:?} at {}", request.target)).collect();
    let all = installation.app.requests().len();
    let claim =
        format!("the app got {all} requests, none of which even a lenient app takes for a reset");
    transcript.claim(&claim, none(&resets));
    Ok(())
}

fn judge_logs(acts: &[Act], transcript: &mut Transcript, secrets: &Secrets, logs: &Logs) {
    let claim = format!(
        "of {} tokens, codes, passwords and addresses none stands in a log of sidecar or Envoy",
        secrets.count()
    );
    transcript.claim(&claim, none(&secrets.found_in(logs)));
    let asks = logs
        .access
        .lines()
        .filter(|line| {
            line.contains("rekey_initiate") || line.contains("\"operation\":\"initiate\"")
        })
        .count();
    let answered = logs.sidecar.lines().filter(|line| line.contains("\"answered\"")).count();
    let wanted = acts.len() * 2;
    let seen = if asks >= wanted && answered >= asks {
        Ok(())
    } else {
        Err(format!("{asks} asks in the access log, {answered} answers in the sidecar's"))
    };
    transcript.claim("although every request stands in them", seen);
}

fn show_logs(transcript: &Transcript, logs: &Logs) {
    transcript.tail("the sidecar's log", &logs.sidecar);
    transcript.tail("the gateway's log", &logs.gateway);
    transcript.tail("the access log", &logs.access);
}

fn none(found: &[String]) -> Result<(), String> {
    if found.is_empty() { Ok(()) } else { Err(found.join(", ")) }
}

/// All that failed, for a test's message.
///
/// # Errors
/// A claim did not hold.
pub fn verdict(transcript: &Transcript) -> Staged<usize> {
    if transcript.failed().is_empty() {
        return Ok(transcript.held());
    }
    Err(Fault::new("claims that do not hold", format!("\n{}", transcript.failed().join("\n"))))
}
