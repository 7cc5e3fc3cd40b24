"""Gemini as `google-genai` knows it: its types refuse members that they do not know."""

import json
import urllib.parse
import warnings
from dataclasses import dataclass

import scenes
from google.genai import types
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

STREAM = "text/event-stream"
PING = b": ping\r\n\r\n"
FINISH = {"stop": "STOP", "tools": "STOP", "length": "MAX_TOKENS", "filter": "SAFETY"}
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Strict(BaseModel):
    """What the library's own models are: camelCase, and nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", val_json_bytes="base64", strict=True
    )


class GenerateContentRequest(Strict):
    """The body of `:generateContent`; the library has no model of it as a whole."""

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    generation_config: types.GenerationConfig | None = None
    cached_content: str | None = None
    service_tier: types.ServiceTier | None = None
    labels: dict[str, str] | None = None


class EmbedRequest(Strict):
    """One of the requests of `:batchEmbedContents`."""

    model: str
    content: types.Content
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None


class BatchEmbedRequest(Strict):
    """The body of `:batchEmbedContents`."""

    requests: list[EmbedRequest]


class CountedRequest(GenerateContentRequest):
    """A request whose tokens are counted names its model."""

    model: str


class CountTokensRequest(Strict):
    """The body of `:countTokens`."""

    generate_content_request: CountedRequest


@dataclass
class Call:
    """A request that was found right."""

    model: str
    stream: bool
    asked: scenes.Asked | None = None
    told: bytes | None = None


def read(request, body):
    """Judges a request."""
    headers = request.headers
    assert headers["x-goog-api-key"] and not headers["authorization"], "how the key is sent"
    url = urllib.parse.urlsplit(request.path)
    model, method = url.path.removeprefix("/v1beta/models/").rsplit(":", 1)
    assert "/" not in model, "a name is one segment of the path"
    model = urllib.parse.unquote(model)
    with warnings.catch_warnings():
        # An unknown value of an enumeration is a warning to the library.
        warnings.simplefilter("error")
        if method == "batchEmbedContents":
            return Call(model, False, told=embed(BatchEmbedRequest.model_validate_json(body)))
        if method == "countTokens":
            asked = CountTokensRequest.model_validate_json(body).generate_content_request
            assert asked.model == f"models/{model}", asked.model
            check_turns(asked.contents)
            counted = types.CountTokensResponse(total_tokens=said(asked).words)
            return Call(model, False, told=dump(counted))
        assert method in ("generateContent", "streamGenerateContent"), method
        asked = GenerateContentRequest.model_validate_json(body)
    stream = method.startswith("stream")
    assert url.query == ("alt=sse" if stream else ""), url.query
    check_turns(asked.contents)
    return Call(model, stream, said(asked))


def check_turns(contents):
    """What Gemini asks of a conversation beyond its shape."""
    assert contents, "nothing is said"
    open_calls = []
    for content in contents:
        assert content.role in ("user", "model") and content.parts, content
        for part in content.parts:
            kinds = ["text", "inline_data", "file_data", "function_call", "function_response"]
            assert sum(getattr(part, kind) is not None for kind in kinds) <= 1, part
        calls = [part.function_call for part in content.parts if part.function_call]
        results = [part.function_response for part in content.parts if part.function_response]
        if content.role == "model":
            assert not results and not open_calls, "calls are answered before the model goes on"
            open_calls = [call.name for call in calls]
        else:
            assert not calls and sorted(open_calls) == sorted(r.name for r in results), (
                f"{open_calls} were called and {[result.name for result in results]} came back"
            )
            open_calls = []


def said(asked):
    """The request in no dialect."""
    system = asked.system_instruction.parts if asked.system_instruction else []
    texts = [part.text for part in system if part.text]
    texts += [part.text for turn in asked.contents for part in turn.parts if part.text]
    last = asked.contents[-1].parts
    config = asked.generation_config or types.GenerationConfig()
    declared = [one for tool in asked.tools or [] for one in tool.function_declarations or []]
    schema = config.response_json_schema or (
        config.response_schema and config.response_schema.model_dump(exclude_none=True)
    )
    results = [part.function_response.response for part in last if part.function_response]
    turns = [turn for turn in asked.contents if turn.role == "model"]
    return scenes.Asked(
        words=sum(len(text.split()) for text in texts),
        text=next((text for turn in reversed(asked.contents) if (text := spoken(turn))), ""),
        pictures=[
            part.inline_data.data if part.inline_data else b""
            for turn in asked.contents
            for part in turn.parts
            if (part.inline_data or part.file_data) and kind_of(part).startswith("image/")
        ],
        results=[text_of(result) for result in results],
        tools=[(one.name, one.parameters_json_schema or {}) for one in declared],
        limit=int(config.max_output_tokens or 1_000_000),
        stops=config.stop_sequences or [],
        schema=schema,
        is_sealed=bool(turns)
        and any(part.thought_signature and part.function_call for part in turns[-1].parts),
    )


def spoken(turn):
    """What a user says in this turn."""
    return "".join(part.text for part in turn.parts if part.text and turn.role == "user")


def kind_of(part):
    return (part.inline_data or part.file_data).mime_type or "image/*"


def text_of(result):
    """The text of a result, which is an object here."""
    (value,) = result.values()
    return value if isinstance(value, str) else json.dumps(value)


def embed(asked):
    """A vector for each text, the same for the same text."""
    vectors = []
    for one in asked.requests:
        size = one.output_dimensionality or 8
        seed = sum(one.content.parts[0].text.encode())
        values = [((seed * (place + 3)) % 97) / 97 for place in range(size)]
        vectors.append(types.ContentEmbedding(values=values))
    return dump(types.EmbedContentResponse(embeddings=vectors))


def dump(model):
    return model.model_dump_json(by_alias=True, exclude_none=True).encode()


def response(call, parts, answer=None):
    """One object of an answer; the last one with what ends it."""
    content = types.Content(role="model", parts=parts)
    candidate = types.Candidate(content=content, index=0)
    one = types.GenerateContentResponse(
        candidates=[candidate], model_version=call.model, response_id="oracle-7"
    )
    if answer:
        candidate.finish_reason = types.FinishReason(FINISH[answer.finish])
        given, taken, cached = answer.usage
        thought = len(answer.thoughts)
        one.usage_metadata = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=given,
            cached_content_token_count=cached or None,
            candidates_token_count=taken - thought,
            thoughts_token_count=thought or None,
            total_token_count=given + taken,
        )
    return dump(one)


def thoughts(answer):
    return [types.Part(text=text, thought=True) for text in answer.thoughts]


def calls(answer):
    """The calls, the first of them sealed, as Gemini does."""
    parts = [
        types.Part(function_call=types.FunctionCall(name=name, args=arguments))
        for name, arguments in answer.calls
    ]
    if parts:
        parts[0].thought_signature = scenes.SIGNATURE.encode()
    return parts


def whole(call, answer):
    parts = [types.Part(text="".join(answer.thoughts), thought=True)] if answer.thoughts else []
    text = "".join(answer.texts)
    parts += [types.Part(text=text)] if text else []
    return response(call, parts + calls(answer), answer)


def event(data):
    return b"data: " + data + b"\r\n\r\n"


def opening(call, answer):
    return [event(response(call, [part])) for part in thoughts(answer)]


def pieces(call, answer):
    return [event(response(call, [types.Part(text=text)])) for text in answer.texts]


def closing(call, answer):
    parts = calls(answer) or [types.Part(text="")]
    return [event(response(call, parts, answer))]


def broken():
    return b'data: {"candidates": [}\r\n\r\n'


def failing():
    return event(failure(scenes.Failure(503))[0])


def failure(failed):
    error = {
        "code": failed.status,
        "message": failed.message,
        "status": STATUS.get(failed.status, "UNKNOWN"),
    }
    if failed.quota:
        violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}
        kind = "type.googleapis.com/google.rpc.QuotaFailure"
        error["details"] = [{"@type": kind, "violations": [violation]}]
    return json.dumps({"error": error}).encode(), {}
