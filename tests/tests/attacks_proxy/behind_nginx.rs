//! Invariant 4 behind stock nginx with the shipped configuration, which chooses by decoded paths and sends on raw ones.

use crate::spellings::{holds_for_old_links, holds_on_both_axes};
use crate::stand::Stand;

fn stand() -> Stand {
    Stand::with(|options| options.behind_nginx())
}

/// Invariant 4: every claimed path in every spelling, and with every body.
#[test]
fn every_claimed_path_holds_behind_nginx() {
    holds_on_both_axes(&stand());
}

/// Invariant 4: the old AnQiCMS link in the same forms.
#[test]
fn no_spelling_of_an_old_link_reaches_the_app_behind_nginx() {
    holds_for_old_links(&stand());
}
