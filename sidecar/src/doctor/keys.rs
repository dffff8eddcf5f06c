//! The key files, alone and beside what the store knows of keys.

use super::{Area, Report};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::Finding;
use crate::keys::{self, Facts, Found, KeyError, Keys, Kind, Ring, Shelf};
use crate::store::Store;

/// The keys, where all of them can be read.
pub(super) fn examine(config: &Config, report: &mut Report) -> Option<Keys> {
    let found = keys::inspect(&config.keys);
    let is_whole = found.iter().all(|file| file.as_ref().is_ok_and(is_enough));
    let has_pepper = found.iter().flatten().flat_map(|file| &file.ids);
    let has_pepper = has_pepper.into_iter().any(|(kind, _)| *kind == Kind::Pepper);
    for file in found {
        let (subject, finding) = told(file);
        report.add(Area::Keys, subject, finding);
    }
    if config.password.recipe.is_peppered() && !has_pepper {
        let said = "password.pepper is set, and there is no pepper";
        let finding = Finding::fault("pepper", said, "`rekey keys add pepper` draws one");
        report.add(Area::Keys, "password", finding);
    }
    if is_whole { Keys::read(&config.keys).ok() } else { None }
}

fn is_enough(found: &Found) -> bool {
    !found.ids.is_empty() || found.shelf == Shelf::Password
}

fn told(file: Result<Found, KeyError>) -> (&'static str, Finding) {
    match file {
        Ok(found) => {
            let path = found.path.display();
            let ids: Vec<&str> = found.ids.iter().map(|(_, id)| id.as_str()).collect();
            let said = match (ids.is_empty(), found.shelf) {
                (false, _) => format!("{} in {path}, readable to us alone", ids.join(", ")),
                (true, Shelf::Password) => {
                    format!("none at {path}; passwords come unencrypted, hashes have no pepper")
                }
                (true, _) => format!("not made yet: `rekey serve` draws it into {path}"),
            };
            (found.shelf.as_str(), Finding::good("file", said))
        }
        Err(KeyError { path, fault }) => {
            let said = format!("{}: {fault}", path.display());
            ("file", Finding { remedy: None, ..Finding::fault("file", said, "") })
        }
    }
}

/// Whether these keys are those that the store's rows were made with.
pub(super) async fn beside(
    config: &Config,
    keys: &Keys,
    store: &Store,
    report: &mut Report,
) -> Option<Ring> {
    let now = Clock::System.now();
    let Facts { now, states, instances, .. } = match store.key_facts(now).await {
        Ok(facts) => facts,
        Err(error) => {
            let remedy = "look at what stands under `store`";
            report.add(Area::Keys, "", Finding::fault("in_use", error.to_string(), remedy));
            return None;
        }
    };
    let ring = match Ring::new(keys, &states, config.password.layouts) {
        Ok(ring) => ring,
        Err(fault) => {
            let remedy = "`rekey keys list` shows what is held here and what the store knows";
            report.add(Area::Keys, "", Finding::fault("in_use", fault.to_string(), remedy));
            return None;
        }
    };
    let alive = instances.iter().filter(|instance| instance.is_alive(now)).count();
    let said = match alive {
        0 => "they are those of the store; no sidecar runs on it now".to_owned(),
        1 => "they are those of the store; one sidecar runs on it now".to_owned(),
        _ => format!("they are those of the store; {alive} sidecars run on it now"),
    };
    report.add(Area::Keys, "", Finding::good("in_use", said));
    Some(ring)
}
