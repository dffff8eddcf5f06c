//! What is decrypted and what is not: the standards' examples, every layout, every fault; several keys together.

use super::*;
use crate::entropy::Entropy;

/// GB/T 32918.5, annex C: the private key, and `encryption standard` encrypted for it.
const STANDARD_KEY: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const STANDARD_C1: &str = "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
                           e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0";
const STANDARD_C3: &str = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766";
const STANDARD_C2: &str = "21886ca989ca9c7d58087307ca93092d651efa";

fn sm2_key(text: &str) -> Sm2Key {
    Sm2Key::read(&Sm2Key::from_text(text).unwrap()).unwrap()
}

fn ranked<K>(keys: Vec<K>) -> Ranked<K> {
    Ranked { active: None, others: keys }
}

fn of_sm2(keys: Vec<Sm2Key>, layouts: Sm2Layouts) -> Decryptor {
    Decryptor::new(ranked(Vec::new()), ranked(keys), layouts)
}

fn opened(decryptor: &Decryptor, encryption: Encryption, text: &str) -> Option<String> {
    decryptor.decrypt(encryption, text).map(|password| password.expose().to_owned())
}

/// C1, C2 and C3 for a key, by the drawn scalar `k`.
fn encrypt(key: &Sm2Key, k: &str, text: &[u8]) -> [String; 3] {
    key.lock(&sm2::unhex(k).unwrap(), text)
}

const K: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";

#[test]
fn the_standards_example_is_read_in_every_layout() {
    let standard = of_sm2(vec![sm2_key(STANDARD_KEY)], Sm2Layouts::Standard);
    let plain = Some("encryption standard".to_owned());
    let bare = format!("{STANDARD_C1}{STANDARD_C3}{STANDARD_C2}");
    for (text, what) in [
        (bare.clone(), "bare"),
        (bare.to_uppercase(), "upper case"),
        (format!("sm2:{bare}"), "marked"),
        (format!("04{bare}"), "tagged"),
        (format!("sm2:04{bare}"), "marked and tagged"),
    ] {
        assert_eq!(opened(&standard, Encryption::Sm2, &text), plain, "{what}");
    }
    let [c1, c2, c3] = encrypt(&sm2_key(STANDARD_KEY), K, b"encryption standard");
    assert_eq!([c1.as_str(), &c2, &c3], [STANDARD_C1, STANDARD_C2, STANDARD_C3]);
    let draft = format!("04{STANDARD_C1}{STANDARD_C2}{STANDARD_C3}");
    assert_eq!(opened(&standard, Encryption::Sm2, &draft), None, "the draft's order");
    assert_eq!(
        standard.public(),
        &PublicKeys::default(),
        "a key that is believed alone is not published"
    );
}

#[test]
fn one_vendors_layout_is_read_only_where_it_was_asked_for() {
    let keys = || vec![sm2_key(STANDARD_KEY)];
    let inner = Base64::encode_string("密码 of iOS".as_bytes());
    let [c1, c2, c3] = encrypt(&sm2_key(STANDARD_KEY), K, inner.as_bytes());
    let text = format!("04{c1}{c2}{c3}");
    let (with, without) =
        (of_sm2(keys(), Sm2Layouts::WithIos), of_sm2(keys(), Sm2Layouts::Standard));
    assert_eq!(opened(&with, Encryption::Sm2, &text).as_deref(), Some("密码 of iOS"));
    assert_eq!(opened(&without, Encryption::Sm2, &text), None);
    let [c1, c2, c3] = encrypt(&sm2_key(STANDARD_KEY), K, b"not base64!");
    assert_eq!(opened(&with, Encryption::Sm2, &format!("04{c1}{c2}{c3}")), None);
    assert_eq!(
        opened(&with, Encryption::Sm2, &format!("{c1}{c3}{c2}")).as_deref(),
        Some("not base64!")
    );
}

