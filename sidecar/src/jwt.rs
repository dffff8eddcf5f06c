//! Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037), and the key set that verifies them (RFC 7517).
//! Invariant: the same claims give the same token, so that a repeated message gets its token again without one stored.

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use contract::json::{Writer, array, quote};
use contract::name::Name;
use contract::secret::Token;
use contract::signature::hex;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

/// Seconds that an access token lives.
pub const LIFE: u64 = 900;

/// The key that signs access tokens.
#[derive(Clone)]
pub struct JwtKey {
    id: Name,
    pair: Arc<Ed25519KeyPair>,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "JwtKey({}, ..)", self.id.as_str())
    }
}

/// What an access token says; `exp` follows from `issued_at`, `amr` is always `reset`.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'c> {
    /// The configured base URL.
    pub issuer: &'c str,
    /// The account's id.
    pub subject: &'c str,
    /// The client that asked, where the dialect has clients.
    pub client: Option<&'c Name>,
    /// Unix seconds; of the reset, not of a repeat.
    pub issued_at: u64,
    /// The id of the message that reset the password; `jti` is derived from it.
    pub message: [u8; 16],
}

impl JwtKey {
    /// `None` only for a seed that the library refuses.
    pub fn new(id: Name, seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Some(Self { id, pair: Arc::new(pair) })
    }

    pub fn id(&self) -> &Name {
        &self.id
    }

    /// `None` only where the claims make a token longer than a `Token` can be.
    pub fn sign(&self, claims: &Claims<'_>) -> Option<Token> {
        let header = Writer::object()
            .string("alg", "EdDSA")
            .string("typ", "JWT")
            .string("kid", self.id.as_str())
            .finish();
        let mut signed = encode(header.as_bytes());
        signed.push('.');
        signed.push_str(&encode(claims.to_json().as_bytes()));
        let signature = self.pair.sign(signed.as_bytes());
        signed.push('.');
        signed.push_str(&encode(signature.as_ref()));
        Token::parse(signed)
    }

    /// The key set that verifies our tokens.
    pub fn jwks(&self) -> String {
        let key = Writer::object()
            .string("kty", "OKP")
            .string("crv", "Ed25519")
            .string("alg", "EdDSA")
            .string("use", "sig")
            .string("kid", self.id.as_str())
            .string("x", &encode(self.pair.public_key().as_ref()))
            .finish();
        Writer::object().raw("keys", &array([key.as_str()].into_iter())).finish()
    }
}

impl Claims<'_> {
    fn to_json(self) -> String {
        let id = Sha256::new().chain_update(b"rekey jti").chain_update(self.message).finalize();
        let id = id.get(..16).map(hex).unwrap_or_default();
        let mut object = Writer::object().string("iss", self.issuer).string("sub", self.subject);
        if let Some(client) = self.client {
            object = object.string("aud", client.as_str());
        }
        object
            .number("iat", self.issued_at)
            .number("exp", self.issued_at.saturating_add(LIFE))
            .string("jti", &id)
            .raw("amr", &array([quote("reset").as_str()].into_iter()))
            .finish()
    }
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::json::{Names, Object, Value, parse};
    use ring::signature::{ED25519, UnparsedPublicKey};

    fn object(bytes: &[u8]) -> Object {
        match parse(bytes, Names::Exact).unwrap() {
            Value::Object(object) => object,
            other => panic!("{other:?}"),
        }
    }

    fn text(object: &Object, name: &str) -> String {
        object.get(name).and_then(Value::as_str).unwrap().to_owned()
    }

    fn key() -> JwtKey {
        JwtKey::new(Name::parse("k1").unwrap(), &[7; 32]).unwrap()
    }

    /// Verifies a token by nothing but the published key set.
    fn verify(token: &str) -> Object {
        let mut set = object(key().jwks().as_bytes());
        let Some(Value::Array(keys)) = set.take("keys") else { panic!() };
        let Some(Value::Object(public)) = keys.into_iter().next() else { panic!() };
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).unwrap();
        assert_eq!(text(&object(&decode(header)), "kid"), text(&public, "kid"));
        let signed = format!("{header}.{claims}");
        let verifier = UnparsedPublicKey::new(&ED25519, decode(&text(&public, "x")));
        verifier.verify(signed.as_bytes(), &decode(signature)).unwrap();
        object(&decode(claims))
    }

    #[test]
    fn tokens_verify_by_the_key_set_and_repeat() {
        let client = Name::parse("pSpisBrYn4yIP1vGILcdZ").unwrap();
        let claims = Claims {
            issuer: "https://id.example.com",
            subject: "account 1",
            client: Some(&client),
            issued_at: 1_700_000_000,
            message: [9; 16],
        };
        let token = key().sign(&claims).unwrap();
        assert!(token.matches(key().sign(&claims).unwrap().expose()));
        let found = verify(token.expose());
        assert_eq!(text(&found, "sub"), "account 1");
        assert_eq!(text(&found, "aud"), client.as_str());
        assert_eq!(text(&found, "jti").len(), 32);
        assert_ne!(text(&found, "jti"), hex(&[9; 16]));
        let other = Claims { message: [8; 16], ..claims };
        assert!(!token.matches(key().sign(&other).unwrap().expose()));
    }
}
