//! The reference of all keys, for README and `rekey check --reference`.

use std::fmt::Write as _;

use super::declared::keys;

/// A Markdown table: key, default, values, meaning.
pub fn reference() -> String {
    let mut table = String::from("| key | default | values | meaning |\n|---|---|---|---|\n");
    for key in keys() {
        let preset = match key.preset {
            "" => "unset".to_owned(),
            preset => format!("`{preset}`"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{}` | {preset} | {} | {} |", key.path, key.form, key.doc);
    }
    table
}
