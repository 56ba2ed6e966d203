//! Handoffs: control or a task passes from one agent to another agent or a human.

use super::passed::{intent_kept, retention};
use super::tree::{Tree, alike, same};
use super::turns::{Activation, Turn, failed};
use super::{Settings, Sheet, UNKNOWN};
use baton::model::Name;
use baton::model::event::{Event, HandoffRequest, Kind, Target};
use baton::model::ids::TraceId;
use baton::model::price::ActionPrices;
use baton::model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

pub struct Handoff<'e> {
    /// The turn that made it, and the one in which its target acted.
    pub turn: usize,
    pub acted_in: usize,
    /// The turn in which it was judged; `None`: it waited for a later one in vain.
    pub judged_in: Option<usize>,
    pub from: &'e str,
    pub to: &'e str,
    pub kind: &'static str,
    pub at: Timestamp,
    /// Empty for a success.
    pub reason: &'static str,
    /// As it looked when its turn ended: a target that comes later does not mend that turn.
    pub first_reason: &'static str,
    pub phantom: bool,
    /// The trace that made it.
    trace: TraceId,
    latency: Option<f64>,
    retention: Option<(f64, &'static str)>,
    /// Whether the target works on what the user came for.
    intent_kept: Option<bool>,
}

impl Handoff<'_> {
    /// A human who is called in costs what the operator says.
    pub fn cost(&self, prices: &ActionPrices) -> Option<f64> {
        let called = self.to == HUMAN && self.reason.is_empty();
        prices.escalation.filter(|_| called)
    }
}

/// What shows that an agent hands over: one or several spans.
struct Sign<'e> {
    events: Vec<&'e Event>,
    from: Option<&'e str>,
    to: &'e Target,
    ids: Vec<&'e Name>,
    /// A model asks for it; something ran; it was refused.
    asked: bool,
    ran: bool,
    refused: bool,
    delegates: bool,
    /// The decision, and the last that shows it.
    at: Timestamp,
    last: Timestamp,
    trace: TraceId,
}

pub const HUMAN: &str = "human";

pub fn of<'e>(tree: &Tree<'e>, turns: &[Turn<'e>], settings: &Settings) -> Vec<Handoff<'e>> {
    let mut all: Vec<Handoff<'e>> = Vec::new();
    // Made in an earlier turn, and waiting for a target: where in `all`, and the sign.
    let mut waiting: Vec<(usize, Sign<'e>)> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let signs = merge(tree, turn, signs(tree, turn));
        let mut taken: BTreeMap<usize, &Activation<'e>> = BTreeMap::new();
        for (i, target) in turn.activations.iter().enumerate() {
            let before = &turn.activations[..i];
            if let Some(sign) = called(tree, &signs, &taken, target) {
                taken.insert(sign, target);
            } else if let Some(found) = resumed(&all, &waiting, (turns, turn), target, settings) {
                let (place, sign) = waiting.remove(found);
                let handoff = &mut all[place];
                handoff.kind = "resume";
                handoff.to = target.agent.unwrap_or(handoff.to);
                handoff.acted_in = number;
                handoff.judged_in = Some(number);
                handoff.phantom = false;
                judge(tree, turns, &signs, target, &sign.events, handoff, settings);
            } else if let Some((source, kind)) = moved(tree, turn, before, target) {
                let at = if kind == "transfer" {
                    source.end
                } else {
                    target.start
                };
                let mut handoff = blank(
                    number,
                    source.agent,
                    target.agent,
                    kind,
                    (at, target.steps[0].trace),
                );
                judge(tree, turns, &signs, target, &[], &mut handoff, settings);
                handoff.latency = handoff.latency.filter(|_| kind == "transfer");
                all.push(handoff);
            }
        }
        for (i, sign) in signs.into_iter().enumerate() {
            let target = taken.get(&i).copied();
            let to = match sign.to {
                Target::Human => Some(HUMAN),
                Target::Agent(name) => target.and_then(|t| t.agent).or(Some(&**name)),
                Target::Unknown => target.and_then(|target| target.agent),
            };
            let inside = target.is_some_and(|target| works_in(tree, target, &sign));
            let kind = if sign.delegates || inside {
                "delegation"
            } else {
                "transfer"
            };
            let mut handoff = blank(number, sign.from, to, kind, (sign.at, sign.trace));
            let waits = matches!(sign.to, Target::Agent(_)) && target.is_none() && !sign.refused;
            match target {
                Some(target) => {
                    let own: Vec<&Event> = sign.events.clone();
                    let signs = merge(tree, turn, self::signs(tree, turn));
                    judge(tree, turns, &signs, target, &own, &mut handoff, settings);
                }
                None if sign.refused => handoff.reason = "rejected",
                None if to == Some(HUMAN) => {}
                None => handoff.reason = "dropped",
            }
            handoff.phantom = target.is_none() && to != Some(HUMAN) && sign.asked && !sign.ran;
            handoff.first_reason = handoff.reason;
            if waits {
                handoff.judged_in = None;
            }
            all.push(handoff);
            if waits {
                waiting.push((all.len() - 1, sign));
            }
        }
    }
    all
}

fn blank<'e>(
    turn: usize,
    from: Option<&'e str>,
    to: Option<&'e str>,
    kind: &'static str,
    (at, trace): (Timestamp, TraceId),
) -> Handoff<'e> {
    Handoff {
        turn,
        acted_in: turn,
        judged_in: Some(turn),
        from: from.unwrap_or(UNKNOWN),
        to: to.unwrap_or(UNKNOWN),
        kind,
        at,
        reason: "",
        first_reason: "",
        phantom: false,
        trace,
        latency: None,
        retention: None,
        intent_kept: None,
    }
}

