//! Cohorts: the values of the configured dimensions (tier, intent, channel …) that apply to a fact.

use super::Name;
use std::sync::Arc;

/// Dimensions that Baton knows by name, with the attributes that declare them. A prefix that SDKs put before a user's own
/// attributes (`app.`, `traceloop.association.properties.` …), dots, underscores and capitals make no difference.
pub const PRESETS: &[(&str, &[&str])] = &[
    (
        "tier",
        &[
            "customer.tier",
            "user.tier",
            "account.tier",
            "subscription.tier",
            "tier",
            "customer.plan",
        ],
    ),
    (
        "intent",
        &[
            "user.intent",
            "customer.intent",
            "conversation.intent",
            "intent",
        ],
    ),
    (
        "channel",
        &[
            "customer.channel",
            "conversation.channel",
            "contact.channel",
            "channel",
        ],
    ),
    ("tenant", &["tenant.name", "tenant.id", "tenant"]),
    ("agent_version", &["gen_ai.agent.version", "agent.version"]),
    (
        "model",
        &[
            "gen_ai.request.model",
            "llm.model_name",
            "ai.model.id",
            "llm.request.model_name",
        ],
    ),
];

/// The attributes of a preset.
pub fn preset(dimension: &str) -> Option<&'static [&'static str]> {
    let found = PRESETS.iter().find(|(name, _)| *name == dimension);
    found.map(|(_, attributes)| *attributes)
}

/// One value per dimension; the empty text where it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cohort(Option<Arc<[Name]>>);

impl Cohort {
    /// The value of a dimension; empty where it is not known.
    pub fn value(&self, dimension: usize) -> &str {
        self.values().get(dimension).map_or("", |value| value)
    }

    /// All values, by the number of their dimension.
    pub fn values(&self) -> &[Name] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The cohort of values by the number of their dimension.
    pub fn of_values(values: Vec<Name>) -> Self {
        Self((!values.is_empty()).then(|| values.into()))
    }

    /// This cohort, with `other`'s values where it has none.
    pub fn or(&self, other: &Self) -> Self {
        let (Some(own), Some(more)) = (&self.0, &other.0) else {
            return if self.0.is_some() { self } else { other }.clone();
        };
        let length = own.len().max(more.len());
        let value = |i: usize| match own.get(i).filter(|value| !value.is_empty()) {
            Some(value) => value.clone(),
            None => more.get(i).cloned().unwrap_or_else(|| Name::from("")),
        };
        Self(Some((0..length).map(value).collect()))
    }

    /// Both; of two values of a dimension the greater one, so that their order leaves no mark.
    pub fn joined(&self, other: &Self) -> Self {
        if self == other {
            return self.clone();
        }
        let length = self.values().len().max(other.values().len());
        let value = |i| Name::from(self.value(i).max(other.value(i)));
        Self::of_values((0..length).map(value).collect())
    }
}

impl<'a> FromIterator<&'a (u8, Name)> for Cohort {
    /// The first value of each dimension stays.
    fn from_iter<I: IntoIterator<Item = &'a (u8, Name)>>(declared: I) -> Self {
        let mut values: Vec<Name> = Vec::new();
        for (dimension, value) in declared {
            let place = usize::from(*dimension);
            while values.len() <= place {
                values.push(Name::from(""));
            }
            if values[place].is_empty() {
                values[place] = value.clone();
            }
        }
        Self::of_values(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cohort(values: &[(u8, &str)]) -> Cohort {
        let declared: Vec<(u8, Name)> = values.iter().map(|(i, v)| (*i, Name::from(*v))).collect();
        declared.iter().collect()
    }

    #[test]
    fn the_first_value_stays_and_gaps_are_filled() {
        let own = cohort(&[(2, "gold"), (2, "free")]);
        let all = own.or(&cohort(&[(0, "web"), (2, "silver"), (3, "x")]));
        let values: Vec<&str> = (0..5).map(|i| all.value(i)).collect();
        assert_eq!(values, ["web", "", "gold", "x", ""]);
        assert_eq!(Cohort::default().or(&own), own);
        assert_eq!(own.or(&Cohort::default()), own);
    }

    #[test]
    fn of_two_the_greater_value_stays_whichever_comes_first() {
        let one = cohort(&[(0, "web"), (1, "free")]);
        let other = cohort(&[(1, "gold"), (2, "x")]);
        let both = one.joined(&other);
        assert_eq!(both, other.joined(&one));
        assert_eq!(both.values(), ["web", "gold", "x"].map(Name::from));
        let none = Cohort::default();
        assert_eq!(none.joined(&none), none);
    }
}
