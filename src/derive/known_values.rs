//! The label values that the series of one metric use. Each tenant has its own: the names of one take no place from those of another.

use super::series_key::parts;
use rapidhash::RapidHashMap as HashMap;

/// What the allocator takes beside each piece of memory, roughly.
pub(super) const HEAP: usize = 16;

/// How many series use each value of each label, in the order of the labels.
type Uses = Vec<HashMap<String, usize>>;

#[derive(Debug, Default)]
pub(super) struct KnownValues {
    /// How many labels there are.
    places: usize,
    /// The place of the tenant among them, where there are tenants.
    tenant: Option<usize>,
    /// By tenant; that of series of nobody has no name, and so has everyone's where there are no tenants.
    by_tenant: HashMap<String, Uses>,
}

/// Roughly the bytes of a value that is known.
fn known_weight(value: &str) -> usize {
    size_of::<(String, usize)>() * 3 / 2 + value.len() + HEAP
}

impl KnownValues {
    pub(super) fn new(places: usize, tenant: Option<usize>) -> Self {
        Self {
            places,
            tenant,
            by_tenant: HashMap::default(),
        }
    }

    /// How many labels there are.
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// The place of the tenant among the labels, where there are tenants.
    pub(super) fn tenant_place(&self) -> Option<usize> {
        self.tenant
    }

    /// The tenant among the values of labels.
    pub(super) fn tenant_of<'v>(&self, mut values: impl Iterator<Item = &'v str>) -> &'v str {
        let tenant = self.tenant.and_then(|place| values.nth(place));
        tenant.unwrap_or_default()
    }

    /// The values of a tenant; empty where it has no series.
    pub(super) fn of(&self, tenant: &str) -> &[HashMap<String, usize>] {
        self.by_tenant.get(tenant).map_or(&[], Vec::as_slice)
    }

    /// How many series a tenant has, where there are tenants.
    pub(super) fn series_of(&self, tenant: &str) -> usize {
        let uses = self.tenant.and_then(|place| self.of(tenant).get(place));
        uses.and_then(|uses| uses.get(tenant).copied()).unwrap_or(0)
    }

    /// The tenants that have series, nobody included.
    pub(super) fn tenants(&self) -> impl ExactSizeIterator<Item = &str> {
        self.by_tenant.keys().map(String::as_str)
    }

    /// Counts the values of a new series; returns the bytes of those that are new.
    pub(super) fn take(&mut self, key: &[u8]) -> usize {
        let tenant = self.tenant_of(parts(key));
        let mut taken = 0;
        if !self.by_tenant.contains_key(tenant) {
            let uses = vec![HashMap::default(); self.places];
            taken += self.tenant_weight(tenant);
            self.by_tenant.insert(tenant.to_owned(), uses);
        }
        let uses = self.by_tenant.get_mut(tenant).into_iter().flatten();
        for (uses, value) in uses.zip(parts(key)) {
            match uses.get_mut(value) {
                Some(count) => *count += 1,
                None => {
                    uses.insert(value.to_owned(), 1);
                    taken += known_weight(value);
                }
            }
        }
        taken
    }

    /// Takes a series from those that use its values; returns the bytes of the values that no other one uses.
    pub(super) fn forget(&mut self, key: &[u8]) -> usize {
        let tenant = self.tenant_of(parts(key));
        let mut freed = 0;
        let all = self.by_tenant.get_mut(tenant).into_iter().flatten();
        for (uses, value) in all.zip(parts(key)) {
            if let Some(count) = uses.get_mut(value) {
                *count -= 1;
                if *count == 0 {
                    uses.remove(value);
                    freed += known_weight(value);
                }
            }
        }
        if self.of(tenant).iter().all(HashMap::is_empty) {
            self.by_tenant.remove(tenant);
            freed += self.tenant_weight(tenant);
        }
        freed
    }

    /// Roughly the bytes of a tenant beside its values. Where there are no tenants, there is one of these for a metric, which does not count.
    fn tenant_weight(&self, tenant: &str) -> usize {
        match self.tenant {
            Some(_) => {
                known_weight(tenant) + HEAP + self.places * size_of::<HashMap<String, usize>>()
            }
            None => 0,
        }
    }
}
