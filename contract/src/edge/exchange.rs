//! One exchange, as a state machine without a host: `Edge::on_head` -> `Exchange::on_request` -> `Exchange::on_answer`.
//! Invariant: every answer of ours is complete here: status, body, `no-store`, `nosniff`, request id, CORS.

use alloc::{format, string::String, string::ToString, sync::Arc, vec::Vec};
use core::net::IpAddr;

use crate::dialect::{Dialect, Does};
use crate::edge::answering::Rest;
use crate::edge::claim::Standing;
use crate::edge::legacy::LEGACY;
use crate::edge::sharing::{self, Whose};
use crate::edge::{
    Answer, Claim, Edge, Exchanged, Head, Headers, Settings, Site, claim, cors, query,
};
use crate::language::Language;
use crate::message::{Flow, Operation};
use crate::name::Name;
use crate::outcome::{BUSY_RETRY, Outcome, Refusal};
use crate::signature::hex;

/// The largest request body that is read, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// The largest answer of the sidecar that is read, in bytes. Half of what hosts buffer by default: beyond their own
/// limit they answer in our place.
pub const MAX_ANSWER: usize = 32 * 1024;

/// The name of the operation that no message is signed for.
pub const FETCH: &str = "keys";

/// The proxy answered in the sidecar's place: none is there, or none in time.
pub(super) const UNREACHABLE: &str = "unreachable";
/// What the sidecar answered is no answer of this operation.
pub(super) const UNREADABLE: &str = "unreadable";
/// The host itself failed.
const FAILED: &str = "failed";

pub(super) const FLOW_COOKIE: &str = "__Host-rekey_flow";

/// What the host knows and a pure machine cannot. `None` means that the host failed, and the request with it.
pub trait Circumstances {
    /// Unix seconds.
    fn now(&mut self) -> Option<u64>;
    /// 16 bytes of the host's random generator.
    fn random(&mut self) -> Option<[u8; 16]>;
    /// The client's address as the host trusts it.
    fn sender(&mut self) -> Option<IpAddr>;
}

/// What the host does next.
#[derive(Debug)]
pub enum Step {
    /// Not ours: pass on, byte for byte.
    Pass,
    /// Hold the request back until its body is whole.
    Collect,
    /// Answer at once.
    Reply(Answer),
    /// Send this instead of the request.
    Forward(Forward),
    /// Ask the sidecar for the public keys: by the request's own method, GET or HEAD, without a body or a query, and as
    /// the operation `keys`.
    Fetch,
}

/// The signed message that takes the place of the request.
#[derive(Debug)]
pub struct Forward {
    pub operation: Operation,
    pub body: Vec<u8>,
}

/// What one claimed request has been understood as so far.
#[derive(Debug)]
pub struct Exchange {
    pub(super) claim: Arc<Claim>,
    pub(super) head: Head,
    pub(super) language: Language,
    pub(super) request: Name,
    /// The request's origin, when its pages may call.
    pub(super) origin: Option<String>,
    pub(super) new_flow: Option<Flow>,
    /// What the head of the answer left to its body, where it goes out first.
    pub(super) rest: Rest,
    pub(super) site: Arc<Site>,
    pub(super) outcome: &'static str,
}

impl Edge {
    /// Whether no claim is near this path on any site, so that `on_head` would let any request pass. For hosts that would
    /// rather not copy a head for that.
    pub fn is_free(&self, path: &str) -> bool {
        matches!(claim::find(self.claims(), path, &self.sites().top), claim::Found::Free)
    }

    /// Judges a request's head; `is_whole` says that nothing follows it. An `Exchange` comes with every step but `Pass`; with
    /// that, where there is something to count.
    pub fn on_head(
        &self,
        head: Head,
        is_whole: bool,
        circumstances: &mut dyn Circumstances,
    ) -> (Step, Option<Exchange>) {
        let site = self.sites().of(head.authority());
        let (claims, spelling) = match claim::find(self.claims(), head.path(), site) {
            claim::Found::Free => return (Step::Pass, None),
            claim::Found::Exact(claims) => (claims, false),
            claim::Found::Spelling(claim) => (Vec::from([claim]), true),
        };
        let method = if head.method() == "HEAD" { "GET" } else { head.method() };
        let chosen = claims.iter().find(|claim| claim.method() == method);
        let Some(claim) = chosen.or(claims.first()) else {
            return (Step::Pass, None);
        };
        if claim.is_left(site) && chosen.is_some() {
            return (Step::Pass, None);
        }
        let mut exchange = self.exchange(claim, site, head, circumstances);
        let step = if spelling || claim.standing == Standing::Closed {
            exchange.refuse(Refusal::NotFound)
        } else if chosen.is_none() {
            exchange.other_method(&claims)
        } else {
            exchange.judge_head(circumstances)
        };
        let step = match step {
            // Nobody judges a body that has no place in this request, and some apps read it all the same.
            Step::Fetch | Step::Pass if !is_whole => exchange.refuse(Refusal::Malformed),
            step => step,
        };
        match exchange.settle(step) {
            Step::Pass if exchange.outcome.is_empty() => (Step::Pass, None),
            step => (step, Some(exchange)),
        }
    }

