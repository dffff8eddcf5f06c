//! What operators see of the edge: metrics with labels from closed lists, the access log, traces; and that dashboard and
//! alerts ask for nothing that does not exist.

mod access_log;
#[expect(dead_code, reason = "nobody's certificate has ended here")]
#[path = "../trust/authority.rs"]
mod authority;
mod exposition;
mod labels;
mod queries;
mod traces;
