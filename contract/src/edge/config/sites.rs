//! Reads what a site is: the top-level one, and the `sites` object that gives hosts theirs.

use alloc::{borrow::ToOwned, format, string::String, sync::Arc, vec::Vec};

use super::reader::{Reader, is_host};
use crate::dialect::DIALECTS;
use crate::edge::Claim;
use crate::edge::site::{Site, Sites, bare_host};
use crate::json::{Object, Value};

impl Reader {
    pub(super) fn sites(&mut self, object: &mut Object, claims: &[Arc<Claim>]) -> Option<Sites> {
        let top = self.site(object, "");
        let mut hosts = Vec::new();
        let mut listed = match object.take("sites") {
            None => return Some(Sites { top: Arc::new(top?), hosts }),
            Some(Value::Object(listed)) => listed,
            Some(_) => {
                self.fault("sites", "must be an object with one member for each host");
                return None;
            }
        };
        let names: Vec<String> = listed.iter().map(|(host, _)| host.to_owned()).collect();
        for host in names {
            let place = format!("sites.{host}.");
            match listed.take(&host) {
                Some(Value::Object(object)) if is_host(&host) && bare_host(&host) == host => {
                    hosts.extend(self.host(object, &place, claims).map(|site| (host, site)));
                }
                _ => self.fault(
                    &place,
                    "must be a host in lower case without a port, with an object: {\"site\", \"base_url\"}",
                ),
            }
        }
        Some(Sites { top: Arc::new(top?), hosts })
    }

    fn host(
        &mut self,
        mut object: Object,
        place: &str,
        claims: &[Arc<Claim>],
    ) -> Option<Arc<Site>> {
        let mut site = self.site(&mut object, place)?;
        site.dialects = object.take("dialects").map(|chosen| self.chosen(&chosen, place, claims));
        self.leftovers(&object, place, &["site", "base_url", "origins", "dialects"]);
        Some(Arc::new(site))
    }

    fn site(&mut self, object: &mut Object, place: &str) -> Option<Site> {
        let name = self.name(object, place, "site");
        let base_url = self.base_url(object, place);
        let mut origins = self.origins(object, place);
        origins.extend(base_url.clone());
        Some(Site { name: name?, base_url: base_url?, origins, dialects: None })
    }

    /// The dialects of a host, out of those that are on.
    fn chosen(&mut self, chosen: &Value, place: &str, claims: &[Arc<Claim>]) -> Vec<&'static str> {
        let items = chosen.as_array().unwrap_or_default();
        let mut on = Vec::new();
        for item in items {
            let mut known = claims.iter().map(|claim| claim.dialect.name());
            on.extend(known.find(|name| item.as_str() == Some(*name)));
        }
        if chosen.as_array().is_none() || on.len() != items.len() {
            self.fault_at(place, "dialects", "must be a list of dialects that are on");
        }
        let serves = |name: &str| claims.iter().any(|claim| claim.dialect.name() == name);
        if on.len() < DIALECTS.iter().filter(|dialect| serves(dialect.name())).count() {
            self.warnings.push(format!(
                "{place}dialects: what this host leaves out is the app's, its own reset too, for whoever names this host; \
                 where the app serves the other hosts as well, switch its reset off"
            ));
        }
        on
    }
}
