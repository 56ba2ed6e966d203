//! Names of agents as they are compared (A-7), and what of a name lasts from run to run (A-8).

use super::Name;

/// A name as it is compared: without capitals, diacritics, punctuation and blanks (A-7). Frameworks make the names of tools out of the
/// names of agents, each in its own way. Only between two digits a separator tells names apart: `desk 1.2` is not `desk 12`.
pub fn key(name: &str) -> String {
    folded(name, |_| true)
}

/// Whether two names mean one agent. Some frameworks replace every letter that is not ASCII too, so that `Crédit` becomes `cr_dit`.
pub fn is_alike(a: &str, b: &str) -> bool {
    if a == b || key(a) == key(b) {
        return true;
    }
    let slug = |name: &str| folded(name, |c| c.is_ascii());
    (a.is_ascii() != b.is_ascii()) && slug(a).bytes().any(is_word) && slug(a) == slug(b)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// The letters and digits of a name; those that are not `kept` separate like punctuation.
fn folded(name: &str, kept: impl Fn(char) -> bool) -> String {
    let mut key = String::with_capacity(name.len());
    let mut apart = false;
    for c in name.chars().filter(|c| !is_mark(*c)) {
        if !c.is_alphanumeric() || !kept(c) {
            apart = true;
            continue;
        }
        if apart && c.is_numeric() && key.ends_with(char::is_numeric) {
            key.push('_');
        }
        apart = false;
        match plain(c) {
            "" => key.extend(c.to_lowercase().filter(|c| !is_mark(*c))),
            letters => key.push_str(letters),
        }
    }
    // A name of symbols alone is compared as it stands.
    if key.is_empty() {
        key.push_str(name.trim());
    }
    key
}

/// Diacritics that follow their letter.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// A Latin letter without its diacritics; nothing for all others.
fn plain(c: char) -> &'static str {
    const GROUPS: &[(&str, &str)] = &[
        ("ÀÁÂÃÄÅàáâãäåĀāĂăĄąǍǎ", "a"),
        ("ÇçĆćĈĉĊċČč", "c"),
        ("ĎďĐđÐð", "d"),
        ("ÈÉÊËèéêëĒēĔĕĖėĘęĚěẼẽ", "e"),
        ("ĜĝĞğĠġĢģ", "g"),
        ("ĤĥĦħ", "h"),
        ("ÌÍÎÏìíîïĨĩĪīĬĭĮįİı", "i"),
        ("Ĵĵ", "j"),
        ("Ķķ", "k"),
        ("ĹĺĻļĽľĿŀŁł", "l"),
        ("ÑñŃńŅņŇň", "n"),
        ("ÒÓÔÕÖØòóôõöøŌōŎŏŐőƠơǑǒ", "o"),
        ("ŔŕŖŗŘř", "r"),
        ("ŚśŜŝŞşŠšȘș", "s"),
        ("ŢţŤťŦŧȚț", "t"),
        ("ÙÚÛÜùúûüŨũŪūŬŭŮůŰűŲųƯưǓǔ", "u"),
        ("Ŵŵ", "w"),
        ("ÝýÿŶŷŸ", "y"),
        ("ŹźŻżŽž", "z"),
        ("Ææ", "ae"),
        ("Œœ", "oe"),
        ("ßẞ", "ss"),
        ("Þþ", "th"),
    ];
    if c.is_ascii() {
        return "";
    }
    let group = GROUPS.iter().find(|(letters, _)| letters.contains(c));
    group.map_or("", |(_, letters)| letters)
}

/// What of a name is the same in every run: it without a UUID, a hash, a timestamp or a long counter at its end (A-8). A name of
/// which nothing would be left stays whole.
pub fn lasting(name: &str) -> &str {
    let mut kept = name;
    while let Some(shorter) = without_suffix(kept, kept.len() < name.len()) {
        kept = shorter;
    }
    kept
}

/// [`lasting`] of a name, without a copy where nothing is cut.
pub fn lasting_name(name: &Name) -> Name {
    match lasting(name) {
        kept if kept.len() == name.len() => name.clone(),
        kept => Name::from(kept),
    }
}