#[test]
fn faulty_sm2_ciphertexts_are_refused() {
    let decryptor = of_sm2(vec![sm2_key(STANDARD_KEY)], Sm2Layouts::WithIos);
    let good = format!("{STANDARD_C1}{STANDARD_C3}{STANDARD_C2}");
    let changed = |at: usize| {
        let mut text = good.clone().into_bytes();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(text).unwrap()
    };
    let zero = "0".repeat(128);
    let p = "fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff";
    let beyond = format!("{p}{}", &STANDARD_C1[64..]);
    let with_point = |point: &str| format!("{point}{STANDARD_C3}{STANDARD_C2}");
    let table = [
        (String::new(), "nothing"),
        ("sm2:".to_owned(), "a mark alone"),
        (good[..good.len() - 1].to_owned(), "half a byte"),
        (format!("{good}zz"), "no hex"),
        (format!(" {good}"), "a space"),
        (changed(3), "a point off the curve"),
        (with_point(&zero), "no point at all"),
        (with_point(&beyond), "a coordinate that is no element of the field"),
        (changed(130), "another C3"),
        (changed(good.len() - 1), "another C2"),
        (good[..192].to_owned(), "no C2"),
        (good[..190].to_owned(), "a short C3"),
        ("04".to_owned(), "a tag alone"),
        (format!("02{good}"), "the tag of a compressed point"),
        (format!("{good}00"), "a longer C2"),
    ];
    for (text, what) in table {
        assert_eq!(opened(&decryptor, Encryption::Sm2, &text), None, "{what}");
    }
    let other = of_sm2(vec![sm2_key(K)], Sm2Layouts::WithIos);
    assert_eq!(opened(&other, Encryption::Sm2, &good), None, "another key");
    assert_eq!(opened(&Decryptor::default(), Encryption::Sm2, &good), None, "no key");
    let both = of_sm2(vec![sm2_key(K), sm2_key(STANDARD_KEY)], Sm2Layouts::Standard);
    assert!(opened(&both, Encryption::Sm2, &good).is_some(), "the second of two keys");
}

#[test]
fn what_is_inside_must_be_a_password() {
    let decryptor = of_sm2(vec![sm2_key(STANDARD_KEY)], Sm2Layouts::Standard);
    let longest = "龙".repeat(128);
    for (text, is_one) in [
        ("x".as_bytes(), true),
        (longest.as_bytes(), true),
        ("龙".repeat(129).as_bytes(), false),
        (b"a\0b", false),
        (b"a\nb", false),
        ("a\u{85}b".as_bytes(), false),
        (b"\xED\xA0\xBD\xED\xB8\x80", false),
        (b"\xFF\xFE", false),
    ] {
        let [c1, c2, c3] = encrypt(&sm2_key(STANDARD_KEY), K, text);
        let found = opened(&decryptor, Encryption::Sm2, &format!("{c1}{c3}{c2}"));
        assert_eq!(found.is_some(), is_one, "{text:?}");
    }
}

#[test]
fn rsa_is_opened_by_the_key_it_was_encrypted_for_and_by_no_other() {
    let key = || RsaKey::draw(&Entropy::System).unwrap();
    let (one, two) = (key(), key());
    let read = |der: &[u8]| RsaKey::read(der).unwrap();
    let both = Decryptor::new(
        Ranked { active: Some(read(&one)), others: vec![read(&two)] },
        ranked(Vec::new()),
        Sm2Layouts::Standard,
    );
    assert_eq!(both.public().rsa, read(&one).public());
    let alone = |der: &[u8]| {
        Decryptor::new(ranked(vec![read(der)]), ranked(Vec::new()), Sm2Layouts::Standard)
    };
    for (der, other) in [(&one, &two), (&two, &one)] {
        let text = Base64::encode_string(&read(der).close("密码 by RSA 😀".as_bytes()));
        let plain = Some("密码 by RSA 😀".to_owned());
        assert_eq!(opened(&both, Encryption::Rsa, &text), plain);
        assert_eq!(opened(&alone(der), Encryption::Rsa, &text), plain);
        // A text is made up, which is a password now and then, but never this one.
        assert_ne!(opened(&alone(other), Encryption::Rsa, &text), plain);
        assert_eq!(opened(&both, Encryption::Sm2, &text), None);
    }
}

