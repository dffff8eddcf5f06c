//! The passwords that most people choose, compiled in: `common.bin`, whose sources `common.md` tells.
//! Invariant: a whole password is compared, whatever its case; none shorter than six characters is in the list, because
//! no policy takes one.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::rice::CodedSet;

static LIST: &[u8] = include_bytes!("common.bin");

/// Also where it is written in the full-width letters that an input method gives.
pub(super) fn contains(password: &str) -> bool {
    let list = CodedSet::of(LIST);
    let plain = Zeroizing::new(password.nfkc().collect::<String>());
    list.contains(fingerprint(password)) || list.contains(fingerprint(&plain))
}

/// What the list knows a password by.
pub fn fingerprint(password: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"rekey common passwords\n");
    let mut room = [0; 4];
    for character in password.chars().flat_map(char::to_lowercase) {
        hash.update(character.encode_utf8(&mut room).as_bytes());
    }
    let digest = hash.finalize();
    digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_and_small() {
        let count = CodedSet::of(LIST).len();
        assert!(count >= 100_000, "{count}");
        assert!(LIST.len() < 400 * 1024, "{} bytes", LIST.len());
    }

    #[test]
    fn well_known_passwords_are_in() {
        for password in [
            "123456",
            "password",
            "12345678",
            "qwerty",
            "iloveyou",
            "Passw0rd",
            "P@ssw0rd",
            "PASSWORD1",
            "letmein1",
            "trustno1",
            "1q2w3e4r",
            "a1b2c3d4",
            "welcome1",
            "admin123",
            "1qaz@WSX",
            "5201314",
            "woaini",
            "a123456789",
            "nihao123",
            "qq123456",
            "ｐａｓｓｗｏｒｄ１２３",
            "asd123456",
            "changeme",
            "baseball",
            "sunshine",
            "princess",
            "football1",
            "superman",
            "zxcvbnm",
        ] {
            assert!(contains(password), "{password}");
        }
    }

    #[test]
    fn random_and_longer_ones_are_not() {
        for password in ["", "password-", " password", "correct horse battery", "密码密码密码"]
        {
            assert!(!contains(password), "{password}");
        }
        let drawn = (0..20_000).filter(|seed| contains(&format!("vT{seed}:{}", seed * 7919)));
        assert!(drawn.count() <= 1);
    }
}
