//! Verdicts, meanings and bounds of the parser, and what the writer makes of hostile strings.

mod cases;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use cases::{ACCEPTED, REFUSED};

#[test]
fn accepts() {
    for text in ACCEPTED {
        assert!(parse(text.as_bytes(), Names::Exact).is_ok(), "{text}");
    }
}

#[test]
fn refuses() {
    for (fault, texts) in REFUSED {
        for text in *texts {
            assert_eq!(parse(text.as_bytes(), Names::Exact), Err(*fault), "{text:?}");
        }
    }
}

#[test]
fn refuses_what_is_not_utf8() {
    let bodies: &[&[u8]] = &[
        b"\"\xe9\"",
        b"\"\xc0\xaf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xe2\x82\"",
        b"\xff\xfe1\0",
        b"1\x80",
        b"\"\xe2\x82",
    ];
    for body in bodies {
        assert_eq!(parse(body, Names::Exact), Err(Fault::Utf8), "{body:?}");
    }
}

#[test]
fn bounds() {
    let items = |count: usize| (0..count).map(|i| format!("\"{i}\"")).collect::<Vec<_>>().join(",");
    let members =
        |count: usize| (0..count).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(",");
    let read = |text: String| parse(text.as_bytes(), Names::Folded);
    assert!(read(format!("[{}]", items(MAX_MEMBERS))).is_ok());
    assert!(read(format!("{{{}}}", members(MAX_MEMBERS))).is_ok());
    assert_eq!(read(format!("[{}]", items(MAX_MEMBERS + 1))), Err(Fault::Size));
    assert_eq!(read(format!("{{{}}}", members(MAX_MEMBERS + 1))), Err(Fault::Size));
    assert!(read("1".repeat(MAX_NUMBER)).is_ok());
    assert_eq!(read("1".repeat(MAX_NUMBER + 1)), Err(Fault::Number));
    assert_eq!(read("[".repeat(200_000)), Err(Fault::Depth));
    assert_eq!(read("{\"a\":".repeat(200_000)), Err(Fault::Depth));
}

