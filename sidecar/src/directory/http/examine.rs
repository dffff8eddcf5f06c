//! What `rekey doctor` finds of the service. Invariant: nothing is written; what is tried is what must be refused.

use contract::address::Address;
use contract::json::Writer;

use super::reply::{self, Verdict};
use super::{HttpDirectory, SHORT};
use crate::directory::{Account, DirectoryError, Finding};
use crate::hook::{HookFault, Reply};

/// The receivers' libraries refuse a time that is off by more than five minutes.
const SKEW: u64 = 60;

/// An etag that no service gives: with the account's own hash, so that one that does not compare changes nothing.
const STRANGE: &str = "rekey-doctor-no-such-etag";

const DOCUMENT: &str = "sidecar/openapi/hooks.yaml describes the call";

pub(super) async fn examine(directory: &HttpDirectory, sample: Option<&Address>) -> Vec<Finding> {
    let Ok(nobody) = directory.draw() else {
        return vec![Finding::fault("connection", "the system gives no random bytes", "try again")];
    };
    let mut findings = connection(directory, &nobody).await;
    if findings.iter().any(|finding| finding.remedy.is_some() && finding.of == "connection") {
        return findings;
    }
    findings.push(signature(directory, &nobody).await);
    findings.push(strange_write(directory, &nobody).await);
    if let Some(address) = sample {
        findings.extend(look_up(directory, address).await);
    }
    findings
}

/// One call for an account that there is not.
async fn connection(directory: &HttpDirectory, nobody: &str) -> Vec<Finding> {
    let of = "connection";
    let body = Writer::object().string("id", nobody).finish();
    let call = directory.call("/get", nobody, &body, SHORT);
    let answered = directory.hook.call(&call, directory.hook.deadline()).await;
    let reply = match answered {
        Ok(reply) => reply,
        Err(fault) => return vec![Finding::fault(of, fault.to_string(), unreached(fault))],
    };
    let mut findings: Vec<Finding> = skew(directory, &reply).into_iter().collect();
    findings.push(match reply::got(&reply, nobody) {
        Ok(None) => Finding::good(of, "the service answers, and believes our signature"),
        Ok(Some(_)) | Err(DirectoryError::Row) => Finding::fault(
            of,
            "the service gives an account for an id that was drawn by chance",
            "answer {\"account\": null} where no account has the id",
        ),
        Err(_) => {
            let said = format!("POST /get was answered with status {}", reply.status);
            Finding::fault(of, said, odd(reply.status))
        }
    });
    findings
}

fn skew(directory: &HttpDirectory, reply: &Reply) -> Option<Finding> {
    let (ours, theirs) = (directory.clock.now().seconds(), reply.date?);
    let apart = ours.abs_diff(theirs);
    (apart > SKEW).then(|| {
        let word = if theirs > ours { "ahead of" } else { "behind" };
        Finding::warning(
            "clock",
            format!("the service's clock is {apart} s {word} ours"),
            "set both by NTP: signatures are refused when they are 5 minutes off",
        )
    })
}

fn unreached(fault: HookFault) -> &'static str {
    match fault {
        HookFault::Nameless => "mend the host of http.url, or the name service",
        HookFault::Private => "set http.allow_private = true if it is meant to be there",
        HookFault::Unreachable => "start the service, or mend host and port of http.url",
        HookFault::Tls => "renew the service's certificate, or name its CA in http.ca",
        HookFault::Late | HookFault::Lost => "look at the service's log, or raise http.timeout",
        HookFault::Form | HookFault::Long => DOCUMENT,
    }
}

fn odd(status: u16) -> &'static str {
    match status {
        300..=399 => "redirects are not followed: write the URL that it leads to into http.url",
        400 | 401 | 403 => {
            "give the service the key of http.secret, and compare both clocks: signatures are refused when they are 5 minutes off"
        }
        404 => {
            "mend the path of http.url; where no account has the id, answer {\"account\": null} as JSON"
        }
        429 | 500..=599 => "look at the service's log",
        _ => "answer 200 and {\"account\": ..}: sidecar/openapi/hooks.yaml describes the call",
    }
}