/// A name without its last part, if that is new in every run. A date is, if a time followed.
fn without_suffix(name: &str, cut: bool) -> Option<&str> {
    let open = name.trim_end_matches([')', ']', '}', '>', ' ']);
    let left = |length: usize| {
        let head = open.get(..open.len().checked_sub(length)?)?;
        let rest = head.trim_end_matches(is_separator);
        (rest.len() < head.len() && rest.contains(char::is_alphanumeric)).then_some(rest)
    };
    if open.len() >= UUID.len() && is_uuid(&open.as_bytes()[open.len() - UUID.len()..]) {
        return left(UUID.len());
    }
    let last = open.rsplit(is_separator).next()?;
    let rest = left(last.len())?;
    if is_new_in_every_run(last) || cut && is_date(last) {
        return Some(rest);
    }
    // A pod: the hash of its template, then five letters of its own.
    let before = rest.rsplit(is_separator).next()?;
    let is_pod = is_pod_suffix(last) && (8..=10).contains(&before.len()) && is_mixed(before);
    let head = is_pod.then(|| rest[..rest.len() - before.len()].trim_end_matches(is_separator))?;
    head.contains(char::is_alphanumeric).then_some(head)
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        '-' | '_' | '.' | ' ' | ':' | '/' | '#' | '@' | '~' | '|' | '(' | '[' | '{' | '<' | '+'
    )
}

/// The form of a UUID.
const UUID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

fn is_uuid(text: &[u8]) -> bool {
    let is = |(form, byte): (u8, &u8)| match form {
        b'x' => byte.is_ascii_hexdigit(),
        dash => *byte == dash || *byte == b'_',
    };
    UUID.bytes().zip(text).all(is)
}

/// Whether a word is of a kind that programs make up for each run.
fn is_new_in_every_run(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == word.len() {
        // `support 24`, `room 404` and a date (`claude 20250219`) last; a counter of five places and a time do not.
        return word.len() >= 5 && !is_date(word);
    }
    if word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return word.len() >= 6 && digits > 0;
    }
    // `20250102T101500Z`, and the letters and digits of an id.
    let is_time = word.len() >= 13 && digits >= 12 && word.starts_with("20");
    let random = word.len() >= 12 && word.bytes().all(is_word);
    is_time || random && digits >= 3 && changes(word) >= 4
}

fn is_date(word: &str) -> bool {
    let number = |range: std::ops::Range<usize>| word.get(range).and_then(|n| n.parse().ok());
    word.len() == 8
        && (word.starts_with("19") || word.starts_with("20"))
        && number(4..6).is_some_and(|month: u8| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day: u8| (1..=31).contains(&day))
}

/// How often letters and digits follow each other.
fn changes(word: &str) -> usize {
    let bytes = word.as_bytes();
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    pairs
        .filter(|(a, b)| a.is_ascii_digit() != b.is_ascii_digit())
        .count()
}

/// The letters that Kubernetes draws from.
fn is_pod_suffix(word: &str) -> bool {
    word.len() == 5
        && word
            .bytes()
            .all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
}

fn is_mixed(word: &str) -> bool {
    let lower = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    word.bytes().all(|b| lower(&b))
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().any(|b| b.is_ascii_lowercase())
}

/// Whether a name is only a number, perhaps behind the word agent: what a framework calls the tools of handoffs that it counts.
pub fn is_number(name: &str) -> bool {
    let key = key(name);
    let number = [
        "agent",
        "assistant",
        "handoff",
        "target",
        "node",
        "participant",
    ]
    .iter()
    .find_map(|word| key.strip_prefix(word))
    .unwrap_or(&key);
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a name sounds like people: `human_desk`, `second_level_human`, but not `human_resources` (H-9).
pub fn is_person(name: &str) -> bool {
    const SUBJECTS: &[&str] = &["resource", "resources", "rights", "relations", "capital"];
    let is = |word: &str| word.eq_ignore_ascii_case("human");
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [.., last] if is(last) => true,
        [first, second, ..] => {
            is(first) && !SUBJECTS.iter().any(|s| s.eq_ignore_ascii_case(second))
        }
        _ => false,
    }
}

/// Whether a name says by itself that it is an agent's: `orchard_agent`, `Refund Desk` (H-10).
pub fn is_role(name: &str) -> bool {
    const ROLES: &[&str] = &[
        "agent",
        "assistant",
        "bot",
        "desk",
        "specialist",
        "expert",
        "advisor",
        "adviser",
        "team",
        "department",
    ];
    let key = key(name);
    ROLES.iter().any(|role| key.ends_with(role)) || key.starts_with("agent")
}