/// All that shows handoffs in a turn, in order.
fn signs<'e>(tree: &Tree<'e>, turn: &Turn<'e>) -> Vec<Sign<'e>> {
    let mut all = Vec::new();
    for event in turn.events.iter().copied() {
        let sign = |to: &'e Target, id: Option<&'e Name>, at| Sign {
            events: Vec::new(),
            from: tree.agent(event),
            to,
            ids: id.into_iter().collect(),
            asked: false,
            ran: false,
            refused: false,
            delegates: false,
            at,
            last: at,
            trace: event.trace,
        };
        let request = |r: &'e HandoffRequest| sign(&r.target, r.call_id.as_ref(), event.end);
        let asked = |r: &'e HandoffRequest| Sign {
            asked: true,
            ..request(r)
        };
        match &event.kind {
            Kind::Model(call) => {
                let notes = tree
                    .events
                    .iter()
                    .filter(|n| matches!(n.kind, Kind::Note(_)) && same(n, event));
                let mut requests: Vec<&HandoffRequest> = call.requests.iter().collect();
                for more in notes.flat_map(|note| &note.rare.requests) {
                    if !requests.contains(&more) {
                        requests.push(more);
                    }
                }
                all.extend(requests.into_iter().map(asked));
            }
            Kind::Tool(tool) => all.extend(tool.hands_to.iter().map(|to| Sign {
                events: vec![event],
                ran: true,
                refused: tool.failed || event.error,
                delegates: tool.delegates,
                ..sign(to, tool.call_id.as_ref(), event.start)
            })),
            Kind::Handoff(handoff) => all.push(Sign {
                events: vec![event],
                from: handoff.from.as_deref().or_else(|| tree.agent(event)),
                ran: true,
                refused: handoff.failed,
                delegates: handoff.delegates,
                ..sign(&handoff.to, None, event.start)
            }),
            _ => {}
        }
        let refused = |r: &'e HandoffRequest| Sign {
            refused: true,
            ..request(r)
        };
        all.extend(event.rare.refused.iter().map(refused));
    }
    all.sort_by_key(|sign| sign.at);
    all
}

/// Each handoff once. Signs of one trace show the same one when they share a call id, or when source and target agree and the
/// source's model did not decide anew in between.
fn merge<'e>(tree: &Tree<'e>, turn: &Turn<'e>, signs: Vec<Sign<'e>>) -> Vec<Sign<'e>> {
    let mut all: Vec<Sign<'e>> = Vec::new();
    let calls: Vec<&Event> = turn
        .calls(tree)
        .into_iter()
        .map(|(event, _)| event)
        .collect();
    for new in signs {
        let is_same = |known: &&mut Sign<'e>| {
            if known.trace != new.trace {
                return false;
            }
            if known.ids.iter().any(|id| new.ids.contains(id)) {
                return true;
            }
            let alike = known.asked && new.asked || known.ran && new.ran;
            let ids_differ = alike && !known.ids.is_empty() && !new.ids.is_empty();
            let source = known.from.is_none() || new.from.is_none() || known.from == new.from;
            let open = |to: &Target| *to == Target::Unknown;
            let target = open(known.to) || open(new.to) || is_one(known.to, new.to);
            let anew = calls.iter().any(|call| {
                tree.agent(call) == known.from && known.last < call.start && call.start < new.at
            });
            source && target && !ids_differ && (!anew || new.refused && !new.ran)
        };
        match all.iter_mut().rev().find(is_same) {
            Some(known) => {
                known.last = known.last.max(new.last);
                if *known.to == Target::Unknown {
                    known.to = new.to;
                }
                known.from = known.from.or(new.from);
                known.ids.extend(new.ids);
                known.events.extend(new.events);
                known.asked |= new.asked;
                known.ran |= new.ran;
                known.refused |= new.refused;
                known.delegates |= new.delegates;
            }
            None => all.push(new),
        }
    }
    all
}