#[test]
fn unescapes() {
    let cases = [
        (r#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0041\u00e9\u20AC\ud83d\uDE00""#, "Aé€😀"),
        (r#""é\u0301""#, "é\u{301}"),
        (r#""\\u0041""#, "\\u0041"),
    ];
    for (text, expected) in cases {
        let value = parse(text.as_bytes(), Names::Exact).unwrap();
        assert_eq!(value.as_str(), Some(expected));
        assert_eq!(value.into_string().as_deref(), Some(expected));
    }
}

#[test]
fn members_by_name() {
    let text = br#"{"Email":"a","x":{"PassWord":1},"n":18446744073709551615,"b":true,"z":[null]}"#;
    let mut folded = parse(text, Names::Folded).unwrap().into_object().unwrap();
    assert_eq!(folded.get("EMAIL").and_then(Value::as_str), Some("a"));
    assert!(
        folded
            .get("X")
            .and_then(Value::as_object)
            .is_some_and(|inner| inner.get("password").is_some())
    );
    assert_eq!(folded.get("N").and_then(Value::as_u64), Some(u64::MAX));
    assert_eq!(folded.get("b").and_then(Value::as_bool), Some(true));
    assert_eq!(folded.get("z").and_then(Value::as_array), Some(&[Value::Null][..]));
    assert_eq!(folded.take("email").and_then(Value::into_string).as_deref(), Some("a"));
    assert!(folded.take("email").is_none());
    assert_eq!(folded.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["x", "n", "b", "z"]);
    assert_eq!((folded.len(), folded.is_empty()), (4, false));

    let mut exact = parse(text, Names::Exact).unwrap().into_object().unwrap();
    assert!(exact.get("email").is_none() && exact.take("email").is_none());
    assert!(exact.get("Email").is_some());
}

#[test]
fn names_that_fold_alike() {
    let pairs = [
        ("state", "STATE", true),
        ("state", "\u{17f}tate", true),
        ("token", "to\u{212a}en", true),
        ("é", "É", true),
        ("ς", "Σ", true),
        ("ß", "ẞ", true),
        ("ß", "ss", false),
        ("ı", "i", false),
        ("İ", "i", false),
        ("é", "e\u{301}", false),
        ("a", "ａ", false),
        ("\u{1fd3}", "\u{390}", true),
        ("ﬅ", "ﬆ", true),
        ("ﬁ", "fi", false),
        ("Ꭰ", "ꭰ", true),
        ("ǅ", "ǆ", true),
        ("µ", "μ", true),
    ];
    for (left, right, alike) in pairs {
        assert_eq!(fold(left).eq(fold(right)), alike, "{left} {right}");
        let text = format!("{{{}:1,{}:\"x\"}}", quote(left), quote(right));
        assert_eq!(parse(text.as_bytes(), Names::Folded).is_err(), alike, "{text}");
    }
}

/// The runs say what the compiler's tables say. Where they no longer do, Unicode has a new version: make them anew from
/// this function.
#[test]
fn the_runs_are_those_of_the_compilers_unicode() {
    for c in char::MIN..=char::MAX {
        assert_eq!(fold(c.encode_utf8(&mut [0; 4])).next(), Some(folded_by_std(c)), "{c:?}");
    }
}

fn folded_by_std(c: char) -> char {
    match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        // Its upper case is I, yet only the Turkic rules fold it.
        '\u{131}' => c,
        // Folded since Unicode 15.1, although neither has a single upper-case character.
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        _ => {
            let upper = only(c.to_uppercase()).unwrap_or(c);
            only(upper.to_lowercase()).unwrap_or(c)
        }
    }
}

fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next();
    if mapped.next().is_some() { None } else { first }
}

#[test]
fn only_two_characters_beyond_ascii_fold_into_it() {
    let strangers = (char::MIN..=char::MAX)
        .filter(|c| !c.is_ascii() && fold(c.encode_utf8(&mut [0; 4])).all(|c| c.is_ascii()));
    assert_eq!(strangers.collect::<Vec<_>>(), ['\u{17f}', '\u{212a}']);
}

#[test]
fn folding_twice_changes_nothing() {
    for c in char::MIN..=char::MAX {
        let once = fold(c.encode_utf8(&mut [0; 4])).collect::<String>();
        assert!(fold(&once).eq(once.chars()), "{c:?}");
    }
}

#[test]
fn debug_tells_nothing() {
    let value = parse(br#"{"hunter2":["hunter2",7]}"#, Names::Exact).unwrap();
    assert_eq!(format!("{value:?} {:?}", value.as_object().unwrap()), "object object");
    assert_eq!(format!("{:?}", Writer::object().string("a", "hunter2")), "Writer");
}

#[test]
fn writes() {
    let list = array([quote("a"), "1".to_string()].iter().map(String::as_str));
    let text = Writer::object()
        .string("s", "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é\u{2028}😀")
        .number("n", u64::MAX)
        .signed("i", i64::MIN)
        .bool("t", true)
        .null("z")
        .raw("l", &list)
        .string("q\"", "")
        .finish();
    let expected = concat!(
        r#"{"s":"\"\\/\b\f\n\r\t\u0001\u001f"#,
        "\u{7f}é\u{2028}😀",
        r#"","n":18446744073709551615,"i":-9223372036854775808,"#,
        r#""t":true,"z":null,"l":["a",1],"q\"":""}"#,
    );
    assert_eq!(text, expected);
    assert_eq!(Writer::object().finish(), "{}");
    assert_eq!(array(core::iter::empty()), "[]");
}

#[test]
fn written_strings_read_back() {
    for c in ('\u{1}'..=char::MAX).step_by(7).chain('\u{1}'..'\u{300}') {
        let text = format!("{c}x{c}");
        assert_eq!(
            parse(quote(&text).as_bytes(), Names::Exact).unwrap().as_str(),
            Some(text.as_str())
        );
    }
}
