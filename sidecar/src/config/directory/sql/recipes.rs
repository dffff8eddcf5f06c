//! Presets for apps that are known. Invariant: a recipe is nothing but values of keys, each of which the file may give itself.

use crate::config::forms::{self, Wrong};
use crate::config::reader::Reader;
use crate::directory::sql::Engine;

/// An app, and what its tables look like.
struct Recipe {
    name: &'static str,
    presets: &'static [(&'static str, &'static str)],
}

const RECIPES: &[Recipe] = &[Recipe { name: "plain", presets: &[] }];

pub(super) fn read(reader: &mut Reader<'_>, _engine: Engine) {
    let found = reader.read("sql.recipe", |value| {
        let name = forms::text(value)?;
        RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
            let names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
            Wrong::new(
                format!("no recipe is called \"{name}\""),
                format!("write one of {}", names.join(", ")),
            )
        })
    });
    if let Some(recipe) = found {
        reader.presume(recipe.presets);
    }
}