/// Whether two signs lead to the same target.
fn is_one(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::Agent(one), Target::Agent(other)) => alike(one, other),
        _ => one == other,
    }
}

/// Whether the target works inside the spans of the handoff.
fn works_in<'e>(tree: &Tree<'e>, target: &Activation<'e>, sign: &Sign<'e>) -> bool {
    let node = target.node.unwrap_or(target.steps[0]);
    sign.events
        .iter()
        .any(|event| same(event, node) || tree.is_inside(node, event))
}

/// The handoff that called an agent in: the latest one to it that is open; first those inside whose spans it works.
fn called<'e>(
    tree: &Tree<'e>,
    signs: &[Sign<'e>],
    taken: &BTreeMap<usize, &Activation<'e>>,
    target: &Activation<'e>,
) -> Option<usize> {
    let named = |sign: &Sign<'e>| matches!(sign.to, Target::Agent(to) if target.agent.is_some_and(|agent| alike(to, agent)));
    // Where one of them has no name, whoever acts next is the target.
    let anonymous = |sign: &Sign<'e>| match sign.to {
        Target::Unknown => target.agent.is_some() && target.agent != sign.from,
        Target::Agent(_) => {
            target.agent.is_none() && sign.ran && !sign.refused && sign.from.is_some()
        }
        Target::Human => false,
    };
    let latest = |fits: &dyn Fn(&Sign<'e>) -> bool| {
        let open = signs
            .iter()
            .enumerate()
            .filter(|(i, sign)| !taken.contains_key(i) && fits(sign));
        open.max_by_key(|(_, sign)| sign.at).map(|(i, _)| i)
    };
    latest(&|sign| works_in(tree, target, sign) && (named(sign) || anonymous(sign)))
        .or_else(|| latest(&|sign| sign.at <= target.start && named(sign)))
        .or_else(|| latest(&|sign| sign.at <= target.start && anonymous(sign)))
}

