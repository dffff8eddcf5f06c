//! Rekey's filter for proxy-wasm hosts: callbacks in, `contract::edge` decides, hostcalls out.
//! Invariant: nothing here panics on anything that a client, a proxy or a sidecar can send.

mod head;
mod host;
mod http_context;
mod root_context;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(root_context::Root::default()));
}}
