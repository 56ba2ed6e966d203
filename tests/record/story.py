"""The conversation that every recording tells: a parcel service with a dispatcher and two desks.

A step is one answer of the model:
  ("handoff", AGENT)          asks for another agent, by the tool that the SDK uses for it
  ("tools", [(TOOL, ARGS)…])  calls tools, several at once
  ("text", TEXT)              answers
  ("busy", STATUS)            one request is refused, the next one goes on with the next step
  ("fail", STATUS)            every request is refused from here on
  ("cut",)                    a stream breaks off before usage is known
An agent without a step left answers with CLOSING.
"""

AGENTS = {
    "dispatcher": "gpt-4o-mini",
    "tracking_desk": "gpt-4o",
    "claims_desk": "gpt-5-mini",
}
TOOLS = [
    "locate_parcel", "check_address", "redirect_parcel", "open_claim", "escalate_to_human", "look_up_claim", "pay_compensation",
]
# Tools that raise, with the message.
BROKEN = {"open_claim": "claims ledger did not answer"}
ESCALATION = "escalate_to_human"


def plain(tool):
    """The name of a tool without what an SDK puts before it, as the server of a tool."""
    return next((t for t in TOOLS if tool.endswith(t)), tool)


CLOSING = "Is there anything else I can do for you?"

NORA = {"session_id": "parcel-nora-1", "user_id": "u-nora", "customer_tier": "gold"}
MARA = {"session_id": "parcel-mara-1", "user_id": "u-mara", "customer_tier": "silver"}
IDRIS = {"session_id": "parcel-idris-1", "user_id": "u-idris", "customer_tier": "free"}

TURNS = [
    {
        "turn": "T1", **NORA, "intent": "redirect", "transaction_value": 35.0, "outcome": "resolved", "stream": True,
        "text": "Where is parcel PX-1041, and can it go to my office instead?",
        "steps": {
            "dispatcher": [("handoff", "tracking_desk")],
            "tracking_desk": [
                ("tools", [("locate_parcel", {"parcel": "PX-1041"}), ("check_address", {"address": "12 Quay Street"})]),
                ("tools", [("redirect_parcel", {"parcel": "PX-1041", "address": "12 Quay Street"})]),
                ("text", "PX-1041 is in Leiden and now goes to 12 Quay Street on Thursday."),
            ],
        },
    },
    {
        "turn": "T2", **NORA, "intent": "claim", "transaction_value": 120.0, "outcome": "unresolved",
        "text": "Parcel PX-0988 arrived broken, I want my money back.",
        "steps": {
            "dispatcher": [("handoff", "claims_desk")],
            "claims_desk": [
                ("tools", [("open_claim", {"parcel": "PX-0988"})]),
                ("text", "The claims ledger is not available, please try again tomorrow."),
            ],
        },
    },
    {
        "turn": "T3", **NORA, "intent": "customs", "transaction_value": 10.0, "outcome": "unresolved",
        "text": "Which duties are due on a parcel from Japan?",
        "steps": {"dispatcher": [("handoff", "customs_desk")]},
    },
    {
        "turn": "T4", **IDRIS, "intent": "track", "transaction_value": 0.0, "outcome": "resolved",
        "text": "When does PX-2203 arrive?",
        "steps": {
            "dispatcher": [("busy", 429), ("handoff", "tracking_desk")],
            "tracking_desk": [("text", "PX-2203 arrives on Friday before noon.")],
        },
    },
    {
        "turn": "T5", **IDRIS, "intent": "complaint", "transaction_value": 4800.0, "outcome": "escalated",
        "text": "A courier damaged my gate. I want to speak to a person.",
        "steps": {
            "dispatcher": [("handoff", "claims_desk")],
            "claims_desk": [
                ("tools", [("escalate_to_human", {"reason": "damaged gate"})]),
                ("text", "A colleague will call you within the hour."),
            ],
        },
    },
    {
        "turn": "T6", **IDRIS, "intent": "track", "transaction_value": 15.0, "outcome": "error",
        "text": "And where is PX-2204?",
        "steps": {
            "dispatcher": [("handoff", "tracking_desk")],
            "tracking_desk": [("fail", 500)],
        },
    },
    {
        "turn": "T7", **IDRIS, "intent": "hours", "transaction_value": 0.0, "outcome": "error", "stream": True,
        "text": "Until when is the depot open?",
        "steps": {"dispatcher": [("cut",)]},
    },
]


def pay(amount, claim="C-77"):
    return ("pay_compensation", {"claim": claim, "amount": amount})


def refused(tool, args):
    """What the person says who is asked: no payments above 100."""
    return tool == "pay_compensation" and args.get("amount", 0) > 100


LOOK = ("look_up_claim", {"claim": "C-77"})
# Conversations in which a tool waits for a person: a turn is what the user asked, the approval is no input of the user.
APPROVALS = [
    {
        "turn": "A1", **NORA, "intent": "claim", "transaction_value": 80.0, "outcome": "resolved",
        "text": "Please pay me 80 for claim C-77.",
        "steps": {"claims_desk": [("tools", [LOOK]), ("tools", [pay(80)]), ("text", "80 are on their way.")]},
    },
    {
        "turn": "A2", **NORA, "intent": "claim", "transaction_value": 900.0, "outcome": "unresolved",
        "text": "Please pay me 900 for claim C-77.",
        "steps": {"claims_desk": [("tools", [pay(900)]), ("text", "I am sorry, that was not approved.")]},
    },
    {
        "turn": "A3", **IDRIS, "intent": "claim", "transaction_value": 60.0, "outcome": "resolved",
        "text": "Please pay C-78 and C-79.",
        "steps": {"claims_desk": [
            ("tools", [pay(60, "C-78"), pay(700, "C-79"), LOOK]), ("text", "C-78 is paid, C-79 was not approved."),
        ]},
    },
    {
        "turn": "A4", **IDRIS, "intent": "status", "transaction_value": 0.0, "outcome": "resolved", "stream": True,
        "text": "How is claim C-77?",
        "steps": {"claims_desk": [("busy", 429), ("tools", [LOOK]), ("text", "C-77 is open.")]},
    },
    # Without an approval: what the dispatcher does.
    {
        "turn": "A5", **MARA, "intent": "customs", "transaction_value": 10.0, "outcome": "unresolved", "entry": "dispatcher",
        "text": "Which duties are due on a parcel from Japan?",
        "steps": {"dispatcher": [("handoff", "customs_desk")]},
    },
    {
        "turn": "A6", **MARA, "intent": "complaint", "transaction_value": 300.0, "outcome": "escalated", "entry": "dispatcher",
        "text": "I want to speak to a person.",
        "steps": {
            "dispatcher": [("handoff", "claims_desk")],
            "claims_desk": [("tools", [("escalate_to_human", {"reason": "asked for"})]), ("text", "A colleague will call you.")],
        },
    },
    {
        "turn": "A7", **MARA, "intent": "track", "transaction_value": 15.0, "outcome": "error", "entry": "dispatcher",
        "text": "And where is PX-2204?",
        "steps": {"dispatcher": [("handoff", "tracking_desk")], "tracking_desk": [("fail", 500)]},
    },
]
STORIES = {"parcel": TURNS, "approvals": APPROVALS}
