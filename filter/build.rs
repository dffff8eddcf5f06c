//! What the linker is told: the stack, and to write down which function lies where. Invariant: a stack that overflows
//! traps, because nothing lies below it.

use std::path::PathBuf;

/// Every worker thread has its own. All fixtures and attacks run with a quarter of it; recursion is bounded by the depth of
/// JSON.
const STACK_BYTES: u32 = 64 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=--stack-first");
    println!("cargo::rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    // Calls and addresses as short as they can be written: a twentieth of the module.
    println!("cargo::rustc-link-arg-cdylib=--compress-relocations");
    // Beside the module itself: names of a stripped module, for the test that reads it.
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    if let Some(folder) = out.ancestors().nth(3) {
        println!("cargo::rustc-link-arg-cdylib=-Map={}", folder.join("filter.map").display());
    }
}
