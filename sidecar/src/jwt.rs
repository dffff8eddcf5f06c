//! Access tokens: JWTs signed with Ed25519 (RFC 7519, RFC 8037), and the key set that verifies them (RFC 7517).
//! Invariant: the same claims give the same token under the same key, so that a repeated message gets its token again
//! without one stored.

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

/// The key that signs, and the set in which it is published together with its predecessors and successors.
#[derive(Clone, Debug)]
pub struct JwtKeys {
    active: JwtKey,
    set: String,
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

    fn jwk(&self) -> String {
        Writer::object()
            .string("kty", "OKP")
            .string("crv", "Ed25519")
            .string("alg", "EdDSA")
            .string("use", "sig")
            .string("kid", self.id.as_str())
            .string("x", &encode(self.pair.public_key().as_ref()))
            .finish()
    }
}

impl JwtKeys {
    pub fn new(active: JwtKey, others: &[JwtKey]) -> Self {
        let keys: Vec<String> = std::iter::once(&active).chain(others).map(JwtKey::jwk).collect();
        let set = Writer::object().raw("keys", &array(keys.iter().map(String::as_str))).finish();
        Self { active, set }
    }

    /// The one that signs.
    pub fn active(&self) -> &JwtKey {
        &self.active
    }

    /// The key set that verifies our tokens: those of the past, of now, and of soon.
    pub fn jwks(&self) -> &str {
        &self.set
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
        let mut set = object(JwtKeys::new(key(), &[]).jwks().as_bytes());
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

    #[test]
    fn every_held_key_is_published_and_one_signs() {
        let next = JwtKey::new(Name::parse("k2").unwrap(), &[8; 32]).unwrap();
        let keys = JwtKeys::new(next, &[key()]);
        assert_eq!(keys.active().id().as_str(), "k2");
        let mut set = object(keys.jwks().as_bytes());
        let Some(Value::Array(keys)) = set.take("keys") else { panic!() };
        let ids = keys.into_iter().map(|key| match key {
            Value::Object(key) => text(&key, "kid"),
            other => panic!("{other:?}"),
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["k2", "k1"]);
    }
}
