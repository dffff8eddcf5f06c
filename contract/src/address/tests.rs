//! Tables of addresses: what is read, as what, and what is refused.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

#[test]
fn mail_addresses_read() {
    let cases = [
        ("ann@example.org", "ann@example.org", "ann@example.org", "a***@e***.org"),
        (
            "Ann.Lee+Tag@EXAMPLE.Org",
            "Ann.Lee+Tag@example.org",
            "ann.lee+tag@example.org",
            "A***@e***.org",
        ),
        ("a@b.cn", "a@b.cn", "a@b.cn", "a***@b***.cn"),
        (
            "!#$%&'*+-/=?^_`{|}~@x-1.co.uk",
            "!#$%&'*+-/=?^_`{|}~@x-1.co.uk",
            "!#$%&'*+-/=?^_`{|}~@x-1.co.uk",
            "!***@x***.uk",
        ),
        ("a@1.2.3.4x", "a@1.2.3.4x", "a@1.2.3.4x", "a***@1***.4x"),
        ("A@XN--FSQ.CN", "A@xn--fsq.cn", "a@xn--fsq.cn", "A***@x***.cn"),
        ("A@例子.中国", "A@例子.中国", "a@例子.中国", "A***@例***.中国"),
    ];
    for (typed, text, key, masked) in cases {
        let email = Email::parse(typed).unwrap();
        assert_eq!(
            (email.as_str(), email.key(), email.masked()),
            (text, key.to_string(), masked.to_string())
        );
        assert_eq!(format!("{}@{}", email.local(), email.domain()), text);
        assert_eq!(email.is_ascii_domain(), text.is_ascii());
        assert_eq!(Email::parse(text), Ok(email.clone()), "idempotent");
        assert_eq!(Email::parse(key).unwrap().key(), key);
        assert_eq!(
            format!("{email:?} {:?}", Address::Email(email.clone())),
            format!("{masked} {masked}")
        );
    }
}

const MAIL_REFUSED: &[(AddressFault, &[&str])] = &[
    (AddressFault::Empty, &[""]),
    (
        AddressFault::At,
        &[
            "ann",
            "a@b@c.org",
            "a@b.org,c@d.org",
            "a@b.org c@d.org",
            "@a@b.org",
            "a@b.org\r\nBcc: c@d.org",
            "a＠b.org",
        ],
    ),
    (
        AddressFault::Local,
        &[
            "@b.org",
            ".a@b.org",
            "a.@b.org",
            "a..b@b.org",
            "a b@b.org",
            " a@b.org",
            "\"a\"@b.org",
            "\"a b\"@b.org",
            "a(x)@b.org",
            "<a@b.org>",
            "Ann <a@b.org>",
            "a,b@c.org",
            "a;b@c.org",
            "a:b@c.org",
            "a\\b@c.org",
            "mıke@b.org",
            "é@b.org",
            "a\u{200b}@b.org",
            "a\r\n@b.org",
            "a\0@b.org",
            "a\t@b.org",
            "a\u{7f}@b.org",
            "[a]@b.org",
            "\u{212a}@b.org",
        ],
    ),
    (
        AddressFault::Domain,
        &[
            "a@",
            "a@b",
            "a@localhost",
            "a@.org",
            "a@b.",
            "a@b.org.",
            "a@b..org",
            "a@-b.org",
            "a@b-.org",
            "a@b.org-",
            "a@b_c.org",
            "a@b.123",
            "a@127.0.0.1",
            "a@[127.0.0.1]",
            "a@[IPv6:::1]",
            "a@b.org ",
            "a@ b.org",
            "a@b .org",
            "a@b.org\n",
            "a@b.org\r\n",
            "a@b.org\0",
            "a@b(x).org",
            "a@b.org>",
            "a@b.org,",
            "a@b:25.org",
            "a@b/c.org",
            "a@b%2e.org",
            "a@b.o\"rg",
            "a@b\u{200b}.org",
            "a@b\u{ad}.org",
            "a@b\u{202e}.org",
            "a@b。org.x",
            "a@b．org.x",
            "a@b｡org.x",
            "a@b․org.x",
            "a@b\u{feff}.org",
            "a@b\u{2028}.org",
            "a@b\u{85}.org",
            "a@b\u{a0}.org",
            "a@b\u{3000}.org",
            "a@b＠c.org",
            "a@b﹫c.org",
            "a@b\u{fe0f}.org",
        ],
    ),
];

