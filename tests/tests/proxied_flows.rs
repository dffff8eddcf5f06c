//! The flows of every dialect, end to end, behind `rekey edge` instead of Envoy. Invariant: every claim of the demo holds
//! there too.

use rekey_tests::demo::{Transcript, acts, perform_behind, verdict};
use rekey_tests::installation::Gateway;
use rekey_tests::stage::Staged;

#[test]
fn every_dialect_resets_passwords_behind_the_edge() -> Staged<()> {
    let mut transcript = Transcript::silent();
    let performed = perform_behind(Gateway::Edge, &acts(), &mut transcript);
    verdict(&transcript).and(performed)
}
