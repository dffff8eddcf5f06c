//! Checks an access token the way a stranger would: with nothing but the published key set (RFC 7515, 7517, 8037).

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

/// The token's claims, when a key of the set signed it; otherwise what is wrong.
///
/// # Errors
/// The token is no JWT of this key set.
pub(super) fn verified(token: &str, keys: &Value) -> Result<Value, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err(format!("not a JWT: {} parts", parts.len()));
    };
    let head: Value = json(header)?;
    if head["alg"] != "EdDSA" {
        return Err(format!("alg is {}", head["alg"]));
    }
    let known = keys["keys"].as_array().ok_or("no key set")?;
    let key = known.iter().find(|key| key["kid"] == head["kid"]).ok_or("no key with its kid")?;
    if key["kty"] != "OKP" || key["crv"] != "Ed25519" {
        return Err(format!("not an Ed25519 key: {key}"));
    }
    let public = decoded(key["x"].as_str().unwrap_or_default())?;
    let signed = format!("{header}.{claims}");
    UnparsedPublicKey::new(&ED25519, public)
        .verify(signed.as_bytes(), &decoded(signature)?)
        .map_err(|_| "the signature is wrong".to_owned())?;
    json(claims)
}

fn json(part: &str) -> Result<Value, String> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| "a part is not JSON".to_owned())
}

fn decoded(part: &str) -> Result<Vec<u8>, String> {
    Base64UrlUnpadded::decode_vec(part).map_err(|_| "a part is not base64url".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.
    #[test]
    fn the_rfcs_own_key_and_signature() {
        let keys = serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let token = format!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{signature}");
        // Signed well; what it signs is a sentence.
        assert_eq!(verified(&token, &keys).unwrap_err(), "a part is not JSON");
        let forged = token.replace("hgyY", "hgyZ");
        assert_eq!(verified(&forged, &keys).unwrap_err(), "the signature is wrong");
    }
}
