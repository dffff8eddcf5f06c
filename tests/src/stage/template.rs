//! Turns a file of `envoy/` as it is shipped into one that runs on free ports. Only addresses, files, the plugin
//! configuration and the limits change; a place that is left over or stands there twice is a fault, so the tests cannot
//! drift away from the files that people paste.

use std::net::SocketAddr;
use std::path::Path;

use super::{Fault, Staged};

const WASM: &str = "/etc/rekey/filter.wasm";
/// Where the shipped files say that things are.
const LEFT: [&str; 2] = ["address: 127.0.0.1, port_value", "/etc/rekey/"];
const LIMIT: &str = "{ max_tokens: 60, tokens_per_fill: 60, fill_interval: 60s }";

/// Which rate limits the gateway has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Those of the file.
    AsWritten,
    /// So high that no test meets them.
    Loose,
    /// This many requests a minute for each client and operation.
    PerMinute(u32),
}

/// The addresses that take the place of the file's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) admin: SocketAddr,
    pub(super) app: SocketAddr,
    pub(super) listener: SocketAddr,
    pub(super) public: SocketAddr,
    pub(super) sidecar: SocketAddr,
}

/// A file need not have every place.
pub(super) fn place(text: &str, places: &Places) -> Staged<String> {
    let mut filled = text.to_owned();
    for (port, new) in [
        (8080, places.listener),
        (9901, places.admin),
        (7080, places.sidecar),
        (7081, places.public),
        (3000, places.app),
    ] {
        let old = format!("address: 127.0.0.1, port_value: {port} }}");
        let new = format!("address: \"{}\", port_value: {} }}", new.ip(), new.port());
        if filled.contains(&old) {
            filled = once(&filled, &old, &new)?;
        }
    }
    Ok(filled)
}

/// Two plugins load the same file.
pub(super) fn load(text: &str, wasm: &Path) -> String {
    text.replace(WASM, &wasm.display().to_string())
}

/// Other texts in the place of these; a file need not have them all.
pub(super) fn swap(text: &str, swaps: &[(String, String)]) -> String {
    swaps.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
}

/// The text, unless a place of the shipped file was left in it.
pub(super) fn whole(text: String) -> Staged<String> {
    match LEFT.iter().find(|left| text.contains(*left)) {
        None => Ok(text),
        Some(left) => Err(Fault::new("the Envoy template", format!("`{left}` is left in it"))),
    }
}

pub(super) fn limit(text: &str, limits: Limits) -> Staged<String> {
    let count = match limits {
        Limits::AsWritten => return Ok(text.to_owned()),
        Limits::Loose => 1_000_000,
        Limits::PerMinute(count) => count,
    };
    if limits == Limits::Loose && !text.contains(LIMIT) {
        return Ok(text.to_owned());
    }
    once(text, LIMIT, &LIMIT.replace("60,", &format!("{count},")))
}

/// Puts another plugin configuration into the block scalar.
pub(super) fn configure(text: &str, json: &str) -> Staged<String> {
    let (before, block, after) = split(text)?;
    let indent = " ".repeat(block.chars().take_while(|c| *c == ' ').count());
    let lines: String = json.lines().map(|line| format!("{indent}{line}\n")).collect();
    Ok(format!("{before}{lines}{after}"))
}

/// The plugin configuration that the file has.
pub(super) fn configuration(text: &str) -> Staged<String> {
    split(text).map(|(_, block, _)| block.to_owned())
}

/// What stands before, in and after the only block scalar named `value`.
fn split(text: &str) -> Staged<(&str, &str, &str)> {
    let lost = || Fault::new("the Envoy template", "no single `value: |`");
    let (before, rest) = text.split_once("value: |\n").ok_or_else(lost)?;
    if rest.contains("value: |\n") {
        return Err(lost());
    }
    let start = before.len() + "value: |\n".len();
    let depth = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let inner = rest.lines().next().map(depth).unwrap_or_default();
    let length: usize = rest
        .split_inclusive('\n')
        .take_while(|line| line.trim().is_empty() || depth(line) >= inner)
        .map(str::len)
        .sum();
    Ok((&text[..start], &rest[..length], &rest[length..]))
}

fn once(text: &str, old: &str, new: &str) -> Staged<String> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        count => {
            Err(Fault::new("the Envoy template", format!("`{old}` stands in it {count} times")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> [String; 2] {
        ["envoy/envoy.yaml", "envoy/portable.yaml"]
            .map(|file| std::fs::read_to_string(super::super::root().join(file)).unwrap())
    }

    #[test]
    fn the_shipped_files_have_every_place_once() {
        let any: SocketAddr = "[::1]:1".parse().unwrap();
        let places = Places { admin: any, app: any, listener: any, public: any, sidecar: any };
        for text in shipped() {
            assert!(whole(text.clone()).is_err());
            let text = limit(&place(&text, &places).unwrap(), Limits::PerMinute(5)).unwrap();
            let text = whole(load(&text, Path::new("/x.wasm"))).unwrap();
            assert_eq!(text.matches("{ address: \"::1\", port_value: 1 }").count(), 5);
            assert!(text.contains("{ max_tokens: 5, tokens_per_fill: 5, fill_interval: 60s }"));
        }
    }

    #[test]
    fn the_shipped_configurations_are_one_json_object_and_can_be_replaced() {
        for text in shipped() {
            let json = configuration(&text).unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert!(json["dialects"].is_object());
            let other = configure(&text, "{\n  \"a\": 1\n}").unwrap();
            assert_eq!(configuration(&other).unwrap().replace([' ', '\n'], ""), r#"{"a":1}"#);
            assert_eq!(text.split("value: |").nth(1).unwrap().lines().last(), other.lines().last());
        }
    }
}
