//! Tenants: whose telemetry a request has, and whose figures and sessions somebody may see.

use super::Name;
use std::collections::{BTreeMap, BTreeSet};

/// The header by which stores such as Mimir, Loki and Tempo tell tenants apart.
pub const TENANT_HEADER: &str = "x-scope-orgid";

/// The cohort dimension, and so the label, that holds the tenant.
pub const TENANT_DIMENSION: &str = "tenant";

/// What stands for several tenants in labels, so that no tenant is named so.
pub const FOLDED_TENANT: &str = "other";

/// Values of labels are not cut at this length.
const MAX_BYTES: usize = 128;

/// What somebody may reach. It is decided once, when a request is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything: an operator, or a Baton without tenants.
    All,
    /// What belongs to one tenant.
    Tenant(Name),
}

impl Access {
    /// The one tenant; `None`: everything.
    pub fn tenant(&self) -> Option<&Name> {
        match self {
            Self::All => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }

    /// Whether it includes what belongs to a tenant, or to none.
    pub fn covers(&self, owner: Option<&Name>) -> bool {
        self.tenant().is_none_or(|tenant| owner == Some(tenant))
    }
}

/// The tenants of which something is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldTenants {
    pub with_series: BTreeSet<Name>,
    /// With sessions, traces or users.
    pub with_sessions: BTreeSet<Name>,
}

/// A limit that each tenant has for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantLimit {
    /// Of those that have none of their own; `None`: no limit.
    pub common: Option<usize>,
    pub own: BTreeMap<Name, usize>,
}

impl TenantLimit {
    /// That of a tenant.
    pub fn of(&self, tenant: &str) -> usize {
        let own = self.own.get(tenant).copied();
        own.or(self.common).unwrap_or(usize::MAX)
    }

    /// Whether any tenant has one.
    pub fn is_set(&self) -> bool {
        self.common.is_some() || !self.own.is_empty()
    }

    /// The share of one of several partitions, at least one.
    #[must_use]
    pub fn share(&self, partitions: usize) -> Self {
        let share = |limit: &usize| (limit / partitions).max(1);
        let own = self.own.iter();
        Self {
            common: self.common.as_ref().map(share),
            own: own
                .map(|(tenant, limit)| (tenant.clone(), share(limit)))
                .collect(),
        }
    }
}

/// What [`tenant`] allows, as texts say it.
macro_rules! tenant_rule {
    () => {
        "at most 128 visible ASCII signs without | \\ \" and comma, not ., .. or other, and no _ at the beginning"
    };
}
pub(crate) use tenant_rule;

/// The tenant of this name; `None`: no tenant is named so. What Mimir, Loki and Tempo refuse in names of directories is refused, and so is
/// `|`, by which they list several tenants. Names of certificates such as `spiffe://example.org/team` are allowed.
pub fn tenant(name: &str) -> Option<Name> {
    let is_safe = |b: u8| b.is_ascii_graphic() && !matches!(b, b'|' | b'"' | b'\\' | b',');
    let is_reserved = [".", "..", FOLDED_TENANT].contains(&name) || name.starts_with('_');
    let fits = (1..=MAX_BYTES).contains(&name.len()) && name.bytes().all(is_safe);
    (fits && !is_reserved).then(|| Name::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tenants_are_safe_in_headers_and_labels() {
        for name in [
            "a",
            "team-7",
            "1",
            "spiffe://example.org/ns/a",
            &"x".repeat(128),
        ] {
            assert_eq!(tenant(name).as_deref(), Some(name));
        }
        let long = "x".repeat(129);
        for name in [
            "",
            ".",
            "..",
            "other",
            "_overflow",
            "a|b",
            "a b",
            "a\n",
            "a\"",
            "ä",
            &long,
        ] {
            assert_eq!(tenant(name), None, "{name}");
        }
    }

    #[test]
    fn one_tenant_reaches_only_what_is_its_own() {
        let (a, b) = (Name::from("a"), Name::from("b"));
        let own = Access::Tenant(a.clone());
        assert!(own.covers(Some(&a)) && !own.covers(Some(&b)) && !own.covers(None));
        assert!(
            [Some(&a), Some(&b), None]
                .iter()
                .all(|owner| Access::All.covers(*owner))
        );
    }
}
