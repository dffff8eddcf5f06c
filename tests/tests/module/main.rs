//! The shipped module, read as a file: how large it is, what it asks of a host, what memory it begins with, and, as far
//! as reading can show it, that nothing in it panics.

mod binary;
mod flow;

use std::collections::BTreeSet;
use std::fs;

use binary::Binary;
use rekey_tests::stage::target;

/// As shipped, in bytes.
const MAX_SIZE: usize = 200 * 1024;

/// In bytes, as `filter/build.rs` sets it.
const STACK: i32 = 64 * 1024;

/// Of 64 KiB at the start: stack, constants, the first of the heap.
const MAX_PAGES: u64 = 2;

/// All that a host must offer. One more, and the module does not load into some of them.
const IMPORTS: [&str; 16] = [
    "env.proxy_define_metric",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_property",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_remove_header_map_value",
    "env.proxy_send_local_response",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_header_map_pairs",
    "env.proxy_set_property",
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.random_get",
];

const EXPORTS: [&str; 16] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_vm_start",
];

/// What a module with panics in it says, or holds as the place of one.
const PANIC_STRINGS: [&str; 10] = [
    ".rs",
    "/rustc/",
    "RUST_BACKTRACE",
    "attempt to",
    "called `Option",
    "called `Result",
    "index out of",
    "not a char boundary",
    "out of range",
    "overflow",
];

/// What a function of ours may end in. The second is the standard handler of a failed allocation, which the compiler puts
/// together with that of `panic!`; lints keep `panic!` and what expands to it out of our code.
const HARMLESS: [(&str, &str); 3] = [
    ("alloc::raw_vec::handle_error", "memory is exhausted"),
    ("core::panicking::panic_nounwind_fmt", "memory is exhausted"),
    ("trap", "2^31 references to one value"),
];

/// Functions of the standard library and of the allocator that could panic, and why they do not.
const NOT_OURS: [(&str, &str); 12] = [
    (
        "<core::net::ip_addr::IpAddr as core::str::traits::FromStr>::from_str",
        "slices what it counted",
    ),
    (
        "<core::net::ip_addr::Ipv4Addr as core::fmt::Display>::fmt",
        "its buffer holds the longest address",
    ),
    (
        "<core::net::ip_addr::Ipv6Addr as core::fmt::Display>::fmt",
        "its buffer holds the longest address",
    ),
    (
        "<core::str::iter::Split<P> as core::iter::traits::iterator::Iterator>::next",
        "slices what it found",
    ),
    (
        "<core::str::pattern::StrSearcher as core::str::pattern::Searcher>::next_match",
        "slices what it found",
    ),
    ("<core::str::pattern::StrSearcher>::new", "indexes a needle that is not empty"),
    ("alloc::fmt::format::format_inner", "no `Display` of ours fails"),
    ("alloc::str::join_generic_copy", "the lengths of parts fit into memory"),
    ("core::slice::memchr::memrchr", "slices what it measured"),
    ("core::str::pattern::TwoWaySearcher::next", "indexes within what it searches"),
    ("dlmalloc::dlmalloc::Dlmalloc<A>::free", "the allocator's own books"),
    ("dlmalloc::dlmalloc::Dlmalloc<A>::validate_size", "the allocator's own books"),
];

/// Parts of the names of our own functions.
const OURS: [&str; 3] = ["contract::", "filter::", "proxy_on"];

fn module() -> (Vec<u8>, Binary) {
    let file = target().join("wasm32-wasip1/wasm/filter.wasm");
    let bytes = fs::read(&file)
        .unwrap_or_else(|error| panic!("./just wasm first: {}: {error}", file.display()));
    let binary = Binary::read(&bytes);
    (bytes, binary)
}

#[test]
fn it_is_small() {
    let (bytes, binary) = module();
    assert!(bytes.len() <= MAX_SIZE, "{} bytes", bytes.len());
    assert!(binary.pages <= MAX_PAGES, "{} pages of memory at the start", binary.pages);
    assert_eq!(binary.stack, STACK, "the stack");
}

#[test]
fn it_asks_little_and_offers_what_hosts_call() {
    let (_, binary) = module();
    assert_eq!(binary.imports, IMPORTS.map(str::to_owned).into());
    assert_eq!(binary.exports, EXPORTS.map(str::to_owned).into());
}

#[test]
fn it_holds_no_text_of_a_panic() {
    let (bytes, _) = module();
    for text in PANIC_STRINGS {
        let at = bytes.windows(text.len()).position(|part| part == text.as_bytes());
        let around = |at: usize| {
            let from = at.saturating_sub(60);
            String::from_utf8_lossy(&bytes[from..(at + 60).min(bytes.len())]).into_owned()
        };
        assert!(at.is_none(), "{text:?} in {:?}", at.map(around));
    }
}

/// No function of ours calls one that panics, but for want of memory; those of others are known by name.
#[test]
fn it_ends_only_for_want_of_memory() {
    let (_, binary) = module();
    let map =
        fs::read_to_string(target().join("wasm32-wasip1/wasm/filter.map")).expect("filter.map");
    let mut others = BTreeSet::new();
    for (function, words) in binary.last_words(&binary::names(&map)) {
        let is_harmless = |word: &str| HARMLESS.iter().any(|(known, _)| *known == word);
        let panics: Vec<&String> = words.iter().filter(|word| !is_harmless(word)).collect();
        if is_harmless(&function) {
            continue;
        }
        let is_ours = OURS.iter().any(|part| function.contains(part));
        assert!(!is_ours || panics.is_empty(), "{function} ends in {panics:?}");
        if !panics.is_empty() {
            others.insert(function);
        }
    }
    let known = NOT_OURS.map(|(name, _)| name.to_owned());
    assert_eq!(others, known.into());
}
