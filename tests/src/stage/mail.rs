//! One mail as its reader would see it: decoded headers, text and HTML, beside the raw bytes.

use mail_parser::{HeaderValue, MessageParser, PartType};

use super::{Fault, Staged};

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Name and decoded value, in order; the envelope's recipient is `X-RcptTo`.
    pub headers: Vec<(String, String)>,
    pub html: Option<String>,
    pub raw: Vec<u8>,
    pub text: Option<String>,
}

impl Mail {
    /// # Errors
    /// The bytes are no mail.
    pub fn parse(raw: Vec<u8>) -> Staged<Self> {
        let message = MessageParser::default()
            .parse(&raw)
            .ok_or_else(|| Fault::new("not a mail", String::from_utf8_lossy(&raw)))?;
        let headers = message
            .headers()
            .iter()
            .map(|header| (header.name().to_owned(), plain(header.value())))
            .collect();
        let text = message.parts.iter().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        });
        let html = message.parts.iter().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        });
        Ok(Self { headers, html, text, raw })
    }

    /// The first header of that name, decoded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the envelope names this recipient.
    #[must_use]
    pub fn is_to(&self, to: &str) -> bool {
        let named = self.header("X-RcptTo").or_else(|| self.header("To")).unwrap_or_default();
        named.split([',', ' ']).any(|one| one.trim_matches(['<', '>']).eq_ignore_ascii_case(to))
    }

    /// The text part, or nothing.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

fn plain(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Address(address) => {
            address.iter().filter_map(|one| one.address()).collect::<Vec<_>>().join(", ")
        }
        HeaderValue::DateTime(time) => time.to_rfc3339(),
        HeaderValue::Text(text) => text.to_string(),
        HeaderValue::TextList(list) => list.join(", "),
        HeaderValue::ContentType(kind) => kind
            .subtype()
            .map_or_else(|| kind.ctype().to_owned(), |sub| format!("{}/{sub}", kind.ctype())),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_decoded() {
        let raw = "Subject: =?utf-8?b?6YeN572u?=\r\nTo: Jo <jo@example.com>\r\nX-RcptTo: jo@example.com\r\n\
            MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            code=3D12=\r\n34\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nPGI+aDwvYj4=\r\n--b--\r\n";
        let mail = Mail::parse(raw.as_bytes().to_vec()).unwrap();
        assert_eq!(mail.header("subject"), Some("重置"));
        assert_eq!((mail.text().trim(), mail.html.as_deref()), ("code=1234", Some("<b>h</b>")));
        assert!(mail.is_to("JO@example.com") && !mail.is_to("o@example.com"));
    }
}
