"""What the oracles answer, said in no dialect: the scenarios of Alfred's mock that clients play.

A model is called as the mock's are, `echo` or `cut?after=3`; what stands before its last slash is the
name that the provider's own rules look at, such as `anthropic.claude-sonnet-4-5/reasoning`.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBvcmFjbGU="


@dataclass
class Asked:
    """What a request says, whatever its grammar."""

    words: int = 0
    text: str = ""
    pictures: list = field(default_factory=list)
    results: list = field(default_factory=list)
    tools: list = field(default_factory=list)
    limit: int = 1_000_000
    stops: list = field(default_factory=list)
    schema: dict | None = None
    # Whether the thought before the last calls came back with its seal.
    is_sealed: bool = False


@dataclass
class Failure:
    """A status instead of an answer; `type` in the provider's own words is its dialect's matter."""

    status: int
    message: str = "the oracle was asked to fail"
    retry_after: str | None = None
    quota: bool = False


@dataclass
class Answer:
    """Pieces of thought and text, calls as (name, arguments), and how it ends."""

    thoughts: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    finish: str = "stop"
    usage: tuple = (0, 0, 0)
    # Pieces of text before something happens to the stream, and what.
    after: int | None = None
    event: str = ""
    delay: float = 0
    wait: float = 0


def split(model):
    """The scenario and its parameters."""
    name, _, query = model.rsplit("/", 1)[-1].partition("?")
    return name, dict(parse_qsl(query))


def seconds(text):
    """`10ms`, `2s` or milliseconds."""
    for unit, factor in (("ms", 0.001), ("s", 1)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text) * 0.001


def fit(schema, root=None):
    """A value that fits a JSON Schema, as far as the clients' schemas go."""
    root = root or schema
    if "$ref" in schema:
        found = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return fit(found, root)
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("anyOf"):
        return fit(schema["anyOf"][0], root)
    match str(schema.get("type", "object")).lower():
        case "string":
            return "text"
        case "integer":
            return 1
        case "number":
            return 1.5
        case "boolean":
            return True
        case "array":
            return [fit(schema.get("items", {}), root)]
    return {name: fit(of, root) for name, of in schema.get("properties", {}).items()}


def words(text):
    """Pieces of a text, a word each with the space behind it."""
    pieces = [f"{word} " for word in text.split(" ")]
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]


def echo(asked):
    sizes = [len(picture) for picture in asked.pictures]
    note = f"{len(sizes)} image{'s' if len(sizes) > 1 else ''}, {sum(sizes)} bytes"
    return words(f"{asked.text} [{note}]" if sizes else asked.text)


def filler(count, word="w"):
    return [f"{word}{number} " for number in range(count)]


SEEN = {}


def play(model, asked):
    """The answer to what is asked of this model, or a failure."""
    name, told = split(model)
    number = lambda key, default: int(told.get(key, default))
    answer = Answer(delay=seconds(told.get("delay", "0")))
    match name:
        case "status":
            return Failure(number("code", 500), retry_after=told.get("retry_after"))
        case "quota":
            return Failure(429, "the quota of the day is used up", quota=True)
        case "flaky":
            seen = SEEN[model] = SEEN.get(model, 0) + 1
            if seen <= number("fail", 2):
                return Failure(503)
            answer.texts = echo(asked)
        case "tools" | "signed" if asked.results:
            if name == "signed" and not asked.is_sealed:
                return Failure(400, "the thought before the call came back without its signature")
            answer.texts = words(" ".join(asked.results))
        case "tools" | "signed":
            called, schema = asked.tools[0] if asked.tools else ("get_weather", {})
            is_plain = name == "tools" and told.get("fit") != "yes"
            arguments = {"city": "Paris"} if is_plain else fit(schema)
            answer.calls = [(called, arguments)] * number("calls", 1)
            answer.thoughts = filler(4, "thought") if name == "signed" else []
            answer.finish = "tools"
        case "reasoning":
            answer.thoughts, answer.texts = filler(4, "thought"), filler(5)
        case "json":
            answer.texts = [f"{piece}" for piece in _json_pieces(fit(asked.schema or {}))]
        case "content_filter":
            answer.texts, answer.finish = filler(3), "filter"
        case "cut" | "reset" | "error_in_stream" | "end_without_finish" | "stall" | "bad_json":
            answer.texts, answer.event = filler(20), name
            answer.after = number("after", 0 if name == "error_in_stream" else 3)
            answer.wait = seconds(told.get("for", "2s"))
        case "close" | "hang":
            answer.event = name
        case "ping":
            answer.texts, answer.event, answer.wait = filler(3), name, seconds(told.get("for", "1s"))
        case "stream":
            answer.texts = filler(number("chunks", 20))
        case "echo":
            answer.texts = echo(asked)
        case _:
            return Failure(404, f"there is no scenario {name}")
    return _measured(answer, asked, told)


def _json_pieces(value):
    import json

    text = json.dumps(value)
    return [text[at : at + 7] for at in range(0, len(text), 7)]


def _measured(answer, asked, told):
    """Cut at the stop sequence and at the limit, and counted."""
    whole = "".join(answer.texts)
    places = [whole.find(stop) for stop in asked.stops if stop in whole]
    if places:
        answer.texts = words(whole[: min(places)])
    if len(answer.texts) > asked.limit:
        answer.texts, answer.finish = answer.texts[: asked.limit], "length"
    told_of = lambda key, counted: int(told.get(key, counted))
    said = len(answer.thoughts) + len(answer.texts) + 5 * len(answer.calls)
    answer.usage = (
        told_of("tokens_in", asked.words),
        told_of("tokens_out", said),
        told_of("tokens_cached", 0),
    )
    return answer
