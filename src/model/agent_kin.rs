//! Names that say one agent in more or fewer words (H-2): `transfer_to_refunds` leads to the `Refunds Agent`.

use super::agent_name::{is_mark, is_number, is_person, key};

/// What a name may have more without being another agent's.
const ROLE_WORDS: &[&str] = &[
    "agent",
    "assistant",
    "bot",
    "desk",
    "specialist",
    "expert",
    "advisor",
    "adviser",
    "representative",
    "handler",
    "worker",
    "team",
    "department",
    "service",
];

/// How near the name of a target is to that of an agent, nearer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// One is the other with words such as `agent` before or after it.
    Role,
    /// A word is in the plural.
    Plural,
    /// Both.
    Both,
}

/// What two names that are kin have in common: the name in the singular without the words of a role around it. Empty where nothing is left.
pub fn core(name: &str) -> String {
    let words: Vec<String> = words(name).iter().map(|word| singular(word)).collect();
    let (before, after) = role_words(&words);
    let own = words.get(before..words.len() - after);
    own.map(joined).unwrap_or_default()
}

/// How near two names are that are not alike; `None` where they name two agents.
pub fn kinship(a: &str, b: &str) -> Option<Kinship> {
    if [a, b].iter().any(|name| is_number(name) || is_person(name)) {
        return None;
    }
    let (a, b) = (words(a), words(b));
    if is_within(&a, &b) || is_within(&b, &a) {
        return Some(Kinship::Role);
    }
    let one = |words: &[String]| -> Vec<String> { words.iter().map(|w| singular(w)).collect() };
    let (a, b) = (one(&a), one(&b));
    let near = is_within(&a, &b) || is_within(&b, &a);
    near.then_some(match a.len() == b.len() {
        true => Kinship::Plural,
        false => Kinship::Both,
    })
}

/// Whether the long name is the short one with words of a role around it.
fn is_within(short: &[String], long: &[String]) -> bool {
    if role_words(short).0 == short.len() {
        return false;
    }
    let whole = joined(short);
    let (before, after) = role_words(long);
    (0..=before).any(|first| {
        let mut ends = (long.len() - after).max(first)..=long.len();
        ends.any(|end| joined(&long[first..end]) == whole)
    })
}

/// How many words of a role a name begins and ends with.
fn role_words(words: &[String]) -> (usize, usize) {
    let is_role = |word: &&String| ROLE_WORDS.contains(&singular(word).as_str());
    let before = words.iter().take_while(is_role).count();
    (before, words.iter().rev().take_while(is_role).count())
}

/// The words of a name as they are compared: `HotelDesk`, `hotel_desk` and `Hotel Desk` have the same.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let goes_on = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || b.is_uppercase() && goes_on);
        if begins || !c.is_alphanumeric() && !is_mark(c) {
            words.push(String::new());
        }
        if let Some(word) = words
            .last_mut()
            .filter(|_| c.is_alphanumeric() || is_mark(c))
        {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().map(|word| key(word)).collect()
}

/// Two numbers stay two.
fn joined(words: &[String]) -> String {
    let mut whole = String::new();
    for word in words {
        if whole.ends_with(char::is_numeric) && word.starts_with(char::is_numeric) {
            whole.push('_');
        }
        whole.push_str(word);
    }
    whole
}

/// An English word without the ending of its plural.
fn singular(word: &str) -> String {
    let cut = |ending: &str, new: &str| {
        let stem = word.strip_suffix(ending)?;
        (stem.len() >= 3).then(|| format!("{stem}{new}"))
    };
    if ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return word.to_owned();
    }
    let of_sibilant = || {
        let ends = ["ss", "x", "ch", "sh"];
        cut("es", "").filter(|stem| ends.iter().any(|end| stem.ends_with(end)))
    };
    cut("ies", "y")
        .or_else(of_sibilant)
        .or_else(|| cut("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H-2.
    #[test]
    fn a_name_may_say_its_role_or_not() {
        for (a, b) in [
            ("refunds", "Refunds Agent"),
            ("refunds", "RefundsAgent"),
            ("refunds_agent", "Refunds"),
            ("refunds_specialist", "Refunds Specialist Agent"),
            ("sales", "Sales Specialist"),
            ("hr", "HRAgent"),
            ("billing", "agent_billing"),
            ("open_ai", "OpenAI Agent"),
            ("cre\u{301}dit", "CRÉDIT Team"),
            ("tier_2", "Tier 2 Desk"),
            ("orders", "Orders Department Service"),
            ("flight experts", "Flight"),
        ] {
            assert_eq!(kinship(a, b), Some(Kinship::Role), "{a} and {b}");
            assert_eq!(kinship(b, a), Some(Kinship::Role), "{b} and {a}");
            assert_eq!(core(a), core(b));
        }
    }

    /// H-2.
    #[test]
    fn a_name_may_be_a_plural() {
        for (a, b, near) in [
            ("refund", "refunds", Kinship::Plural),
            ("branch desk", "Branches Desk", Kinship::Plural),
            ("hotels", "Hotel Desk", Kinship::Both),
            ("hotel_bookings", "Hotel Booking Agent", Kinship::Both),
            ("inquiry", "Inquiries Team", Kinship::Both),
            ("tax", "taxes_agent", Kinship::Both),
        ] {
            assert_eq!(kinship(a, b), Some(near), "{a} and {b}");
            assert_eq!(kinship(b, a), Some(near), "{b} and {a}");
            assert_eq!(core(a), core(b));
        }
    }

    /// H-2.
    #[test]
    fn other_words_name_other_agents() {
        for (a, b) in [
            ("refunds_desk", "refunds_agent"),
            ("hotels", "Hotel Booking Agent"),
            ("billing", "Billing Support"),
            ("agent", "Agent Desk"),
            ("agent_2", "2"),
            ("desk_1_2", "desk_12_agent"),
            ("human", "Human Agent"),
            ("status", "statu"),
            ("address", "addres"),
            ("gas", "ga"),
            ("team_lead", "lead_generation"),
            ("", "agent"),
            ("***", "agent"),
        ] {
            assert_eq!(kinship(a, b), None, "{a} and {b}");
            assert_eq!(kinship(b, a), None, "{b} and {a}");
        }
    }
}