#[test]
fn mail_addresses_refused() {
    for (fault, texts) in MAIL_REFUSED {
        for text in *texts {
            assert_eq!(Email::parse(text), Err(*fault), "{text:?}");
        }
    }
}

#[test]
fn mail_address_lengths() {
    let address = |local: usize, label: usize, top: usize| {
        let labels =
            [label, 63, 63].iter().map(|length| "b".repeat(*length)).collect::<Vec<_>>().join(".");
        Email::parse(&format!("{}@{labels}.{}", "a".repeat(local), "c".repeat(top)))
    };
    let total =
        |local: usize, label: usize, top: usize| local + 1 + label + 1 + 63 + 1 + 63 + 1 + top;
    assert_eq!(total(61, 61, 2), 254);
    assert!(address(61, 61, 2).is_ok());
    assert_eq!(address(62, 61, 2), Err(AddressFault::Length));
    assert!(address(64, 50, 10).is_ok());
    assert_eq!(address(65, 50, 9), Err(AddressFault::Local));
    assert_eq!(address(10, 64, 2), Err(AddressFault::Domain));
    assert_eq!(Email::parse(&"a@".repeat(100_000)), Err(AddressFault::Length));
}

#[test]
fn domain_becomes_its_a_label() {
    let email = Email::parse("Ann@例子.cn").unwrap();
    assert_eq!(email.with_domain("XN--FSQU00A.cn").unwrap().as_str(), "Ann@xn--fsqu00a.cn");
    for domain in ["例子.cn", "", "cn", "b@c.cn", "a..cn"] {
        assert!(email.with_domain(domain).is_err(), "{domain}");
    }
}

#[test]
fn numbers_read() {
    let cases = [
        ("15200000000", Some("86"), "+8615200000000", "+86*******00"),
        ("138 0013 8000", Some("+86"), "+8613800138000", "+86*******00"),
        ("+86 138-0013-8000", None, "+8613800138000", "+86*******00"),
        ("008613800138000", Some("1"), "+8613800138000", "+86*******00"),
        ("+852 5123 4567", Some("86"), "+85251234567", "+852*******67"),
        ("51234567", Some("852"), "+85251234567", "+852*******67"),
        ("0912-345-678", Some("886"), "+886912345678", "+886*******78"),
        ("912345678", Some("886"), "+886912345678", "+886*******78"),
        ("090-1234-5678", Some("81"), "+819012345678", "+81*******78"),
        ("(415) 555-2671", Some("1"), "+14155552671", "+1*******71"),
        ("1 415 555 2671", Some("1"), "+14155552671", "+1*******71"),
        ("+1 (415) 555-2671", None, "+14155552671", "+1*******71"),
        ("(020) 7946 0018", Some("44"), "+442079460018", "+44*******18"),
        ("07911 123456", Some("44"), "+447911123456", "+44*******56"),
        ("0151 23456789", Some("49"), "+4915123456789", "+49*******89"),
        ("06 12 34 56 78", Some("33"), "+33612345678", "+33*******78"),
        ("81234567", Some("65"), "+6581234567", "+65*******67"),
        ("098765 43210", Some("91"), "+919876543210", "+91*******10"),
        ("+39 06 1234 5678", None, "+390612345678", "+39*******78"),
        ("9161234567", Some("7"), "+79161234567", "+7*******67"),
        ("+2250712345678", None, "+2250712345678", "+225*******78"),
        ("+2903123", None, "+2903123", "+290*******23"),
    ];
    for (typed, default, text, masked) in cases {
        let default = default.map(|code| Country::parse(code).unwrap());
        let phone = Phone::parse(typed, default).unwrap();
        assert_eq!((phone.as_str(), phone.masked()), (text, masked.to_string()), "{typed}");
        for other in [None, Some(Country::parse("44").unwrap())] {
            assert_eq!(Phone::parse(text, other), Ok(phone.clone()), "idempotent");
        }
        assert!(text.starts_with(&format!("+{}", phone.country())));
        assert_eq!(
            format!("{phone:?} {:?}", Address::Phone(phone.clone())),
            format!("{masked} {masked}")
        );
    }
}