/// The first agent of a turn may be the one that a handoff of an earlier turn waits for: it begins soon enough after that, and something
/// of its turn is known soon enough.
fn resumed<'e>(
    all: &[Handoff<'e>],
    waiting: &[(usize, Sign<'e>)],
    (turns, turn): (&[Turn<'e>], &Turn<'e>),
    target: &Activation<'e>,
    settings: &Settings,
) -> Option<usize> {
    let fits = |(place, _): &(usize, Sign<'e>)| {
        let handoff = &all[*place];
        let due = turns[handoff.turn].shown + settings.drop_timeout;
        let session =
            |(at, known): &(_, BTreeSet<usize>)| *at <= due && known.contains(&handoff.turn);
        turn.before.iter().any(session)
            && target.agent.is_some_and(|agent| alike(handoff.to, agent))
            && handoff.at <= target.start
            && target.start.since(handoff.at) <= settings.drop_timeout
    };
    let is_first = std::ptr::eq(target, &turn.activations[0]);
    waiting.iter().rposition(fits).filter(|_| is_first)
}

/// Control moved though nothing says so: to an agent that did not act in this turn before. Inside another agent's work it is a
/// delegation, after it a transfer.
fn moved<'t, 'e>(
    tree: &Tree<'e>,
    turn: &'t Turn<'e>,
    before: &'t [Activation<'e>],
    target: &Activation<'e>,
) -> Option<(&'t Activation<'e>, &'static str)> {
    let known = before.iter().any(|a| a.agent == target.agent);
    if target.agent.is_none() || known {
        return None;
    }
    if let Some(around) = around(tree, turn, target) {
        return around.agent.is_some().then_some((around, "delegation"));
    }
    let ended = before
        .iter()
        .filter(|a| around(tree, turn, a).is_none() && a.end <= target.start);
    let last = ended.max_by_key(|a| a.end)?;
    last.agent.is_some().then_some((last, "transfer"))
}

/// The activation inside which another one works: by its spans, or in a trace of its own by its time.
fn around<'t, 'e>(
    tree: &Tree<'e>,
    turn: &'t Turn<'e>,
    inner: &Activation<'e>,
) -> Option<&'t Activation<'e>> {
    let node = inner.node.unwrap_or(inner.steps[0]);
    let owns = |a: &Activation<'e>, event: &Event| {
        a.steps.iter().any(|step| same(step, event)) || a.node.is_some_and(|n| same(n, event))
    };
    let mut line = std::iter::once(node).chain(tree.ancestors(node));
    let by_spans = line.find_map(|event| {
        turn.activations
            .iter()
            .find(|a| a.agent != inner.agent && owns(a, event))
    });
    let trace = |a: &Activation<'e>| a.steps[0].trace;
    let by_time = turn.activations.iter().filter(|a| {
        trace(a) != trace(inner)
            && a.agent != inner.agent
            && a.start <= inner.start
            && a.end >= inner.end
            && (a.start, a.end) != (inner.start, inner.end)
    });
    by_spans.or_else(|| by_time.min_by_key(|a| a.end.since(a.start)))
}

/// Judged on the target's first step.
fn judge<'e>(
    tree: &Tree<'e>,
    turns: &[Turn<'e>],
    signs: &[Sign<'e>],
    target: &Activation<'e>,
    own: &[&'e Event],
    handoff: &mut Handoff<'e>,
    settings: &Settings,
) {
    handoff.latency = Some(target.start.since(handoff.at).as_secs_f64());
    handoff.retention = retention(tree, &turns[handoff.turn], target, own, handoff);
    handoff.intent_kept = intent_kept(tree, turns, target, own, handoff);
    let first = target.steps[0];
    let back = signs.iter().any(|back| {
        matches!(back.to, Target::Agent(to) if alike(to, handoff.from))
            && back.from == target.agent
            && first.start <= back.at
            && back.at <= first.end
    });
    let lost = handoff.retention.is_some_and(|(ratio, evidence)| {
        evidence != "tokens" && ratio < settings.retention_threshold && handoff.kind != "delegation"
    });
    handoff.reason = if failed(tree, first) {
        "target_error"
    } else if back && handoff.from != UNKNOWN && target.agent.is_some() {
        "bounced"
    } else if lost {
        "context_lost"
    } else {
        ""
    };
}

pub fn count(
    tree: &Tree<'_>,
    turns: &[Turn<'_>],
    handoffs: &[Handoff<'_>],
    prices: &ActionPrices,
    sheet: &mut Sheet,
) {
    for handoff in handoffs {
        let workflow = turns[handoff.turn].workflow();
        let workflow = ("workflow", &*workflow);
        let mut sheet = sheet.by(tree.weight_of_trace(handoff.trace));
        let result = if handoff.reason.is_empty() {
            "success"
        } else {
            "failed"
        };
        let pair = [("from", handoff.from), ("to", handoff.to)];
        let how = [
            ("kind", handoff.kind),
            ("result", result),
            ("reason", handoff.reason),
        ];
        sheet.count("baton_handoffs_total", &[&pair[..], &how].concat());
        sheet.count("baton_workflow_handoffs_total", &[workflow, how[1], how[2]]);
        if handoff.to == HUMAN && handoff.reason.is_empty() {
            sheet.count("baton_escalations_total", &pair[..1]);
        }
        if let Some(usd) = handoff.cost(prices) {
            let labels = [("kind", "escalation"), ("name", handoff.from)];
            sheet.add("baton_action_cost_usd_total", &labels, usd);
        }
        if let Some(kept) = handoff.intent_kept {
            let result = if kept { "kept" } else { "changed" };
            let labels = [&pair[..], &[("result", result)]].concat();
            sheet.count("baton_handoff_intents_total", &labels);
        }
        if handoff.phantom {
            sheet.count("baton_phantom_handoffs_total", &pair);
        }
        if let Some(latency) = handoff.latency {
            sheet.observe("baton_handoff_duration_seconds", &pair[1..], latency);
        }
        if let Some((ratio, evidence)) = handoff.retention {
            let evidence = ("evidence", evidence);
            let name = "baton_handoff_context_retention_ratio";
            sheet.observe(name, &[pair[1], evidence], ratio);
            let name = "baton_workflow_context_retention_ratio";
            sheet.observe(name, &[workflow, evidence], ratio);
        }
    }
    loops(tree, handoffs, sheet);
}

/// Within one turn, transfers lead back to an agent that had given control away. A loop is counted where it closes.
fn loops(tree: &Tree<'_>, handoffs: &[Handoff<'_>], sheet: &mut Sheet) {
    let moves = |h: &&Handoff<'_>| {
        h.kind != "delegation" && h.to != HUMAN && h.reason != "dropped" && h.reason != "rejected"
    };
    let mut moves: Vec<&Handoff<'_>> = handoffs.iter().filter(moves).collect();
    moves.sort_by_key(|h| (h.acted_in, h.at));
    let mut path: Vec<&str> = Vec::new();
    let mut turn = None;
    for step in moves {
        if turn != Some(step.acted_in) || path.last() != Some(&step.from) {
            path = vec![step.from];
        }
        turn = Some(step.acted_in);
        match path.iter().position(|agent| *agent == step.to) {
            Some(place) => {
                let mut sheet = sheet.by(tree.weight_of_trace(step.trace));
                sheet.count("baton_transfer_loops_total", &[("agent", step.to)]);
                sheet.observe(
                    "baton_transfer_loop_length",
                    &[],
                    (path.len() - place) as f64,
                );
                path.truncate(place + 1);
            }
            None => path.push(step.to),
        }
    }
}
