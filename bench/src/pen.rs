//! Signs canonical messages as the filter does, and puts them into HTTP requests as a gateway does.
//! Invariant: no two messages of a run have the same id.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use contract::address::{Address, Channel};
use contract::dialect;
use contract::language::Language;
use contract::message::{Call, Context, Encryption, Message, Proof};
use contract::name::Name;
use contract::secret::{Code, Password, Token};
use contract::signature::{EdgeKey, Stamp, sign};

use crate::fault::{Benched, fault};

/// The sidecar's `audience` in every configuration of ours.
pub(crate) const AUDIENCE: &str = "bench";

/// The first of the senders: public addresses, a network of their own (/24) for each.
const SENDERS: u32 = 0x1400_0007;

#[derive(Debug)]
pub(crate) struct Pen {
    key: EdgeKey,
    audience: Name,
    site: Name,
    next: Cell<u64>,
}

impl Pen {
    /// Signs with the sidecar's own edge key.
    pub(crate) fn of(key: &Path) -> Benched<Self> {
        let line = std::fs::read_to_string(key)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = match words.as_slice() {
            [_, id, hex, ..] => name(id).ok().and_then(|id| EdgeKey::parse(id, hex)),
            _ => None,
        };
        let key = key.ok_or_else(|| fault("the edge key cannot be read"))?;
        Ok(Self { key, audience: name(AUDIENCE)?, site: name("default")?, next: Cell::new(0) })
    }

    /// From one of many senders, each of which is used once only.
    pub(crate) fn initiate(&self, to: &str) -> Benched<Vec<u8>> {
        self.request(Call::Initiate { to: address(to)? })
    }

    pub(crate) fn verify(&self, to: &str, code: &str) -> Benched<Vec<u8>> {
        let code = Code::parse(code.to_owned()).ok_or_else(|| fault("not a code"))?;
        self.request(Call::Verify { to: address(to)?, code })
    }

    pub(crate) fn confirm(&self, token: &str, password: &str) -> Benched<Vec<u8>> {
        let token = Token::parse(token.to_owned()).ok_or_else(|| fault("not a token"))?;
        let password =
            Password::parse(password.to_owned()).ok_or_else(|| fault("not a password"))?;
        self.request(Call::Confirm {
            proof: Proof::Token { token },
            password,
            encryption: Encryption::None,
        })
    }

    fn request(&self, call: Call) -> Benched<Vec<u8>> {
        let number = self.next.get();
        self.next.set(number.saturating_add(1));
        let dialect = dialect::by_name("native").ok_or_else(|| fault("no such dialect"))?;
        let context = Context {
            site: self.site.clone(),
            client: None,
            sender: sender(number),
            flow: None,
            language: Language::English,
            agent: None,
            device: None,
            request: name(&format!("5f0c2a9e-7d51-4b7e-9c1d-{number:012}"))?,
        };
        let message = Message { dialect, context, call };
        let operation = message.operation();
        let stamp = Stamp { now: now(), id: id(number) };
        let body = sign(&self.key, &self.audience, stamp, operation, &message.encode());
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/vnd.rekey\r\n\
             x-request-id: {}\r\nx-forwarded-proto: https\r\n\
             x-envoy-expected-rq-timeout-ms: 3000\r\ncontent-length: {}\r\n\r\n",
            operation.path(),
            message.context.request.as_str(),
            body.len()
        )
        .into_bytes();
        request.extend(body);
        Ok(request)
    }
}

fn sender(number: u64) -> IpAddr {
    let network = u32::try_from(number % 0x0080_0000).unwrap_or(0);
    IpAddr::V4(Ipv4Addr::from_bits(SENDERS.wrapping_add(network.wrapping_mul(256))))
}

/// Not random, but another one for each message, also of an earlier run.
fn id(number: u64) -> [u8; 16] {
    let run = u64::from(std::process::id()) << 32 | now() & 0xffff_ffff;
    let mut id = [0; 16];
    let bytes = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    for (to, from) in id.iter_mut().zip(bytes.into_iter().chain(run.to_be_bytes())) {
        *to = from;
    }
    id
}

/// Unix seconds.
#[expect(clippy::disallowed_methods, reason = "a message is signed with the time of its signing")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn name(text: &str) -> Benched<Name> {
    Name::parse(text).ok_or_else(|| fault(format!("not a name: {text}")))
}

fn address(text: &str) -> Benched<Address> {
    Address::parse(Channel::Email, text, None).map_err(|_| fault(format!("not an address: {text}")))
}