/// A call with a signature of another body.
async fn signature(directory: &HttpDirectory, nobody: &str) -> Finding {
    let of = "signature";
    let body = Writer::object().string("id", nobody).finish();
    let call = directory.call("/get", nobody, &body, SHORT);
    match directory.hook.call_forged(&call, directory.hook.deadline()).await {
        Ok(reply) if (400..=499).contains(&reply.status) && reply.status != 404 => {
            Finding::good(of, "a call that is signed wrongly is refused")
        }
        Ok(reply) if reply.status >= 500 => {
            let said = format!("a call that is signed wrongly was answered with {}", reply.status);
            Finding::warning(
                of,
                said,
                "verify webhook-signature before anything else, and answer 401",
            )
        }
        Ok(_) => Finding::fault(
            of,
            "the service answers calls that are signed wrongly: everybody who reaches it can write passwords",
            "verify webhook-signature with the key of http.secret before anything else, and answer 401",
        ),
        Err(fault) => Finding::warning(of, fault.to_string(), unreached(fault)),
    }
}

/// A write for an account that there is not.
async fn strange_write(directory: &HttpDirectory, nobody: &str) -> Finding {
    let body = Writer::object().string("id", nobody).string("etag", STRANGE).string("hash", "*");
    let body = body.finish();
    let call = directory.call("/write", nobody, &body, SHORT);
    match directory.hook.call(&call, directory.hook.deadline()).await {
        Ok(reply) => refused(&reply, "a write for an account that there is not"),
        Err(fault) => Finding::warning("write", fault.to_string(), unreached(fault)),
    }
}

fn refused(reply: &Reply, what: &str) -> Finding {
    match reply::verdict(reply) {
        Verdict::Changed => Finding::good("write", format!("{what} is refused")),
        _ => Finding::fault(
            "write",
            format!("{what} was answered with status {}", reply.status),
            "compare id and etag in the statement that writes, and answer 409 where no row matches",
        ),
    }
}

async fn look_up(directory: &HttpDirectory, address: &Address) -> Vec<Finding> {
    let of = "look-up";
    let found = match directory.find(std::slice::from_ref(address)).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::fault(of, error.to_string(), DOCUMENT)],
    };
    let own: Vec<&Account> =
        found.iter().filter(|account| account.stored(address).is_some()).collect();
    let mut findings = vec![match own.len() {
        0 if !found.is_empty() => Finding::fault(
            of,
            "the service gives accounts that do not have the address",
            "give each account with all its addresses, in the spelling that mail goes to",
        ),
        count => Finding::good(of, format!("accounts with this address: {count}")),
    }];
    if let Some(account) = own.first() {
        findings.extend(reread(directory, account).await);
    }
    findings
}

/// The same account by its id, and a write over an etag that it does not have.
async fn reread(directory: &HttpDirectory, account: &Account) -> Vec<Finding> {
    let of = "account";
    let again = match directory.get(&account.id).await {
        Ok(Some(again)) if again.revision == account.revision => {
            Finding::good(of, "it has the same etag by address and by id")
        }
        Ok(_) => Finding::fault(
            of,
            "by its id the account is another one than by its address",
            "give the same id and etag in /find and /get; the etag changes with the password and with nothing that a log-in does",
        ),
        Err(error) => Finding::fault(of, error.to_string(), DOCUMENT),
    };
    let Some(hash) = &account.password_hash else {
        return vec![again];
    };
    let body = Writer::object().string("id", &account.id).string("etag", STRANGE);
    let (id, body) = (super::write_id(&account.id, STRANGE, hash), body.string("hash", hash));
    let body = body.finish();
    let call = directory.call("/write", &id, &body, SHORT);
    let write = match directory.hook.call(&call, directory.hook.deadline()).await {
        Ok(reply) => refused(&reply, "a write over an etag that the account does not have"),
        Err(fault) => Finding::warning("write", fault.to_string(), unreached(fault)),
    };
    vec![again, write]
}
