//! What one tenant is shown of the metrics: the series that have its name in the label `tenant`, and no other ones.

use crate::model::metric::{Family, OVERFLOW, Series};
use crate::model::tenant::{Access, FOLDED_TENANT, TENANT_DIMENSION};

/// Values of the label under which there are several tenants: by limits of a time when there were no tenants.
const FOLDED_TENANTS: [&str; 2] = [FOLDED_TENANT, OVERFLOW];

/// Why a tenant is not shown its metrics: some of what it did may be in the series of other tenants.
pub(super) const FOLDED: &str = "not implemented: the metrics have a series of several tenants (tenant=\"other\" or \"_overflow\"), of a time before the configuration had tenants; \
    your own figures may be in it, so none are shown. This answer ends when that series expires (metrics.expire_after)\n";

/// The families of whom may see all, or with the series of one tenant alone.
///
/// # Errors
/// When some of its series cannot be told from those of others.
pub(super) fn families(
    mut families: Vec<Family>,
    access: &Access,
) -> Result<Vec<Family>, &'static str> {
    let Some(tenant) = access.tenant() else {
        return Ok(families);
    };
    for family in &mut families {
        let is_folded = |series: &Series| FOLDED_TENANTS.iter().any(|folded| is_of(series, folded));
        if family.series.iter().any(is_folded) {
            return Err(FOLDED);
        }
        family.series.retain(|series| is_of(series, tenant));
    }
    families.retain(|family| !family.series.is_empty());
    Ok(families)
}

fn is_of(series: &Series, tenant: &str) -> bool {
    let mut labels = series.labels.iter();
    labels.any(|(name, value)| name == TENANT_DIMENSION && value == tenant)
}
