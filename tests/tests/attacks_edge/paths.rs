//! Spellings of one path that some router takes for the same path.

/// More than 40, the plain one first.
pub(crate) fn spellings(path: &str) -> Vec<String> {
    let (parent, last) = path.rsplit_once('/').unwrap();
    let first = last.chars().next().unwrap();
    let rest = &last[first.len_utf8()..];
    let inner = path.trim_start_matches('/');
    let mut all: Vec<String> = [
        "", "/", "//", ".", "..", "/.", "/./", "/x/..", ";", ";x", ";x=y/", "%20", "%09", "%00",
        "%0a", "%2f",
    ]
    .iter()
    .chain(&[
        "%252f", "%3b", "%3bx", "%253b", "%2e", "%5c", "\\", "%3f", "%23", ".json", "%00.html",
        "/%2e/", "/;/", "//;a=b",
    ])
    .chain(&["?", "?x=y", "?state=reset", "%e2%80%8b", "%ef%bb%bf", "%c2%a0"])
    .map(|suffix| format!("{path}{suffix}"))
    .collect();
    all.extend([
        path.to_uppercase(),
        title(path),
        format!("/{path}"),
        format!("/.{path}"),
        format!("/x/..{path}"),
        format!("/x/..;{path}"),
        format!("/..;{path}"),
        format!("/..{path}"),
        format!("/%2e%2e{path}"),
        format!("/x/%2e%2e{path}"),
        format!("/x/%252e%252e{path}"),
        format!("/;x{path}"),
        format!("{parent};a=b/{last}"),
        format!("{parent}//{last}"),
        format!("{parent}/./{last}"),
        format!("{parent}/%2e/{last}"),
        format!("{parent}/;/{last}"),
        format!("{parent}/.;x/{last}"),
        format!("{parent}%2f{last}"),
        format!("{parent}%2F{last}"),
        format!("{parent}%252f{last}"),
        format!("{parent}%25252f{last}"),
        format!("{parent}\\{last}"),
        format!("{parent}%5c{last}"),
        format!("{parent}/x/../{last}"),
        format!("{parent}/{}{rest}", percent(first)),
        format!("{parent}/{}{rest}", percent(first).replace('%', "%25")),
        format!("{parent}/{}{rest}", percent(first).replace('%', "%2525")),
        format!("/{}", inner.replacen('s', "%c5%bf", 1)),
        format!("/{}", inner.replacen('s', "%C5%BF", 1)),
        format!("/{}", inner.replacen('e', "%65", 1).replacen('%', "%25", 1)),
        format!("http://app.example{path}"),
        format!("https://user@app.example:8443{path};x"),
        format!("{parent}/%{:x}{rest}", u32::from(first)),
    ]);
    all
}

fn title(path: &str) -> String {
    path.split('/')
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
        })
        .collect::<Vec<String>>()
        .join("/")
}

fn percent(c: char) -> String {
    format!("%{:02X}", u32::from(c))
}
