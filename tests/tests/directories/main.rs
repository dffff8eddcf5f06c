//! What must hold of a reset wherever the accounts live: each test runs against the real directory of each kind, and a real
//! sidecar that writes into it. A proof is spent once, whatever dies or is lost in between; nobody learns who has an
//! account; and what stands in the way is told as busy, and nothing is lost.

mod crashes;
mod faults;
mod http;
mod ldap;
mod links;
mod mariadb;
mod postgres;
mod rig;
mod sameness;
mod sql;
mod sqlite;
mod team;
mod times;

/// Each of these on one kind of directory.
macro_rules! suite {
    ($module:ident, $kind:expr) => {
        mod $module {
            use crate::team::{Kind, Trouble};
            use crate::{crashes, faults, links, sameness};

            const KIND: Kind = $kind;

            #[test]
            fn a_reset_is_written_and_mailed_about() {
                links::a_reset_is_written(KIND);
            }

            #[test]
            fn of_twenty_confirms_one_wins() {
                links::one_of_twenty_wins(KIND);
            }

            #[test]
            fn a_link_dies_when_the_account_is_changed_behind_our_back() {
                links::a_link_dies_with_what_it_was_made_for(KIND);
            }

            #[test]
            fn killed_at_every_point_of_a_confirm() {
                crashes::killed_at_every_point(KIND);
            }

            #[test]
            fn killed_while_it_settles() {
                crashes::killed_while_it_settles(KIND);
            }

            #[test]
            fn an_answer_that_is_lost_is_found_out() {
                faults::a_lost_answer_is_found_out(KIND);
            }

            #[test]
            fn a_write_that_is_lost_is_taken_back() {
                faults::a_lost_write_is_taken_back(KIND);
            }

            #[test]
            fn a_directory_that_is_gone_loses_nothing() {
                faults::nothing_is_lost(KIND, Trouble::Gone);
            }

            #[test]
            fn a_directory_that_is_slow_loses_nothing() {
                faults::nothing_is_lost(KIND, Trouble::Slow);
            }

            #[test]
            fn a_directory_that_cannot_be_written_loses_nothing() {
                faults::nothing_is_lost(KIND, Trouble::ReadOnly);
                faults::nothing_is_lost(KIND, Trouble::NoRight);
            }

            #[test]
            fn a_directory_that_lacks_what_is_configured_loses_nothing() {
                faults::nothing_is_lost(KIND, Trouble::Missing);
            }

            #[test]
            fn hostile_hashes_hurt_nobody() {
                faults::hostile_hashes_hurt_nobody(KIND);
            }

            #[test]
            fn answers_are_alike_for_everybody() {
                sameness::answers_are_alike(KIND);
            }

            #[test]
            fn times_tell_nothing() {
                sameness::times_tell_nothing(KIND);
            }
        }
    };
}

suite!(on_http, Kind::Http);
suite!(on_mariadb, Kind::MariaDb);
suite!(on_ldap_by_hash, Kind::LdapByHash);
suite!(on_ldap_by_operation, Kind::LdapByOperation);
suite!(on_postgres, Kind::Postgres);
suite!(on_sqlite, Kind::Sqlite);
