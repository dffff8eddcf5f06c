//! Answers of our own. Invariant: none of them can be cached.

use contract::edge::Answer;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::content::Content;

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Content> {
    let mut response = Response::new(Content::whole(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A dialect's answer.
pub(super) fn answer(answer: Answer) -> Response<Content> {
    let mut response = Response::new(Content::whole(answer.body));
    let Ok(status) = StatusCode::from_u16(answer.status) else { return broken() };
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        let Ok(value) = HeaderValue::try_from(value) else { return broken() };
        response.headers_mut().append(HeaderName::from_static(name), value);
    }
    response
}

/// The answer to a HEAD: its length, and nothing of it. hyper leaves bodies out by itself in HTTP/1.1 only.
pub(super) fn without_body(mut response: Response<Content>) -> Response<Content> {
    let Content::Whole(whole) = response.body() else { return response };
    let length = HeaderValue::from(whole.len());
    response.headers_mut().entry(CONTENT_LENGTH).or_insert(length);
    response.map(|_| Content::whole(""))
}

/// Stands in for an answer that is no HTTP, which no dialect gives.
fn broken() -> Response<Content> {
    plain(StatusCode::SERVICE_UNAVAILABLE, "")
}
