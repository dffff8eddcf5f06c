//! Files of every form, sound and unsound.

use std::fmt::Write as _;
use std::io::Write as _;

use super::*;

type Change = fn(&mut String);

const COUNT: usize = 3_000;

/// The lines of so many passwords, sorted, and their file.
fn file(kind: Kind, end: &str, change: impl FnOnce(&mut String)) -> tempfile::NamedTempFile {
    let mut keys: Vec<Key> = (0..COUNT).map(|nth| kind.key(&format!("breached {nth}"))).collect();
    keys.sort_unstable();
    let mut text = String::new();
    for (nth, key) in keys.iter().enumerate() {
        for byte in key.iter().take(kind.digits() / 2) {
            write!(text, "{byte:02X}").unwrap();
        }
        write!(text, ":{}{end}", nth % 1000).unwrap();
    }
    change(&mut text);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn published_hashes_are_ours() {
    let hex = |kind: Kind| {
        let key = kind.key("password");
        key.iter().take(kind.digits() / 2).map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    assert_eq!(hex(Kind::Sha1), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    assert_eq!(hex(Kind::Ntlm), "8846F7EAEE8FB117AD06BDD830B7586C");
}

#[test]
fn every_line_is_found_and_nothing_else() {
    let cut: Change = |text| text.truncate(text.trim_end().len());
    let lower: Change = |text| text.make_ascii_lowercase();
    let forms: [(Kind, &str, Change); 5] = [
        (Kind::Sha1, "\n", |_| {}),
        (Kind::Sha1, "\r\n", |_| {}),
        (Kind::Sha1, "\r\n", cut),
        (Kind::Ntlm, "\n", cut),
        (Kind::Ntlm, "\r\n", lower),
    ];
    for (kind, end, change) in forms {
        let file = file(kind, end, change);
        let opened = BreachedFile::open(file.path()).unwrap();
        assert_eq!(opened.kind, kind);
        for nth in 0..COUNT {
            assert_eq!(opened.contains(&format!("breached {nth}")), Ok(true), "{kind:?} {nth}");
        }
        for nth in 0..COUNT {
            assert_eq!(opened.contains(&format!("unknown {nth}")), Ok(false), "{kind:?} {nth}");
        }
    }
}

/// Lines that do not lie evenly, so that a guess by value is wrong again and again.
#[test]
fn uneven_hashes_are_found_too() {
    let mut text = String::new();
    for nth in 0..4_000_u32 {
        writeln!(text, "00000000{nth:08x}000000000000000000000000:1").unwrap();
    }
    text.push_str("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:1\n");
    let file = {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let opened = BreachedFile::open(file.path()).unwrap();
    for nth in 0..4_000_u32 {
        let mut key = [0; 20];
        key[4..8].copy_from_slice(&nth.to_be_bytes());
        assert_eq!(opened.find(&key), Ok(true), "{nth}");
        key[19] = 1;
        assert_eq!(opened.find(&key), Ok(false), "{nth}");
    }
    assert_eq!((opened.find(&[255; 20]), opened.find(&[254; 20])), (Ok(true), Ok(false)));
    assert_eq!(opened.find(&[0; 20]), Ok(true));
}

#[test]
fn one_line_is_a_file() {
    let file = file(Kind::Sha1, "\n", |text| text.truncate(43));
    let opened = BreachedFile::open(file.path()).unwrap();
    let found = (0..COUNT).filter(|nth| opened.contains(&format!("breached {nth}")) == Ok(true));
    assert_eq!(found.count(), 1);
}

#[test]
fn unsound_files_are_refused() {
    let table: [(Change, FileFault); 5] = [
        (String::clear, FileFault::Form),
        (|text| text.insert_str(0, "hash:count\n"), FileFault::Form),
        (|text| *text = text.replace(':', " "), FileFault::Form),
        (
            |text| {
                let swapped: Vec<&str> = text.lines().rev().collect();
                *text = swapped.join("\n");
            },
            FileFault::Unsorted,
        ),
        (|text| text.push_str("this is no line\n"), FileFault::Form),
    ];
    for (nth, (change, fault)) in table.into_iter().enumerate() {
        let file = file(Kind::Sha1, "\n", change);
        assert_eq!(BreachedFile::open(file.path()).unwrap_err(), fault, "{nth}");
    }
    let missing = BreachedFile::open(Path::new("/nowhere/at/all"));
    assert_eq!(missing.unwrap_err(), FileFault::Unreadable);
}

/// A mapped file would kill the process here.
#[test]
fn a_file_that_is_cut_under_us_is_a_fault() {
    let file = file(Kind::Sha1, "\n", |_| {});
    let opened = BreachedFile::open(file.path()).unwrap();
    file.as_file().set_len(0).unwrap();
    assert_eq!(opened.contains("breached 1"), Err(FileFault::Changed));
    file.as_file().set_len(10_000_000).unwrap();
    assert_eq!(opened.contains("breached 1"), Err(FileFault::Changed), "it is full of zeros");
}
