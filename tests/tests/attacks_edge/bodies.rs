//! Spellings of one body that some reader takes for the same members. The attacks on the sidecar use them, too.

/// A body with the content type it is sent under.
pub(crate) struct Spelling {
    pub(crate) name: &'static str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: Vec<u8>,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn spelt(name: &'static str, body: impl Into<Vec<u8>>) -> Spelling {
    Spelling { name, content_type: Some(JSON), body: body.into() }
}

fn typed(
    name: &'static str,
    content_type: Option<&'static str>,
    body: impl Into<Vec<u8>>,
) -> Spelling {
    Spelling { name, content_type, body: body.into() }
}

/// More than 30 spellings of `good`, an object whose first member is the one that tells whose a request is.
pub(crate) fn spellings(good: &str) -> Vec<Spelling> {
    let whole: serde_json::Value = serde_json::from_str(good).unwrap();
    let (name, value) = first(good);
    let rest = good[1..].split_once(',').map_or("}", |(_, rest)| rest);
    let pair = format!(r#""{name}":"{value}""#);
    let swap = |with: &str| good.replacen(&pair, with, 1);
    let mut all = names(name, value, &swap);
    all.extend(twins(name, value, &swap));
    all.extend(values(name, value, &swap));
    all.extend(frames(good, rest, &pair));
    all.extend(encodings(good));
    all.extend(forms(&whole));
    all
}

/// Name and value of the first member.
fn first(good: &str) -> (&str, &str) {
    let mut parts = good.split('"').skip(1);
    (parts.next().unwrap(), parts.nth(1).unwrap())
}

fn escape(text: &str) -> String {
    text.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect()
}

fn names(name: &str, value: &str, swap: &dyn Fn(&str) -> String) -> Vec<Spelling> {
    let as_name = |other: &str| swap(&format!(r#""{other}":"{value}""#));
    vec![
        spelt("plain", swap(&format!(r#""{name}":"{value}""#))),
        spelt("name escaped", as_name(&escape(name))),
        spelt("name upper", as_name(&name.to_uppercase())),
        spelt("name mixed", as_name(&format!("{}{}", name[..1].to_uppercase(), &name[1..]))),
        spelt("name with long s", as_name(&name.replacen('s', "\u{17f}", 1))),
        spelt("name with escaped long s", as_name(&name.replacen('s', "\\u017f", 1))),
        spelt("name with kelvin", as_name(&name.replacen('k', "\u{212a}", 1))),
        spelt("name with spaces", as_name(&format!(" {name} "))),
        spelt("name with nul", as_name(&format!("{name}\\u0000"))),
        spelt("name with zero width", as_name(&format!("{name}\u{200b}"))),
        spelt("name in brackets", as_name(&format!("{name}[]"))),
        spelt("name of a path", as_name(&format!("x.{name}"))),
        spelt("name single-quoted", swap(&format!("'{name}':'{value}'"))),
        spelt("name unquoted", swap(&format!(r#"{name}:"{value}""#))),
    ]
}

fn twins(name: &str, value: &str, swap: &dyn Fn(&str) -> String) -> Vec<Spelling> {
    let ours = format!(r#""{name}":"{value}""#);
    let upper = name.to_uppercase();
    vec![
        spelt("other then ours", swap(&format!(r#""{name}":"other",{ours}"#))),
        spelt("ours then other", swap(&format!(r#"{ours},"{name}":"other""#))),
        spelt("twice ours", swap(&format!("{ours},{ours}"))),
        spelt("twin escaped", swap(&format!(r#""{name}":"other","{}":"{value}""#, escape(name)))),
        spelt("twin upper", swap(&format!(r#""{name}":"other","{upper}":"{value}""#))),
        spelt("upper other, ours", swap(&format!(r#""{upper}":"other",{ours}"#))),
        spelt("two folded", swap(&format!(r#""{upper}":"{value}","{}":"other""#, escape(name)))),
        spelt("null then ours", swap(&format!(r#""{name}":null,{ours}"#))),
        spelt("prototype", swap(&format!(r#""__proto__":{{{ours}}},{ours}"#))),
    ]
}

fn values(name: &str, value: &str, swap: &dyn Fn(&str) -> String) -> Vec<Spelling> {
    let as_value = |other: &str| swap(&format!(r#""{name}":{other}"#));
    vec![
        spelt("value escaped", as_value(&format!("\"{}\"", escape(value)))),
        spelt("value upper", as_value(&format!("\"{}\"", value.to_uppercase()))),
        spelt("value lower", as_value(&format!("\"{}\"", value.to_lowercase()))),
        spelt("value spaced", as_value(&format!("\" {value}\\n\""))),
        spelt("value with long s", as_value(&format!("\"{}\"", value.replacen('s', "\u{17f}", 1)))),
        spelt("value with nul", as_value(&format!("\"{value}\\u0000x\""))),
        spelt("value in an array", as_value(&format!("[\"{value}\"]"))),
        spelt("value in two arrays", as_value(&format!("[\"other\",[\"{value}\"]]"))),
        spelt("value in an object", as_value(&format!("{{\"{name}\":\"{value}\"}}"))),
        spelt("value quoted twice", as_value(&format!("\"\\\"{value}\\\"\""))),
        spelt("value a number", as_value("1")),
        spelt("value true", as_value("true")),
        spelt("value null", as_value("null")),
        spelt("value empty", as_value("\"\"")),
    ]
}

fn frames(good: &str, rest: &str, pair: &str) -> Vec<Spelling> {
    let open = good.trim_end_matches('}');
    vec![
        spelt("white space", format!("\r\n\t {good} \r\n")),
        spelt("BOM", format!("\u{feff}{good}")),
        spelt("trailing text", format!("{good}x")),
        spelt("trailing brace", format!("{good}}}")),
        spelt("second document", format!("{{}}{good}")),
        spelt("second line", format!("{{\"a\":1}}\n{good}\n")),
        spelt("trailing nul", format!("{good}\0")),
        spelt("leading nul", format!("\0{good}")),
        spelt("comment before", format!("/* */{good}")),
        spelt("comment inside", good.replacen(pair, &format!("// x\n{pair}/**/"), 1)),
        spelt("trailing comma", format!("{open},}}")),
        spelt("unclosed", open.to_owned()),
        spelt("in an array", format!("[{good}]")),
        spelt("in a string", serde_json::to_string(good).unwrap()),
        spelt("under a name", format!("{{\"data\":{good}}}")),
        spelt("hidden by a string", format!(r#"{{"a":"\",{pair},\"b","#) + rest),
        spelt("lone surrogate", good.replacen(pair, &format!(r#"{pair},"a":"\ud800""#), 1)),
        spelt("NaN", good.replacen(pair, &format!(r#"{pair},"a":NaN"#), 1)),
        spelt("huge number", good.replacen(pair, &format!(r#"{pair},"a":1e999999999"#), 1)),
        spelt(
            "deep",
            good.replacen(
                pair,
                &format!(r#"{pair},"a":{}1{}"#, "[".repeat(4000), "]".repeat(4000)),
                1,
            ),
        ),
        spelt(
            "many members",
            good.replacen(
                pair,
                &format!("{pair}{}", (0..70).map(|n| format!(",\"m{n}\":1")).collect::<String>()),
                1,
            ),
        ),
        spelt("control in a string", good.replacen(pair, &format!("{pair},\"a\":\"\t\""), 1)),
        spelt("empty", ""),
        spelt("empty object", "{}"),
        spelt("null", "null"),
        spelt("a prefix for browsers", format!(")]}}',\n{good}")),
        spelt(
            "larger than the limit",
            good.replacen(pair, &format!(r#"{pair},"a":"{}""#, "x".repeat(17_000)), 1),
        ),
        spelt(
            "behind the limit",
            good.replacen(pair, &format!(r#""a":"{}",{pair}"#, "x".repeat(17_000)), 1),
        ),
    ]
}

fn encodings(good: &str) -> Vec<Spelling> {
    let wide = |order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(good.encode_utf16());
        units.flat_map(order).collect()
    };
    let utf32: Vec<u8> = good.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let bad: Vec<u8> = good
        .replacen('{', "{\"a\":\"?\",", 1)
        .bytes()
        .map(|b| if b == b'?' { 0xE9 } else { b })
        .collect();
    let overlong: Vec<u8> =
        good.bytes().flat_map(|b| if b == b'"' { vec![0xC0, 0xA2] } else { vec![b] }).collect();
    let fullwidth: String = good
        .chars()
        .map(|c| {
            if c.is_ascii_alphabetic() { char::from_u32(u32::from(c) + 0xFEE0).unwrap() } else { c }
        })
        .collect();
    vec![
        spelt("UTF-16 LE", wide(u16::to_le_bytes, false)),
        spelt("UTF-16 BE marked", wide(u16::to_be_bytes, true)),
        typed(
            "UTF-16 declared",
            Some("application/json; charset=utf-16"),
            wide(u16::to_le_bytes, true),
        ),
        spelt("UTF-32", utf32),
        spelt("a byte that is not UTF-8", bad),
        spelt("overlong quotes", overlong),
        spelt("fullwidth", fullwidth),
        typed("UTF-7 declared", Some("application/json;charset=utf-7"), good.replace('"', "+ACI-")),
        typed("UTF-7 declared, plain", Some("application/json;charset=utf-7"), good),
        typed("latin declared", Some("application/json; charset=iso-8859-1"), good),
        typed("no type", None, good),
        typed("text", Some("text/plain"), good),
        typed("problem type", Some("application/problem+json"), good),
        typed("two types", Some("application/json, text/plain"), good),
        typed("type in capitals", Some("APPLICATION/JSON"), good),
    ]
}

fn forms(whole: &serde_json::Value) -> Vec<Spelling> {
    let pairs: Vec<(String, String)> = whole
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    let join = |form: &dyn Fn(&(String, String)) -> String, with: &str| {
        pairs.iter().map(form).collect::<Vec<_>>().join(with)
    };
    let form = join(&|(name, value)| format!("{name}={value}"), "&");
    let array = join(&|(name, value)| format!("{name}[]={value}"), "&");
    let semicolons = join(&|(name, value)| format!("{name}={value}"), ";");
    let parts = join(
        &|(name, value)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        },
        "",
    ) + "--b--\r\n";
    let xml = join(&|(name, value)| format!("<{name}>{value}</{name}>"), "");
    vec![
        typed("form", Some(FORM), form.clone()),
        spelt("form called JSON", form),
        typed("form of arrays", Some(FORM), array),
        typed("form with semicolons", Some(FORM), semicolons),
        typed("multipart", Some("multipart/form-data; boundary=b"), parts.clone()),
        spelt("multipart called JSON", parts),
        typed("XML", Some("application/xml"), format!("<a>{xml}</a>")),
        typed("JSON in a form", Some(FORM), format!("{whole}=")),
    ]
}
