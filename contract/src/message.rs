//! Canonical messages: what the edge understood of a request, and all that the sidecar ever reads of it.
//! Invariant: `encode` and `decode` are inverse; `decode` refuses unknown members and checks every value again.

use alloc::string::String;
use core::net::IpAddr;

use crate::address::{Address, Channel, Email, Phone};
use crate::dialect::{self, Dialect};
use crate::json::{self, Names, Object, Value, Writer};
use crate::language::Language;
use crate::lookalike::is_invisible;
use crate::name::Name;
use crate::secret::{Code, Password, Token};
use crate::signature::{hex, unhex};

/// The operations that reach the sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Initiate,
    Verify,
    Confirm,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Initiate, Self::Verify, Self::Confirm];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initiate => "initiate",
            Self::Verify => "verify",
            Self::Confirm => "confirm",
        }
    }

    /// The path on the sidecar's signed listener.
    pub fn path(self) -> &'static str {
        match self {
            Self::Initiate => "/v1/initiate",
            Self::Verify => "/v1/verify",
            Self::Confirm => "/v1/confirm",
        }
    }

    pub fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.path() == path)
    }
}

/// One request, understood.
#[derive(Clone, Debug)]
pub struct Message {
    pub dialect: &'static dyn Dialect,
    pub context: Context,
    pub call: Call,
}

/// Who asks, from where, in which language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    pub site: Name,
    /// The registered client, in dialects that have such.
    pub client: Option<Name>,
    /// The client's address as the gateway trusts it.
    pub sender: IpAddr,
    /// The flow cookie, when the request carried one.
    pub flow: Option<Flow>,
    pub language: Language,
    pub agent: Option<Claim>,
    /// What the caller says of its device; for the audit only.
    pub device: Option<Claim>,
    /// The gateway's request id, for logs.
    pub request: Name,
}

/// The value of the `__Host-rekey_flow` cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow(pub [u8; 16]);

impl Flow {
    pub fn parse(hexadecimal: &str) -> Option<Self> {
        unhex(hexadecimal).map(Self)
    }

    pub fn to_hex(self) -> String {
        hex(&self.0)
    }
}

/// A caller's unproven words, for audit and mails: 1 to 200 printable characters, longer ones are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim(String);

impl Claim {
    pub const MAX_CHARS: usize = 200;

    /// Keeps what can be printed; `None` when nothing is left.
    pub fn of(text: &str) -> Option<Self> {
        let harmless = |c: &char| !c.is_control() && !is_invisible(*c);
        let kept: String = text.chars().filter(harmless).take(Self::MAX_CHARS).collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum Call {
    Initiate { to: Address },
    Verify { to: Address, code: Code },
    Confirm { proof: Proof, password: Password, encryption: Encryption },
}

impl Call {
    pub fn operation(&self) -> Operation {
        match self {
            Self::Initiate { .. } => Operation::Initiate,
            Self::Verify { .. } => Operation::Verify,
            Self::Confirm { .. } => Operation::Confirm,
        }
    }
}

/// What confirm presents.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A link's token or a grant; which, the sidecar finds out by the profile.
    Token { token: Token },
    /// A link's token with its code and address.
    TokenAndCode { to: Address, token: Token, code: Code },
    /// A code with its address.
    Code { to: Address, code: Code },
    /// A code alone, good in the place where it was asked for.
    Placed { channel: Channel, code: Code },
}

/// How the password arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    None,
    Rsa,
    Sm2,
}

impl Encryption {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rsa => "rsa",
            Self::Sm2 => "sm2",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Rsa, Self::Sm2]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}

/// The JSON is not a canonical message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical message")]
pub struct MessageFault;

impl Message {
    pub fn operation(&self) -> Operation {
        self.call.operation()
    }

    /// The JSON object that is signed; members in one fixed order.
    pub fn encode(&self) -> String {
        let context = &self.context;
        let mut object = Writer::object()
            .string("op", self.operation().as_str())
            .string("dialect", self.dialect.name())
            .string("site", context.site.as_str());
        if let Some(client) = &context.client {
            object = object.string("client", client.as_str());
        }
        object = object.string("sender", &alloc::format!("{}", context.sender));
        if let Some(flow) = context.flow {
            object = object.string("flow", &flow.to_hex());
        }
        object = object.string("language", context.language.tag());
        if let Some(agent) = &context.agent {
            object = object.string("agent", agent.as_str());
        }
        if let Some(device) = &context.device {
            object = object.string("device", device.as_str());
        }
        encode_call(object.string("request", context.request.as_str()), &self.call).finish()
    }

