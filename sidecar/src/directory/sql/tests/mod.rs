//! What must hold of the directory whatever database it is: each test runs on real ones.

mod rig;
mod tls;

/// The suite in a module of its own, on one ground.
macro_rules! suite {
    ($engine:ident, $ground:ident) => {
        #[path = "."]
        #[expect(clippy::duplicate_mod, reason = "one suite, several engines")]
        mod $engine {
            mod rig {
                pub(super) use super::super::rig::*;
                pub(super) type Rig = Stand<$ground>;
            }
            mod accounts;
            mod doctor;
            mod network;
            mod salts;
            mod writes;
        }
    };
}

suite!(sqlite, File);
suite!(postgres, Server);
suite!(mariadb, Maria);
