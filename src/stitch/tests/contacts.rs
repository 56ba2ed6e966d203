//! Contacts of one user, told in any order.

use super::*;
use crate::model::cohort::Cohort;
use crate::model::record::Contact;

const MINUTE: u64 = 60_000_000_000;

/// A workflow of a minute that was closed.
fn contact(minute: u64, intent: &str) -> Contact {
    Contact {
        workflow: name("default"),
        intent: Some(name(intent)),
        outcome: Outcome::Resolved,
        start: Timestamp(minute * MINUTE),
        end: Timestamp((minute + 1) * MINUTE),
        trace: trace(1),
        cohort: [&(0, name(intent))].into_iter().collect::<Cohort>(),
        threshold: None,
    }
}

/// The minutes at which the re-contacted ones ended, in the order in which they were found.
fn recontacted(contacts: &[Contact]) -> Vec<u64> {
    let user = PartitionKey::User(TenantScoped {
        tenant: None,
        id: name("u"),
    });
    let settings = Settings::default();
    let mut stitcher = Stitcher::new(settings.clone());
    let mut out = Output::default();
    for contact in contacts {
        let entry = Entry {
            key: user.clone(),
            record: Record::Contact(Box::new(contact.clone())),
        };
        stitcher.apply(entry, Timestamp(0), &mut out);
        stitcher = reborn(&stitcher, settings.clone());
    }
    for fact in &out.facts {
        let about = contacts.iter().find(|contact| contact.end == fact.at);
        let about = about.expect("a fact of a contact");
        assert_eq!(fact.cohort, about.cohort, "the cohort is the contact's");
    }
    let found = out.facts.iter();
    let found = found.filter(|fact| matches!(fact.what, What::Recontact { .. }));
    found.map(|fact| fact.at.0 / MINUTE).collect()
}

#[test]
fn whatever_order_contacts_are_told_in_each_that_has_a_follower_counts_once() {
    let visits = [0, 10, 20].map(|minute| contact(minute, "refund"));
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut found = recontacted(&order.map(|i| visits[i].clone()));
        found.sort_unstable();
        assert_eq!(found, [1, 11], "{order:?}");
    }
}

#[test]
fn a_follower_begins_after_the_end_and_within_the_window() {
    let window = Settings::default().recontact_window.as_secs() / 60;
    for (minute, follows) in [
        (1, false),
        (2, true),
        (window + 1, true),
        (window + 2, false),
    ] {
        let found = recontacted(&[contact(0, "refund"), contact(minute, "refund")]);
        assert_eq!(found.len(), usize::from(follows), "minute {minute}");
    }
}

#[test]
fn the_sixty_fifth_contact_of_a_user_displaces_the_first() {
    for (others, found) in [(63, vec![1]), (64, vec![])] {
        let mut contacts = vec![contact(0, "refund")];
        contacts.extend((0..others).map(|n| contact(10, &n.to_string())));
        contacts.push(contact(20, "refund"));
        assert_eq!(recontacted(&contacts), found, "{others} others");
    }
}

/// Of a user with more workflows than are compared the oldest are forgotten, and counted.
#[test]
fn contacts_above_the_limit_are_counted() {
    let mut stitcher = Stitcher::new(Settings::default());
    let mut out = Output::default();
    for n in 0..67 {
        let entry = Entry {
            key: PartitionKey::User(TenantScoped {
                tenant: None,
                id: name("u"),
            }),
            record: Record::Contact(Box::new(contact(n * 2, &format!("intent {n}")))),
        };
        stitcher.apply(entry, Timestamp(0), &mut out);
    }
    let forgotten = out
        .facts
        .iter()
        .map(|fact| (fact.at.0 / MINUTE, &fact.what));
    let what = What::Ignored {
        reason: Ignored::ContactsOverLimit,
        events: 1,
    };
    assert_eq!(
        forgotten.collect::<Vec<_>>(),
        [(1, &what), (3, &what), (5, &what)]
    );
}