    /// Reads what `encode` wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageFault> {
        read(bytes).ok_or(MessageFault)
    }
}

fn encode_call(object: Writer, call: &Call) -> Writer {
    match call {
        Call::Initiate { to } => encode_address(object, to),
        Call::Verify { to, code } => encode_address(object, to).string("code", code.expose()),
        Call::Confirm { proof, password, encryption } => encode_proof(object, proof)
            .string("password", password.expose())
            .string("encryption", encryption.as_str()),
    }
}

fn encode_address(object: Writer, to: &Address) -> Writer {
    object.string("channel", to.channel().as_str()).string("to", to.as_str())
}

fn encode_proof(object: Writer, proof: &Proof) -> Writer {
    match proof {
        Proof::Token { token } => object.string("proof", "token").string("token", token.expose()),
        Proof::TokenAndCode { to, token, code } => encode_address(object, to)
            .string("proof", "token+code")
            .string("token", token.expose())
            .string("code", code.expose()),
        Proof::Code { to, code } => {
            encode_address(object, to).string("proof", "code").string("code", code.expose())
        }
        Proof::Placed { channel, code } => object
            .string("channel", channel.as_str())
            .string("proof", "placed")
            .string("code", code.expose()),
    }
}

fn read(bytes: &[u8]) -> Option<Message> {
    let Value::Object(mut object) = json::parse(bytes, Names::Exact).ok()? else {
        return None;
    };
    let operation = text(&mut object, "op")?;
    let dialect = dialect::by_name(&text(&mut object, "dialect")?)?;
    let context = read_context(&mut object)?;
    let call = read_call(&mut object, &operation)?;
    object.is_empty().then_some(Message { dialect, context, call })
}

fn read_context(object: &mut Object) -> Option<Context> {
    Some(Context {
        site: Name::parse(&text(object, "site")?)?,
        client: optional(object, "client", |text| Name::parse(&text))?,
        sender: text(object, "sender")?.parse().ok()?,
        flow: optional(object, "flow", |text| Flow::parse(&text))?,
        language: Language::parse(&text(object, "language")?)?,
        agent: optional(object, "agent", |text| Claim::of(&text))?,
        device: optional(object, "device", |text| Claim::of(&text))?,
        request: Name::parse(&text(object, "request")?)?,
    })
}

fn read_call(object: &mut Object, operation: &str) -> Option<Call> {
    match operation {
        "initiate" => Some(Call::Initiate { to: address(object)? }),
        "verify" => Some(Call::Verify { to: address(object)?, code: code(object)? }),
        "confirm" => Some(Call::Confirm {
            proof: read_proof(object)?,
            password: Password::parse(text(object, "password")?)?,
            encryption: Encryption::parse(&text(object, "encryption")?)?,
        }),
        _ => None,
    }
}

fn read_proof(object: &mut Object) -> Option<Proof> {
    match text(object, "proof")?.as_str() {
        "token" => Some(Proof::Token { token: token(object)? }),
        "token+code" => Some(Proof::TokenAndCode {
            to: address(object)?,
            token: token(object)?,
            code: code(object)?,
        }),
        "code" => Some(Proof::Code { to: address(object)?, code: code(object)? }),
        "placed" => Some(Proof::Placed {
            channel: Channel::parse(&text(object, "channel")?)?,
            code: code(object)?,
        }),
        _ => None,
    }
}

fn address(object: &mut Object) -> Option<Address> {
    let channel = Channel::parse(&text(object, "channel")?)?;
    let to = text(object, "to")?;
    Some(match channel {
        Channel::Email => Address::Email(Email::parse(&to).ok()?),
        Channel::Sms => Address::Phone(Phone::parse(&to, None).ok()?),
    })
}

fn code(object: &mut Object) -> Option<Code> {
    Code::parse(text(object, "code")?)
}

fn token(object: &mut Object) -> Option<Token> {
    Token::parse(text(object, "token")?)
}

fn text(object: &mut Object, name: &str) -> Option<String> {
    object.take(name)?.into_string()
}

/// An absent member is `Some(None)`; a present one must be readable.
fn optional<T>(
    object: &mut Object,
    name: &str,
    read: impl FnOnce(String) -> Option<T>,
) -> Option<Option<T>> {
    match object.take(name) {
        None => Some(None),
        Some(value) => read(value.into_string()?).map(Some),
    }
}
