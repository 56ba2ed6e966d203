"""Colours, units, words and value mappings of all boards: each stands here once.

Colours are names of Grafana's own palette, which it draws differently in its dark and its light theme; `blue` and `red` have a contrast of at
least 4.5 : 1 on the panels of both, and colour-blind people can tell them apart. Colour marks a verdict or tells lines apart. Text is `text`.
"""

from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    ValueMap,
    ValueMappingResult,
)

TEXT, BETTER, WORSE, INCIDENT = "text", "blue", "red", "orange"
LINE, EARLIER = "blue", "text"

SHARE, SECONDS, COUNT, PLAIN, BYTES = "percentunit", "s", "short", "none", "bytes"
POINTS = "suffix: points"
DATE = "time:ddd D MMM YYYY, HH:mm"

# A verdict is the difference in standard errors: beyond this one the 95 % interval of the difference excludes zero.
CERTAIN = 1.959964
# Beyond the reach of a difference: there is none.
NOTHING_EARLIER, TOO_FEW = -1000, 1000
NOTHING_EARLIER_WORDS = "Nothing to compare with yet"
UP, DOWN, EVEN = "▲", "▼", "◇"
UNKNOWN = "–"


def _special(match, text):
    return SpecialValueMap(DashboardSpecialValueMapOptions(match=match, result=ValueMappingResult(text=text, color=TEXT, index=9)))


# What is not known is a dash, never 0.
UNKNOWN_MAPPING = [_special(SpecialValueMatch.NULL_AND_NAN, UNKNOWN)]


def share_of(what):
    """The unit of a share in hundredths, with the words for what it is a share of."""
    return f"suffix: % of {what}" if what else "suffix: %"


def verdict_mapping(better: str):
    """Words for a difference in standard errors, by what is better: `more` or `less`."""
    up, down = ("better", "worse") if better == "more" else ("worse", "better")
    color = {"better": BETTER, "worse": WORSE}

    def between(least, most, text, tone, index):
        result = ValueMappingResult(text=text, color=tone, index=index)
        return RangeMap(DashboardRangeMapOptions(from_val=least, to=most, result=result))

    exact = {
        str(NOTHING_EARLIER): ValueMappingResult(text=NOTHING_EARLIER_WORDS, color=TEXT, index=0),
        str(TOO_FEW): ValueMappingResult(text=f"{EVEN} too few to tell", color=TEXT, index=1),
    }
    return [
        ValueMap(exact),
        between(-100, -CERTAIN, f"{DOWN} {down}", color[down], 2),
        between(CERTAIN, 100, f"{UP} {up}", color[up], 3),
        between(-CERTAIN, CERTAIN, f"{EVEN} cannot tell", TEXT, 4),
        _special(SpecialValueMatch.NULL_AND_NAN, f"{EVEN} cannot tell"),
    ]


def words_mapping(words: dict):
    """Words for exact values."""
    return [ValueMap({str(value): ValueMappingResult(text=text, color=TEXT, index=place) for place, (value, text) in enumerate(words.items())})]


# Headings of columns of labels whose names are no words for people.
HEADINGS = {"from": "From agent", "to": "To agent", "why": "Reason", "what": "What happened"}


def heading(label):
    """Of a column that shows a label."""
    return HEADINGS.get(label, spoken(label).capitalize())


def spoken(label):
    """Inside a sentence."""
    return label.replace("_", " ")


# Names of the values of labels, by the legend that shows them.
VALUES = {
    "{{outcome}}": {"resolved": "Resolved", "escalated": "Passed to people", "failed": "Failed", "abandoned": "Without an answer", "unverified": "Ended without proof"},
    "{{reason}}": {
        "dropped": "The target did not start",
        "rejected": "The handoff was rejected",
        "target_error": "The target failed at its first step",
        "bounced": "The target handed back",
        "context_lost": "Too little context was passed",
        "no_agents": "No span names an agent",
    },
}

# In place of a target.
NO_TARGET_MAPPING = [_special(SpecialValueMatch.NULL_AND_NAN, "not set")]