/// How much a spelling looks like what a person wrote and not like what a program made of it.
pub fn richness(name: &str) -> usize {
    let mixed = name.contains(char::is_uppercase) && name.contains(char::is_lowercase);
    let blank = name.contains(' ');
    let letters = !name.is_ascii();
    let signs = name
        .chars()
        .any(|c| !c.is_alphanumeric() && !matches!(c, ' ' | '_' | '-'));
    [mixed, blank, letters, signs]
        .into_iter()
        .map(usize::from)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-7.
    #[test]
    fn one_agent_has_many_spellings() {
        for (a, b) in [
            ("Night Desk", "night_desk"),
            ("night-desk", "night  desk"),
            ("PlannerAgent", "planner_agent"),
            ("refundAgent", "Refund Agent"),
            ("OpenAI Agent", "openai_agent"),
            ("Billing & Refunds", "billing___refunds"),
            (" (Billing) Refunds! ", "billing_refunds"),
            ("Crédit Desk", "credit_desk"),
            ("Crédit Desk", "cr_dit_desk"),
            ("Cre\u{301}dit", "CRÉDIT"),
            ("Straße", "strasse"),
            ("返金 係", "返金係"),
            ("Служба возврата", "служба_возврата"),
            ("tier_2", "Tier2"),
            ("***", "***"),
        ] {
            assert!(is_alike(a, b) && is_alike(b, a), "{a} and {b}");
        }
    }

    /// A-7.
    #[test]
    fn agents_that_differ_in_more_stay_apart() {
        for (a, b) in [
            ("scout_1", "scout_2"),
            ("desk_1_2", "desk_12"),
            ("refund", "refunds"),
            ("返金", "配送"),
            ("返金", "__"),
            ("***", "+++"),
            ("gpt-4-agent", "gpt-5-agent"),
            ("billing_2", "billing"),
        ] {
            assert!(!is_alike(a, b), "{a} and {b}");
        }
    }

    /// A-8.
    #[test]
    fn what_is_new_in_every_run_is_no_part_of_a_name() {
        for (whole, kept) in [
            ("worker-00000001-0b4d-4c2a-9f00-000000000001", "worker"),
            ("worker_3F2A9C11-0b4d-4c2a-9f00-000000000001", "worker"),
            ("worker_0000000a0b4d4c2a9f00000000000001", "worker"),
            ("night desk (3f2a9c11)", "night desk"),
            ("worker:3f2a9c", "worker"),
            ("worker-1732838400", "worker"),
            ("worker-1732838400123", "worker"),
            ("worker-00017", "worker"),
            ("worker-20251129T101500Z", "worker"),
            ("worker-20251129-101500-3f2a9c1b", "worker"),
            ("worker-7d9f8b6c5d-x2x9z", "worker"),
            ("asst_x7Kq9ZpL2m4T", "asst"),
            (
                "writer_0b4d0b4d-0b4d-4c2a-9f00-000000000001/0b4d0b4d-0b4d-4c2a-9f00-000000000001",
                "writer",
            ),
        ] {
            assert_eq!(lasting(whole), kept, "{whole}");
        }
    }

    /// A-8.
    #[test]
    fn a_name_that_lasts_stays_whole() {
        for name in [
            "gpt-4-agent",
            "agent-7",
            "tier2",
            "tier-2",
            "room-404",
            "agent-2025",
            "claude-3-7-sonnet-20250219",
            "scout_1",
            "red-facade",
            "desk-b2b",
            "gpt-4o-mini",
            "support-24x7",
            "worker",
            "00000001-0b4d-4c2a-9f00-000000000001",
            "1732838400",
            "agent 007",
            "返金-係",
            "returns-decade",
            "",
        ] {
            assert_eq!(lasting(name), name);
        }
    }

    /// H-9.
    #[test]
    fn people_are_called_human() {
        for person in ["human_desk", "Human Support", "second-level-human", "human"] {
            assert!(is_person(person), "{person}");
        }
        for agent in [
            "human_resources",
            "Human Resources Desk",
            "humanist_desk",
            "desk",
            "",
        ] {
            assert!(!is_person(agent), "{agent}");
        }
    }

    /// H-10.
    #[test]
    fn some_names_say_that_they_are_an_agents() {
        for role in ["orchard_agent", "OrchardAgent", "Refund Desk", "agent_b"] {
            assert!(is_role(role), "{role}");
        }
        for other in ["savings_account", "checking", "desktop", ""] {
            assert!(!is_role(other), "{other}");
        }
    }

    #[test]
    fn numbers_are_no_names() {
        for number in ["1", "12", "agent_3", "Agent 3", "agent-3"] {
            assert!(is_number(number), "{number}");
        }
        for name in ["scout_1", "agent", "tier2", "", "a1"] {
            assert!(!is_number(name), "{name}");
        }
    }
}
