//! What must hold of the store whatever lies beneath: each test runs on a file and on a real PostgreSQL.

mod faults;
mod file;
mod rig;
mod schema;

/// The suite in a module of its own, on one ground.
macro_rules! suite {
    ($engine:ident, $ground:ident) => {
        #[path = "."]
        #[expect(clippy::duplicate_mod, reason = "one suite, two engines")]
        mod $engine {
            mod rig {
                pub(super) use super::super::rig::*;
                pub(super) type Rig = Stand<$ground>;
            }
            mod announced;
            mod budgets;
            mod events;
            mod forget;
            mod keys;
            mod outbox;
            mod passwords;
            mod proofs;
            mod rows;
            mod several;
            mod shared_codes;
        }
    };
}

suite!(sqlite, File);
suite!(postgres, Server);