    fn exchange(
        &self,
        claim: &Arc<Claim>,
        site: &Arc<Site>,
        head: Head,
        circumstances: &mut dyn Circumstances,
    ) -> Exchange {
        let given = head.text("x-request-id").and_then(Name::parse);
        let drawn = || circumstances.random().and_then(|bytes| Name::parse(&hex(&bytes)));
        let request = given.or_else(drawn).unwrap_or_else(|| self.nameless());
        let origin = cors::allowed(&head, known_origins(site, &claim.settings));
        let language = claim.dialect.language(&head, &claim.settings);
        let (claim, site) = (Arc::clone(claim), Arc::clone(site));
        Exchange {
            claim,
            head,
            language,
            request,
            origin,
            new_flow: None,
            rest: Rest::default(),
            site,
            outcome: "",
        }
    }
}

impl Exchange {
    /// The dialect, for metrics.
    pub fn dialect(&self) -> &'static dyn Dialect {
        self.claim.dialect
    }

    /// The operation's name, for metrics.
    pub fn operation(&self) -> &'static str {
        match self.claim.route.does {
            Does::Call(operation) => operation.as_str(),
            Does::Keys => FETCH,
            Does::Link => "link",
        }
    }

    /// The outcome's code, for metrics: once there is an answer, or what passes on was observed or is of the app's own
    /// making; empty until then. Beside the codes of outcomes: `preflight`, `link`, and in the place of `busy` what only the
    /// edge knows: `unreachable`, `unreadable` (an answer of the sidecar), `failed`.
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// The request's header map, as it came.
    pub fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The gateway's request id.
    pub fn request(&self) -> &Name {
        &self.request
    }

    /// The body grew over `MAX_BODY` before it ended.
    pub fn on_oversize(&mut self) -> Step {
        let step = self.refuse(Refusal::TooLarge);
        self.settle(step)
    }

    /// Judges the whole request.
    pub fn on_request(
        &mut self,
        edge: &Edge,
        body: &[u8],
        circumstances: &mut dyn Circumstances,
    ) -> Step {
        let step = match self.read(edge, body, circumstances) {
            Ok(Some(forward)) => Step::Forward(forward),
            Ok(None) => Step::Pass,
            Err(refusal) => self.refuse(refusal),
        };
        self.settle(step)
    }

    /// The answer when the host itself failed: busy, in the dialect's words.
    pub fn on_failure(&mut self) -> Answer {
        self.busy_for(FAILED, BUSY_RETRY)
    }

    /// Clients hear that we are busy; metrics, why.
    pub(super) fn busy_for(&mut self, reason: &'static str, retry_after: u32) -> Answer {
        let answer = self.answer(&Outcome::Refused(Refusal::Busy { retry_after }));
        self.outcome = reason;
        answer
    }

    fn other_method(&mut self, claims: &[&Arc<Claim>]) -> Step {
        let get = claims.iter().any(|claim| claim.method() == "GET");
        let post = claims.iter().any(|claim| claim.method() == "POST");
        let shared = claims.iter().any(|claim| claim.is_shared());
        let allow = match (get, post) {
            (true, true) => "GET, HEAD, OPTIONS, POST",
            (true, false) => "GET, HEAD, OPTIONS",
            _ => "OPTIONS, POST",
        };
        if self.head.method() != "OPTIONS" {
            return self.refuse(Refusal::MethodNotAllowed { allow });
        }
        let preflight = cors::is_preflight(&self.head);
        if preflight && self.origin.is_none() && shared {
            return Step::Pass;
        }
        self.outcome = "preflight";
        let mut answer = Answer::empty(200);
        answer.headers.push(("allow", allow.into()));
        if preflight && self.origin.is_some() {
            answer.headers.extend(cors::preflight(allow));
        }
        Step::Reply(self.complete(answer))
    }

    fn judge_head(&mut self, circumstances: &mut dyn Circumstances) -> Step {
        match (self.claim.route.does, self.check_head()) {
            (Does::Link, _) => self.open_link(circumstances),
            (_, Err(refusal)) => self.refuse(refusal),
            (Does::Keys, Ok(())) => Step::Fetch,
            (Does::Call(_), Ok(())) => Step::Collect,
        }
    }

    fn check_head(&self) -> Result<(), Refusal> {
        // The body of an upgrade never ends. Some clients offer h2c with every request; hosts ignore it.
        if self.head.has("upgrade") && self.head.text("upgrade") != Some("h2c") {
            return Err(Refusal::Malformed);
        }
        if self.head.hides_what_was_judged() {
            return Err(Refusal::Malformed);
        }
        let length = self.head.only("content-length")?;
        if length.is_some_and(|text| text.parse().is_ok_and(|bytes: usize| bytes > MAX_BODY)) {
            return Err(Refusal::TooLarge);
        }
        match self.head.only("content-encoding")? {
            None => Ok(()),
            Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
            Some(_) => Err(Refusal::UnsupportedMedia),
        }
    }

    fn open_link(&mut self, circumstances: &mut dyn Circumstances) -> Step {
        let claim = Arc::clone(&self.claim);
        let Some(query) = query::parse(self.head.query().unwrap_or_default()) else {
            return self.refuse(Refusal::Malformed);
        };
        match sharing::judge_query(claim.route.sharing, self.head.query(), &query) {
            Ok(Whose::Theirs) => return Step::Pass,
            Ok(Whose::Ours) => {}
            Err(refusal) => return self.refuse(refusal),
        }
        let Some(target) = claim.dialect.link(&query) else {
            return self.refuse(Refusal::Malformed);
        };
        match self.is_old_link(&query, circumstances) {
            Ok(false) => {}
            Ok(true) => {
                self.outcome = LEGACY;
                return Step::Pass;
            }
            Err(refusal) => return self.refuse(refusal),
        }
        self.outcome = "link";
        let mut answer = Answer::empty(302);
        answer.headers.push(("location", format!("{}{target}", self.site.base_url)));
        answer.headers.push(("referrer-policy", "no-referrer".into()));
        Step::Reply(self.complete(answer))
    }

    fn refuse(&mut self, refusal: Refusal) -> Step {
        Step::Reply(self.answer(&Outcome::Refused(refusal)))
    }

    pub(super) fn answer(&mut self, outcome: &Outcome) -> Answer {
        self.outcome = outcome.code();
        let mut answer = self.worded(outcome);
        if let Outcome::Refused(refusal) = outcome {
            let seconds = refusal.retry_after();
            answer.headers.extend(seconds.map(|seconds| ("retry-after", seconds.to_string())));
            if let Refusal::MethodNotAllowed { allow } = refusal {
                answer.headers.push(("allow", (*allow).into()));
            }
        }
        if let (Outcome::Accepted, Some(flow)) = (outcome, self.new_flow) {
            let flow = flow.to_hex();
            let cookie = format!("{FLOW_COOKIE}={flow}; Path=/; Secure; HttpOnly; SameSite=Lax");
            answer.headers.push(("set-cookie", cookie));
        }
        self.complete(answer)
    }

    /// The outcome in the dialect's words, without what every answer of ours has.
    pub(super) fn worded(&self, outcome: &Outcome) -> Answer {
        let exchanged = Exchanged {
            does: self.claim.route.does,
            channel: self.claim.route.channel,
            language: self.language,
            request: &self.request,
            settings: &self.claim.settings,
        };
        self.claim.dialect.answer(&exchanged, outcome)
    }

    fn complete(&self, mut answer: Answer) -> Answer {
        answer.headers.push(("cache-control", "no-store".into()));
        answer.headers.push(("x-content-type-options", "nosniff".into()));
        answer.headers.push(("x-request-id", self.request.as_str().into()));
        answer.headers.extend(cors::headers(self.origin.as_deref()));
        answer
    }
}

fn known_origins<'e>(site: &'e Site, settings: &'e Settings) -> impl Iterator<Item = &'e str> {
    site.origins.iter().map(String::as_str).chain(settings.clients.origins())
}

pub(super) fn busy() -> Refusal {
    Refusal::Busy { retry_after: BUSY_RETRY }
}
