//! Two tenants that send equal IDs: each has its own sessions, links and parts, as if it were alone.

use super::links::{homes_of, link_scenes};
use super::shared::Job;
use super::*;
use crate::model::tenant::TenantLimit;

/// The key of the same thing of a tenant.
fn key_of(tenant: &str, key: &PartitionKey) -> PartitionKey {
    let scoped = |owner: &TenantScoped| TenantScoped {
        tenant: Some(tenant.into()),
        id: owner.id.clone(),
    };
    match key {
        PartitionKey::Session(owner) => PartitionKey::Session(scoped(owner)),
        PartitionKey::User(owner) => PartitionKey::User(scoped(owner)),
        PartitionKey::Trace(id) => PartitionKey::TenantTrace(tenant.into(), *id),
        PartitionKey::TenantTrace(..) => panic!("it has a tenant already"),
    }
}

/// The same record of a tenant that was authenticated.
fn of(tenant: &str, (key, record): &(PartitionKey, Record)) -> (PartitionKey, Record) {
    let record = match record.clone() {
        Record::Event(mut event) => {
            event.context.tenant = Some(tenant.into());
            event.context.has_authenticated_tenant = true;
            Record::Event(event)
        }
        Record::Bind(to) => Record::Bind(key_of(tenant, &to)),
        other => panic!("no record that a receiver writes: {other:?}"),
    };
    (key_of(tenant, key), record)
}

/// The records of both, one of the first tenant and one of the second in turns.
fn both(records: &[(PartitionKey, Record)]) -> Vec<(PartitionKey, Record)> {
    let each = |record| [of("a", record), of("b", record)];
    records.iter().flat_map(each).collect()
}

fn assert_apart(story: &str, records: &[(PartitionKey, Record)]) {
    for at_once in [true, false] {
        let alone = homes_of(records.to_vec(), at_once);
        let mut expected: Vec<PartitionKey> = ["a", "b"]
            .into_iter()
            .flat_map(|tenant| alone.iter().map(move |home| key_of(tenant, home)))
            .collect();
        expected.sort();
        assert_eq!(homes_of(both(records), at_once), expected, "{story}");
    }
}

#[test]
fn equal_traces_that_follow_links_stay_apart() {
    for (story, events, binds, _) in link_scenes() {
        assert_apart(story, &[events.clone(), binds.clone()].concat());
        assert_apart(story, &[binds, events].concat());
    }
}

#[test]
fn a_tenant_with_too_many_sessions_loses_its_own_oldest_and_nobody_elses() {
    let (scene, ..) = transfer();
    let settings = Settings {
        tenant_sessions: TenantLimit {
            common: Some(5),
            own: [("b".into(), 100)].into(),
        },
        ..Settings::default()
    };
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    for n in 0..20 {
        for tenant in ["a", "b"] {
            for event in &scene.events {
                let mut event = event.clone();
                event.trace = trace(n + 1);
                let record = Record::Event(Box::new(event));
                let (key, record) = of(tenant, &(session(&n.to_string()), record));
                stitcher.apply(Entry { key, record }, Timestamp(n.into()), &mut out);
            }
            stitcher = reborn(&stitcher, settings.clone());
        }
    }
    let shed = |tenant: &str| {
        let facts = out.facts.iter();
        let shed = facts.filter(|fact| fact.what == What::Shed(Shed::TenantSessions));
        let own = shed
            .filter(|fact| fact.key.as_ref().and_then(|key| key.tenant()) == Some(&tenant.into()));
        own.count()
    };
    assert_eq!((shed("a"), shed("b")), (15, 0));
    assert_eq!(
        turns(&out.facts).len(),
        15,
        "each was decided when it was closed"
    );
    assert_eq!(stitcher.keys(), 5 + 20);
}

/// S-15.
#[test]
fn equal_traces_of_several_sessions_are_dealt_out_within_their_tenant() {
    let mut job = Job::default();
    let root = job.frame((0, 1000));
    for (i, session) in ["c", "a", "b"].into_iter().enumerate() {
        job.desk(root, 100 + 200 * i as u64, Some(session));
    }
    let records = Job::records(&job.scene.events);
    assert_eq!(homes_of(records.clone(), true).len(), 3);
    assert_apart("a job", &records);
    let reversed: Vec<_> = records.into_iter().rev().collect();
    assert_apart("a job, the other way round", &reversed);
}
