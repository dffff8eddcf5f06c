//! The reference of all keys, for README and `rekey check --reference`.

use std::fmt::Write as _;

use super::declared::{Declared, SIDECAR};
use super::edge;

/// A Markdown table of the sidecar's keys: key, default, values, meaning.
pub fn reference() -> String {
    show(SIDECAR)
}

/// The same of the keys of `rekey edge`.
pub fn edge_reference() -> String {
    show(edge::DECLARED)
}

fn show(keys: Declared) -> String {
    let mut table = String::from("| key | default | values | meaning |\n|---|---|---|---|\n");
    for key in keys.iter().copied().flatten() {
        let preset = match key.preset {
            "" => "unset".to_owned(),
            preset => format!("`{preset}`"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{}` | {preset} | {} | {} |", key.path, key.form, key.doc);
    }
    table
}
