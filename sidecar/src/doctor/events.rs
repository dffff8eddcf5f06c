//! Who is told of resets, tried with a call that is signed wrongly: it must be refused, so it leaves nothing behind.

use super::{Area, Report};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::Finding;
use crate::hook::{Call, Hook, HookFault};

/// Bytes of an answer that are read, and thrown away.
const ANSWER: usize = 64 * 1024;

pub(super) async fn examine(config: &Config, report: &mut Report) {
    let Some(events) = &config.events else {
        return;
    };
    let (hook, at) = (Hook::new(&events.hook), Clock::System.now());
    let body = "{\"type\":\"rekey.doctor\"}";
    let call = Call { path: "", id: "msg_rekey_doctor", at, body, most: ANSWER };
    let replied = hook.call_forged(&call, hook.deadline()).await;
    report.add(Area::Events, hook.authority(), judge(replied.map(|reply| reply.status)));
}

fn judge(status: Result<u16, HookFault>) -> Finding {
    let of = "receiver";
    let said = |status: u16| format!("a call that is signed wrongly was answered with {status}");
    match status {
        Ok(status @ 200..=299) => Finding::fault(
            of,
            format!("{}: anybody can tell it events", said(status)),
            "verify webhook-signature with the key of events.secret before anything else, and answer 401",
        ),
        Ok(status @ (300..=399 | 404 | 410)) => Finding::fault(
            of,
            said(status),
            "write the URL that takes events into events.url; redirects are not followed",
        ),
        Ok(400..=499) => Finding::good(of, "it answers, and refuses a call that is signed wrongly"),
        Ok(status) => Finding::warning(of, said(status), "look at the receiver's log"),
        Err(HookFault::Private) => {
            let said = HookFault::Private.to_string();
            Finding::fault(of, said, "set events.allow_private = true if it is meant to be there")
        }
        Err(fault) => Finding::fault(
            of,
            fault.to_string(),
            "start the receiver, or mend events.url or events.ca; meanwhile events wait",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Grade;

    #[test]
    fn a_receiver_is_good_where_it_refuses() {
        let table = [
            (Ok(200), Grade::Fault, "anybody"),
            (Ok(302), Grade::Fault, "302"),
            (Ok(404), Grade::Fault, "404"),
            (Ok(401), Grade::Good, "refuses"),
            (Ok(500), Grade::Warning, "500"),
            (Err(HookFault::Private), Grade::Fault, "allow_private"),
            (Err(HookFault::Unreachable), Grade::Fault, "nobody answers"),
        ];
        for (status, grade, word) in table {
            let found = judge(status);
            assert_eq!(found.grade, grade, "{status:?}");
            assert!(found.said.contains(word), "{found:?}");
            assert_eq!(found.remedy.is_none(), grade == Grade::Good);
        }
    }
}
