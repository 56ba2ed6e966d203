"""What every driver in Python does the same way."""

import json
import os
import urllib.request

MODEL_URL, OTLP_URL = os.environ["MODEL_URL"], os.environ["OTLP_URL"]
TURNS = json.loads(os.environ["STORY"])
AGENTS = {"dispatcher": "gpt-4o-mini", "tracking_desk": "gpt-4o", "claims_desk": "gpt-5-mini"}


def tell(path, body):
    request = urllib.request.Request(MODEL_URL + path, json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request).read()


def begin(turn):
    tell("/turn", {"turn": turn["turn"]})


def end(answer=None, error=None):
    tell("/end", {"answered": bool(answer), "raised": f"{type(error).__name__}: {error}"[:200] if error else None})


def locate_parcel(parcel: str) -> str:
    """Says where a parcel is."""
    return f"{parcel} is in Leiden"


def check_address(address: str) -> str:
    """Says whether an address is served."""
    return f"{address} is served"


def redirect_parcel(parcel: str, address: str) -> str:
    """Sends a parcel to another address."""
    return f"{parcel} goes to {address} on Thursday"


def open_claim(parcel: str) -> str:
    """Opens a claim for a parcel."""
    raise RuntimeError("claims ledger did not answer")


def escalate_to_human(reason: str) -> str:
    """Asks a colleague to take over."""
    return "a colleague calls back"


TOOLS = {
    "tracking_desk": [locate_parcel, check_address, redirect_parcel],
    "claims_desk": [open_claim, escalate_to_human],
}