const NUMBERS_REFUSED: &[(AddressFault, &[&str])] = &[
    (AddressFault::Empty, &[""]),
    (
        AddressFault::Length,
        &["138001380001380013800013800138000", "1                                0"],
    ),
    (AddressFault::Country, &["+0138001380", "000123456789", "+8", "00"]),
    (
        AddressFault::Number,
        &[
            "1380013800",
            "138001380000",
            "12800138000",
            "23800138000",
            "013800138000",
            "8613800138000",
            "+86013800138000",
            "+861380013800",
            "+86",
            "1",
            "13800138000 13900139000",
            "+1415555267",
            "+10155552671",
            "+11155552671",
            "+4402079460018",
            "+8520123456",
            "+852512345678",
            "+290312",
            "+2901234567890123",
            "+3306123456789",
            "+6551234567",
            "+912345678901",
        ],
    ),
    (
        AddressFault::Separator,
        &[
            " 13800138000",
            "13800138000 ",
            "-13800138000",
            "13800138000-",
            "138\t0013\t8000",
            "138.0013.8000",
            "13800138000,13900139000",
            "13800138000;13900139000",
            "+",
            "++8613800138000",
            "86+13800138000",
            "+ 8613800138000",
            "+(86)13800138000",
            "(13800138000",
            "13800138000)",
            "13800138000()",
            "()13800138000",
            "138)0013(8000",
            "((138))00138000",
            "(138)",
            "138001380０0",
            "138001380٠0",
            "13800138000\n",
            "1380013800a",
            "13800138000#1",
            "tel:13800138000",
            "138\u{a0}00138000",
            "1380013800\0",
            "+-8613800138000",
        ],
    ),
];

#[test]
fn numbers_refused() {
    for (fault, texts) in NUMBERS_REFUSED {
        for text in *texts {
            assert_eq!(Phone::parse(text, Country::parse("86").ok()), Err(*fault), "{text:?}");
        }
    }
    assert_eq!(Phone::parse("13800138000", None), Err(AddressFault::Country));
    assert_eq!(Phone::parse("0612345678", Country::parse("31").ok()), Err(AddressFault::Number));
}

#[test]
fn calling_codes() {
    for (text, code) in [("1", 1), ("+7", 7), ("86", 86), ("+886", 886), ("39", 39), ("+378", 378)]
    {
        assert_eq!(Country::parse(text).map(Country::code), Ok(code));
    }
    for text in [
        "", "+", "0", "8", "21", "087", "861", "1242", "8860", "++86", "86 ", " 86", "-86", "８６",
        "a", "+0086",
    ] {
        assert_eq!(Country::parse(text), Err(AddressFault::Country), "{text}");
    }
    let codes = (1..1000)
        .filter(|code| Country::parse(&code.to_string()).is_ok())
        .map(|code: u32| code.to_string());
    let codes = codes.collect::<Vec<String>>();
    let prefixed =
        |code: &String| codes.iter().any(|other| other != code && code.starts_with(other.as_str()));
    assert!(!codes.iter().any(prefixed), "no calling code begins with another");
}

#[test]
fn addresses_by_channel() {
    for channel in [Channel::Email, Channel::Sms] {
        assert_eq!(Channel::parse(channel.as_str()), Some(channel));
    }
    assert_eq!(Channel::parse("EMAIL"), None);
    let country = Country::parse("86").ok();
    let phone = Address::parse(Channel::Sms, "138-0013-8000", country).unwrap();
    assert_eq!(
        (phone.channel(), phone.as_str(), phone.key()),
        (Channel::Sms, "+8613800138000", "+8613800138000".to_string())
    );
    let email = Address::parse(Channel::Email, "Ann@B.org", country).unwrap();
    assert_eq!(
        (email.channel(), email.as_str(), email.key()),
        (Channel::Email, "Ann@b.org", "ann@b.org".to_string())
    );
    assert!(Address::parse(Channel::Sms, "ann@b.org", country).is_err());
    assert!(Address::parse(Channel::Email, "13800138000", country).is_err());
}

/// No character is read as another one, wherever it stands.
#[test]
fn every_character_in_every_place() {
    for c in char::MIN..=char::MAX {
        for text in [format!("a{c}b@x.org"), format!("ab@x{c}y.org")] {
            if let Ok(email) = Email::parse(&text) {
                assert!(email.as_str().eq_ignore_ascii_case(&text), "{c:?}");
                assert!(email.local().is_ascii());
            }
        }
        if !c.is_ascii() {
            assert!(
                Phone::parse(&format!("1380013800{c}0"), Country::parse("86").ok()).is_err(),
                "{c:?}"
            );
        }
    }
}
