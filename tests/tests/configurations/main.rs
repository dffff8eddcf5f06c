//! Every gateway of `envoy/`, as it is shipped: Envoy believes it, it serves, and what it shows holds. `envoy.yaml` itself is
//! what all other tests stand on.

#[expect(dead_code, reason = "nobody's certificate has ended here")]
#[path = "../trust/authority.rs"]
mod authority;
mod client;
mod filters;
mod hosts;
mod http3;
mod minimal;
mod public;
mod replicas;
mod rig;
mod tls;
mod tracing;
mod xds;