#[test]
fn faulty_rsa_ciphertexts_are_refused_and_bad_padding_is_no_error() {
    let der = RsaKey::draw(&Entropy::System).unwrap();
    let key = RsaKey::read(&der).unwrap();
    let good = key.close(b"a good password");
    let seen = |ciphertext: &[u8]| key.open(ciphertext).map(|text| text.to_vec());
    assert_eq!(seen(&good).as_deref(), Some(&b"a good password"[..]));
    for (ciphertext, what) in [
        (&good[5..], "short"),
        (&[&[0], good.as_slice()].concat(), "long"),
        (&[0xFF; 256], "beyond the modulus"),
        (&[], "empty"),
    ] {
        assert_eq!(seen(ciphertext), None, "{what}");
    }
    let led_by_zero = std::iter::repeat_with(|| key.close(b"a good password"));
    let led_by_zero = led_by_zero.take(9_999).find(|ciphertext| ciphertext[0] == 0).unwrap();
    assert_eq!(seen(&led_by_zero[1..]).as_deref(), Some(&b"a good password"[..]), "jsencrypt");
    // Random numbers below the modulus are badly padded, all but one in some hundred thousand.
    let mut short = 0;
    for _ in 0..50 {
        let mut ciphertext: [u8; 256] = Entropy::System.bytes().unwrap();
        ciphertext[0] = 0;
        let (first, second) = (seen(&ciphertext).unwrap(), seen(&ciphertext).unwrap());
        assert_eq!(first, second, "what is made up is made up once");
        assert!(first.len() <= 245);
        let mut best = Best::default();
        best.offer(&first, Choice::from(1));
        short += usize::from(best.password().is_some());
    }
    assert!(short < 5, "{short} of 50 made-up texts would be passwords");
    let decryptor = Decryptor::new(ranked(vec![key]), ranked(Vec::new()), Sm2Layouts::Standard);
    for text in ["", "=", "no base64!", "QQ", "QQ==\n", &Base64::encode_string(&good[5..])] {
        assert_eq!(opened(&decryptor, Encryption::Rsa, text), None, "{text}");
    }
}

/// Of the draft that specifies implicit rejection; `vectors.txt` names it. The key goes the way of one that is brought in;
/// a leading zero may be left out.
#[test]
fn rsa_opens_and_makes_up_what_the_draft_does() {
    let key = RsaKey::from_pem(include_str!("vectors.pem")).and_then(|der| RsaKey::read(&der));
    let key = key.unwrap();
    let bytes = |digits: &str| sm2::unhex(digits.trim_matches('-')).unwrap().to_vec();
    let mut seen = [0, 0];
    for line in include_str!("vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let [number, padding, ciphertext, message] =
            line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (ciphertext, message) = (bytes(ciphertext), bytes(message));
        let bare = ciphertext.strip_prefix(&[0]).unwrap_or(&ciphertext);
        for ciphertext in [&ciphertext, bare] {
            let found = key.open(ciphertext).map(|text| text.to_vec());
            assert_eq!(found.as_ref(), Some(&message), "{number}, its padding {padding}");
        }
        seen[usize::from(padding == "wrong")] += 1;
    }
    assert_eq!(seen, [3, 9], "right ones and wrong ones");
}

#[test]
fn keys_of_the_wrong_size_are_none() {
    for (bits, is_one) in [(1024, false), (2040, false), (2048, true)] {
        let der = rsa::drawn(&Entropy::System, bits).unwrap();
        assert_eq!(RsaKey::read(&der).is_some(), is_one, "{bits} bits");
    }
    assert!(
        RsaKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .is_none()
    );
    for text in ["", "00", "-----BEGIN EC PRIVATE KEY-----", &"g".repeat(64), &"0".repeat(64)] {
        assert!(Sm2Key::from_text(text).is_none(), "{text}");
    }
}
