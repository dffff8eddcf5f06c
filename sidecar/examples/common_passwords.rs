//! Makes the list of common passwords: `common_passwords OUT COUNT FILE..`, each file one password a line, the most common
//! first. The files are taken line by line in turn; what they share counts once. The same files give the same bytes.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};

use sidecar::password::{CodedSet, fingerprint};

/// Shorter ones no policy takes.
const SHORTEST: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(out), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: common_passwords OUT COUNT FILE..".into());
    };
    let count: usize = count.parse()?;
    let mut files = Vec::new();
    for path in arguments {
        let text = fs::read(path)?;
        files.push(String::from_utf8_lossy(&text).into_owned());
    }
    let mut lists: Vec<_> = files.iter().map(|text| text.lines()).collect();
    let mut known: HashSet<u64> = HashSet::new();
    while known.len() < count {
        let turn: Vec<&str> = lists.iter_mut().filter_map(Iterator::next).collect();
        if turn.is_empty() {
            break;
        }
        for password in turn {
            let is_long = password.chars().count() >= SHORTEST;
            if is_long && known.len() < count {
                known.insert(fingerprint(password));
            }
        }
    }
    let bytes = CodedSet::code(known);
    let count = CodedSet::of(&bytes).len();
    writeln!(io::stdout(), "{count} passwords, {} bytes", bytes.len())?;
    Ok(fs::write(out, bytes)?)
}
