//! Signatures alone, as wasm, for `./just bench edge`: what of an exchange is spent on them.
#![expect(unsafe_code, reason = "an exported name")]

use contract::message::Operation;
use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};

/// As long as the canonical message of an ask.
const MESSAGE: &str = r#"{"op":"initiate","dialect":"native","site":"default","sender":"203.0.113.7","language":"en","agent":"Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0","request":"5f0c2a9e-7d51-4b7e-9c1d-0c6a4f0e2b13","channel":"email","to":"Ada.Lovelace@example.com"}"#;
const KEY: &str = "8f1d3a5c7e90b2d4f6a8c0e2143658792b4d6f8091a3c5e7092b4d6f8a1c3e50";

/// Signs one message for each unit of `count`; gives the bytes of all.
#[unsafe(no_mangle)]
pub extern "C" fn signatures(count: u32) -> u32 {
    let name =
        Name::parse("bench").and_then(|name| Some((EdgeKey::parse(name.clone(), KEY)?, name)));
    let Some((key, audience)) = name else { return 0 };
    let of = |number: u32| {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let stamp = Stamp { now: 1_700_000_000 + u64::from(number), id };
        sign(&key, &audience, stamp, Operation::Initiate, MESSAGE).len()
    };
    (0..count).map(|number| u32::try_from(of(number)).unwrap_or(0)).fold(0, u32::wrapping_add)
}
