//! What is closed early or forgotten while there is too much of everything. What a tenant holds beyond an equal share goes first.

use super::key_table::KeyIndex;
use super::session::SessionState;
use super::{Output, Stitcher, shed_fact, sign};
use crate::model::Name;
use crate::model::fact::Shed;
use crate::model::ids::PartitionKey;
use crate::model::time::Timestamp;
use rapidhash::{RapidHashMap as HashMap, RapidHashSet as HashSet};

impl Stitcher {
    /// Keeps all limits after an entry of a key, which stays, however large it is: its spans have a limit of their own.
    pub(super) fn keep_limits(&mut self, touched: KeyIndex, now: Timestamp, out: &mut Output) {
        self.forget_idle(out);
        if let Some(tenant) = self.full_tenant(touched) {
            let own = |key: &PartitionKey| key.tenant() == Some(&tenant);
            self.shed(touched, own, (now, Shed::TenantSessions), out);
        }
        if self.keys.len() > self.settings.max_sessions.max(1) {
            self.shed_fairly(touched, (now, Shed::Sessions), out);
        }
        while self.weight + self.reserved > self.settings.max_bytes && self.keys.len() > 1 {
            self.shed_fairly(touched, (now, Shed::Memory), out);
        }
    }

    /// Forgets keys without open work while there is too much of everything. A session that comes back after that is counted
    /// again, and a user's re-contact is not recognised; no work is lost.
    pub(super) fn forget_idle(&mut self, out: &mut Output) {
        while (self.weight + self.reserved > self.settings.idle_bytes()
            || self.keys.len() > self.settings.max_sessions)
            && let Some(index) = self.idle.first()
            && let Some((key, state)) = self.take_out(index)
        {
            self.weight -= state.weight();
            let from = out.facts.len();
            state.count_forgotten(out);
            state.give_up_reports(out);
            sign(&mut out.facts[from..], &key);
        }
    }

    /// The tenant of a key, if it has more keys than it may.
    fn full_tenant(&mut self, index: KeyIndex) -> Option<Name> {
        let limit = &self.settings.tenant_sessions;
        if !limit.is_set() {
            return None;
        }
        let (key, _) = self.keys.at(index)?;
        let tenant = key.tenant()?.clone();
        (self.keys.of_tenant(&tenant) > limit.of(&tenant)).then_some(tenant)
    }

    /// Sheds keys of tenants that hold at least an equal share of what there is too much of, if they have others than the one that stays.
    fn shed_fairly(&mut self, kept: KeyIndex, why: (Timestamp, Shed), out: &mut Output) {
        let great = self.great_tenants(why.1);
        let is_great = |key: &PartitionKey| match &great {
            Some(great) => great.contains(&key.tenant().cloned()),
            None => true,
        };
        let mut all = self.keys.iter();
        let has_others = all.any(|(index, key, _)| index != kept && is_great(key));
        drop(all);
        self.shed(kept, |key| is_great(key) || !has_others, why, out);
    }

    /// The tenants that hold at least an equal share, nobody counting as one; `None`: there are no tenants.
    fn great_tenants(&self, reason: Shed) -> Option<HashSet<Option<Name>>> {
        self.keys.tenants().next()?;
        let mut held: HashMap<Option<&Name>, usize> = HashMap::default();
        for (_, key, state) in self.keys.iter() {
            *held.entry(key.tenant()).or_default() += match reason {
                Shed::Memory => state.weight(),
                _ => 1,
            };
        }
        let share = held.values().sum::<usize>() / held.len().max(1);
        let great = held.into_iter().filter(|(_, held)| *held >= share);
        Some(great.map(|(tenant, _)| tenant.cloned()).collect())
    }

    /// Closes the sixteenth of the keys that are meant that was touched least recently, oldest first. Several at once, because all have to be looked at
    /// to find them.
    fn shed(
        &mut self,
        kept: KeyIndex,
        is_meant: impl Fn(&PartitionKey) -> bool,
        (now, reason): (Timestamp, Shed),
        out: &mut Output,
    ) {
        let others = || {
            let all = self.keys.iter();
            all.filter(|(index, key, _)| *index != kept && is_meant(key))
        };
        let mut touched: Vec<Timestamp> = others().map(|(.., state)| state.touched).collect();
        if touched.is_empty() {
            return;
        }
        let index = touched.len() / 16;
        let (_, youngest, _) = touched.select_nth_unstable(index);
        let old = others().filter(|(.., state)| state.touched <= *youngest);
        let old = old.map(|(index, key, state)| (state.touched, key.clone(), index));
        let mut old: Vec<(Timestamp, PartitionKey, KeyIndex)> = old.collect();
        old.sort_unstable();
        for (_, _, index) in old.into_iter().take(index + 1) {
            self.close_early(index, now, reason, out);
        }
    }

    fn close_early(&mut self, index: KeyIndex, now: Timestamp, reason: Shed, out: &mut Output) {
        let from = out.facts.len();
        let Some((key, mut state)) = self.take_out(index) else {
            return;
        };
        self.weight -= state.weight();
        state.count_forgotten(out);
        // What else was only remembered ends in silence.
        let open = state.session.as_deref().filter(|_| !state.is_idle());
        let trace = open.and_then(SessionState::any_trace);
        state.deal(&key, out);
        if let Some(session) = &mut state.session {
            session.on_time(&key, Timestamp::MAX, &self.settings, out);
        }
        if let Some(trace) = trace {
            out.facts.push(shed_fact(now, trace, reason));
        }
        sign(&mut out.facts[from..], &key);
    }
}
