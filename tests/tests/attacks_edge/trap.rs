//! ATTACKS.md 40: a filter that traps on every request. It shows which routes enter the VM at all (invariant 3), and that a
//! request whose filter died is refused (invariant 1).

use rekey_tests::http::Call;

use crate::dialects::{self, assert_busy};
use crate::paths;
use crate::stand::Stand;

/// The smallest module that an Envoy loads and that dies at the first header it is shown.
const TRAP: &str = r#"(module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 1024))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get 0)))
    (local.get $at))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) unreachable)
  (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
  (func (export "proxy_on_log") (param i32))
  (func (export "proxy_on_delete") (param i32)))"#;

fn trapped() -> (tempfile::TempDir, Stand) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trap.wasm");
    std::fs::write(&file, wat::parse_str(TRAP).unwrap()).unwrap();
    let stand = Stand::with(|mut options| {
        options.wasm = file;
        options
    });
    (dir, stand)
}

/// Invariant 1, ATTACKS.md 40: the dialect's own "busy", and nothing reaches app or sidecar, for every spelling that a VM sees.
#[test]
fn a_dead_filter_refuses_in_the_dialects_words() {
    let (_dir, stand) = trapped();
    for _ in 0..2 {
        for ordinary in dialects::ordinary() {
            let reply = ordinary.call.send(stand.addr()).unwrap();
            assert_busy(ordinary.path, &reply, "a dead filter");
        }
    }
    assert!(stand.app.requests().is_empty() && stand.sidecar.requests().is_empty());
    for ordinary in dialects::ordinary() {
        for spelling in paths::spellings(ordinary.path) {
            dialects::bare("POST", ordinary.path, &spelling)
                .header("content-type", "application/json")
                .body(&ordinary.body)
                .send(stand.addr())
                .unwrap();
        }
    }
    assert!(stand.app.resets().is_empty(), "{:?}", stand.app.resets());
    assert!(stand.sidecar.requests().is_empty());
}

/// Invariant 3: other routes do not know that the filter is dead.
#[test]
fn other_routes_never_enter_the_vm() {
    let (_dir, stand) = trapped();
    let large = vec![b'x'; 2_000_000];
    for path in [
        "/",
        "/login",
        "/api/password",
        "/api/v1/auth/login",
        "/api/v3/profile",
        "/api/v2/sdk/captcha",
        "/reset",
        "/v1/confirm",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            let call = Call::new(method, path)
                .header("x-rekey-operation", "confirm")
                .header("origin", "http://localhost:3000");
            let call = if method == "POST" { call.body(&large) } else { call };
            let reply = call.send(stand.addr()).unwrap();
            assert_eq!(reply.status, 200, "{method} {path}: {}", reply.text());
        }
    }
}
