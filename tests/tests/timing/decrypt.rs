//! Ciphertexts of every kind of fault, decrypted in one process in random order: whether the padding was right, and what
//! was inside, must not show in the time.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use contract::message::Encryption;
use contract::signature::hex;
use rekey_tests::judge::{ALIKE, area, shuffle};
use rsa::pkcs8::DecodePrivateKey;
use rsa::{PrivateKey, PublicKey};
use sidecar::entropy::Entropy;
use sidecar::password::{Decryptor, Ranked, RsaKey, Sm2Key, Sm2Layouts};
use sm2::SecretKey;
use sm2::elliptic_curve::common::getrandom::SysRng;
use sm2::pke::EncryptingKey;

use crate::rig::alone;

/// Decryptions of each kind.
const EACH: usize = 1000;
/// Ciphertexts of each kind.
const POOL: usize = 60;
/// What the control takes longer.
const DELAY: Duration = Duration::from_micros(100);

struct Kind {
    name: &'static str,
    texts: Vec<String>,
    /// Whether a control lingers over it.
    lingers: bool,
}

fn kind(name: &'static str, make: impl Fn(usize) -> String) -> Kind {
    Kind { name, texts: (0..POOL).map(make).collect(), lingers: false }
}

/// Two believed keys of either kind, the first of them published, and what to encrypt with for each.
struct Keys {
    decryptor: Decryptor,
    rsa: [PublicKey; 2],
    sm2: [EncryptingKey; 2],
}

impl Keys {
    fn draw() -> Self {
        let ([first, second], rsa) = two(|| {
            let der = RsaKey::draw(&Entropy::System).unwrap();
            let public = PrivateKey::from_pkcs8_der(&der).unwrap().to_public_key();
            (RsaKey::read(&der).unwrap(), public)
        });
        let rsa_keys = Ranked { active: Some(first), others: vec![second] };
        let ([first, second], sm2) = two(|| {
            let scalar = Sm2Key::draw(&Entropy::System).unwrap();
            let public = SecretKey::from_slice(&scalar).unwrap().public_key();
            (Sm2Key::read(&scalar).unwrap(), EncryptingKey::new(public))
        });
        let sm2_keys = Ranked { active: Some(first), others: vec![second] };
        Self { decryptor: Decryptor::new(rsa_keys, sm2_keys, Sm2Layouts::Standard), rsa, sm2 }
    }
}

fn two<A, B>(draw: impl Fn() -> (A, B)) -> ([A; 2], [B; 2]) {
    let ((first, for_first), (second, for_second)) = (draw(), draw());
    ([first, second], [for_first, for_second])
}

fn by_rsa(keys: &Keys) -> Vec<Kind> {
    // Below either modulus: what is not is refused at sight, whatever it holds.
    let fits = |ciphertext: &Vec<u8>| ciphertext[0] < 0x80;
    let close = |at: usize, text: &[u8]| {
        let drawn = || keys.rsa[at].pkcs1v15_encrypt(text).unwrap();
        Base64::encode_string(&std::iter::repeat_with(drawn).find(fits).unwrap())
    };
    let drawn = |_| {
        let mut text: [u8; 256] = Entropy::System.bytes().unwrap();
        text[0] &= 0x7F;
        Base64::encode_string(&text)
    };
    vec![
        kind("padded, with a control", |_| close(0, b"a short pass\nword")),
        kind("padded, a password", |_| close(0, b"a short password")),
        kind("padded, too long", |_| close(0, &[b'x'; 240])),
        kind("padded for the second key, with a control", |_| close(1, b"a short pass\nword")),
        kind("padded for the second key, a password", |_| close(1, b"a short password")),
        kind("badly padded", drawn),
    ]
}

fn by_sm2(keys: &Keys) -> Vec<Kind> {
    let close =
        |at: usize, text: &[u8]| hex(&keys.sm2[at].encrypt(&mut SysRng, text).unwrap()[1..]);
    let spoilt = |at: usize| {
        let mut text = close(0, b"a short password").into_bytes();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(text).unwrap()
    };
    vec![
        kind("vouched for, with a control", |_| close(0, b"a short pass\nwor")),
        kind("vouched for, a password", |_| close(0, b"a short password")),
        kind("vouched for by the second key", |_| close(1, b"a short password")),
        kind("another C3, in its first byte", |_| spoilt(128)),
        kind("another C2", |_| spoilt(200)),
    ]
}

/// How likely one of each kind takes longer than one of the first.
fn areas(decryptor: &Decryptor, encryption: Encryption, kinds: &[Kind]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..kinds.len() * EACH).map(|at| at % kinds.len()).collect();
    shuffle(&mut order);
    let mut times = vec![Vec::new(); kinds.len()];
    for (n, at) in order.iter().take(kinds.len() * 10).chain(&order).enumerate() {
        let text = &kinds[*at].texts[n % POOL];
        let begun = Instant::now();
        let plain = decryptor.decrypt(encryption, text);
        if kinds[*at].lingers {
            linger();
        }
        let time = u64::try_from(begun.elapsed().as_nanos()).unwrap();
        drop(plain);
        if n >= kinds.len() * 10 {
            times[*at].push(time);
        }
    }
    times[1..].iter().map(|heap| area(&times[0], heap)).collect()
}

fn linger() {
    let end = Instant::now() + DELAY;
    while Instant::now() < end {
        spin_loop();
    }
}

/// A kind that fails is measured once more, as elsewhere.
fn judge(decryptor: &Decryptor, encryption: Encryption, kinds: &[Kind]) {
    let found = areas(decryptor, encryption, kinds);
    for (kind, area) in kinds[1..].iter().zip(&found) {
        eprintln!("decrypt: {}: {area:.3}", kind.name);
    }
    if found.iter().all(|area| ALIKE.contains(area)) {
        return;
    }
    let again = areas(decryptor, encryption, kinds);
    for ((kind, first), area) in kinds[1..].iter().zip(&found).zip(&again) {
        let is_told = !ALIKE.contains(first) && !ALIKE.contains(area);
        assert!(!is_told, "{} is told from {}: {area:.3}", kind.name, kinds[0].name);
    }
}

#[test]
fn what_a_ciphertext_holds_tells_nothing() {
    let _alone = alone();
    let keys = Keys::draw();
    judge(&keys.decryptor, Encryption::Rsa, &by_rsa(&keys));
    judge(&keys.decryptor, Encryption::Sm2, &by_sm2(&keys));
}

/// The control: what takes longer is found.
#[test]
fn a_padding_that_took_a_hundred_microseconds_more_is_found() {
    let _alone = alone();
    let keys = Keys::draw();
    let mut kinds = by_rsa(&keys);
    kinds.retain(|kind| kind.name == "badly padded" || kind.name == "padded, with a control");
    kinds[1].lingers = true;
    let area = areas(&keys.decryptor, Encryption::Rsa, &kinds)[0];
    eprintln!("control: {area:.3}");
    assert!(area > *ALIKE.end(), "100 us are not found: {area:.3}");
}
