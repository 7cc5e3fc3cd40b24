"""Bedrock as `botocore` knows it: its signer says what the signature had to be, its serializer what
the address, its service model what the body may hold, and its reader takes every frame first.
"""

import base64
import binascii
import datetime
import hashlib
import json
import re
import struct
import threading
import urllib.parse
from dataclasses import dataclass

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream
import botocore.serialize
import botocore.session
import botocore.validate
import scenes

STREAM = "application/vnd.amazon.eventstream"
# Nothing keeps such a stream warm.
PING = b""
# What the tests configure: credentials that end, some that do not, and a key of Bedrock's own.
REGION = "eu-west-1"
CREDENTIALS = {
    "AKIDEXAMPLE": ("nobodys/secret+for+this+test", "session+token=="),
    "AKIDPLAIN": ("nobodys/other+secret", None),
}
API_KEY = "bedrock-api-key-of-nobody"
MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
FINISH = {
    "stop": "end_turn",
    "tools": "tool_use",
    "length": "max_tokens",
    "filter": "content_filtered",
}
ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
# The signer's clock is a function of its module.
CLOCK = threading.Lock()


@dataclass
class Call:
    """A request that was found right."""

    model: str
    stream: bool
    asked: scenes.Asked | None = None
    told: bytes | None = None


def read(request, body):
    """Judges a request."""
    check_signature(request, body)
    _, _, model, method = urllib.parse.urlsplit(request.path).path.split("/")
    model = urllib.parse.unquote(model)
    operation = {
        "converse": "Converse",
        "converse-stream": "ConverseStream",
        "invoke": "InvokeModel",
        "count-tokens": "CountTokens",
    }[method]
    check_address(request.path, model, MODEL.operation_model(operation))
    asked = json.loads(body)
    if method == "invoke":
        return Call(model, False, told=embed(model, asked))
    params = {"modelId": model, **asked}
    check(params, MODEL.operation_model(operation).input_shape)
    if method == "count-tokens":
        asked = asked["input"]["converse"]
        check_turns(asked)
        counted = {"inputTokens": said(asked).words}
        return Call(model, False, told=json.dumps(counted).encode())
    check_turns(asked)
    return Call(model, method == "converse-stream", said(asked))


def check_signature(request, body):
    """Signs the same request at the same time."""
    headers = request.headers
    sent, stamp = headers["authorization"], headers["x-amz-date"]
    if sent.startswith("Bearer"):
        assert sent == f"Bearer {API_KEY}" and stamp is None, headers
        return
    id = re.search(r"Credential=([^/]*)/", sent).group(1)
    secret, token = CREDENTIALS[id]
    names = re.search(r"SignedHeaders=([^,]*)", sent).group(1).split(";")
    assert {"host", "x-amz-date"} <= set(names), names
    assert ("x-amz-security-token" in names) == bool(token), names
    assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    for name in names:
        assert len(headers.get_all(name)) == 1, f"{name} is signed and sent once"
    again = botocore.awsrequest.AWSRequest(
        method="POST",
        url=f"http://{headers['host']}{request.path}",
        data=body,
        headers={name: headers[name] for name in names},
    )
    now = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ")
    age = datetime.datetime.utcnow() - now
    assert abs(age.total_seconds()) < 60, f"signed {age} ago"
    with CLOCK:
        botocore.auth.get_current_datetime = lambda *_, **__: now
        credentials = botocore.credentials.Credentials(id, secret, token)
        botocore.auth.SigV4Auth(credentials, "bedrock", REGION).add_auth(again)
    wanted = again.headers["Authorization"]
    assert sent == wanted, f"the signature is {sent}, botocore's {wanted}"


def check_address(path, model, operation):
    """The path that botocore makes of the model's name."""
    serializer = botocore.serialize.create_serializer("rest-json", False)
    params = {"modelId": model} | ({"body": b""} if operation.name == "InvokeModel" else {})
    wanted = serializer.serialize_to_request(params, operation)["url_path"]
    assert path == wanted, f"the address is {path}, botocore's {wanted}"


def check(value, shape):
    """Holds a value of the wire to the service's model, its enumerations and patterns included."""
    errors = botocore.validate.ParamValidator().validate(plain(value, shape, ""), shape)
    assert not errors.has_errors(), errors.generate_report()


def plain(value, shape, name):
    """The value as a caller of botocore would write it: blobs are bytes."""
    kind = shape.type_name
    if kind == "blob":
        return base64.b64decode(value, validate=True)
    if kind == "structure" and not shape.is_document_type:
        assert isinstance(value, dict), f"{name} is no object: {value!r}"
        known = shape.members
        return {
            key: plain(one, known[key], f"{name}.{key}") if key in known else one
            for key, one in value.items()
        }
    if kind == "list":
        most = shape.metadata.get("max")
        assert most is None or len(value) <= most, f"{name} has more than {most}"
        return [plain(one, shape.member, f"{name}[{at}]") for at, one in enumerate(value)]
    if kind == "map":
        return {key: plain(one, shape.value, f"{name}.{key}") for key, one in value.items()}
    if kind == "string":
        check_text(value, shape, name)
    return value


def check_text(value, shape, name):
    """What the model says of texts and botocore leaves to the service."""
    assert isinstance(value, str), f"{name} is no text: {value!r}"
    enum, most = shape.metadata.get("enum"), shape.metadata.get("max")
    assert not enum or value in enum, f"{name}: {value!r} is none of {enum}"
    assert most is None or len(value) <= most, f"{name} is longer than {most}"
    pattern = shape.metadata.get("pattern")
    if pattern and name != ".modelId":
        assert re.fullmatch(pattern, value), f"{name}: {value!r} is not {pattern}"


def check_turns(asked):
    """What Bedrock asks of a conversation beyond its shape."""
    turns, open_calls = asked["messages"], []
    assert turns[0]["role"] == "user", "a user begins"
    for before, turn in zip([None, *turns], turns):
        assert before is None or before["role"] != turn["role"], "turns alternate"
        calls = [part["toolUse"]["toolUseId"] for part in turn["content"] if "toolUse" in part]
        results = [
            part["toolResult"]["toolUseId"] for part in turn["content"] if "toolResult" in part
        ]
        assert sorted(results) == sorted(open_calls), f"{open_calls} called, {results} answered"
        assert not (calls or results) or asked.get("toolConfig"), "calls without a toolConfig"
        open_calls = calls
        kinds = [next(iter(part)) for part in turn["content"]]
        assert "document" not in kinds or "text" in kinds, "a document needs a text beside it"
        for part in turn["content"]:
            assert part.get("text", "x").strip(), "an empty text"


def said(asked):
    """The request in no dialect."""
    turns = asked["messages"]
    parts = [*asked.get("system", []), *(part for turn in turns for part in turn["content"])]
    last = turns[-1]["content"]
    config = asked.get("inferenceConfig", {})
    tools = [tool["toolSpec"] for tool in asked.get("toolConfig", {}).get("tools", []) if "toolSpec" in tool]
    before = turns[-2]["content"] if len(turns) > 1 else []
    thoughts = [part["reasoningContent"] for part in before if "reasoningContent" in part]
    schema = None
    if output := asked.get("outputConfig", {}).get("textFormat"):
        schema = json.loads(output["structure"]["jsonSchema"]["schema"])
    images = [part["image"]["source"]["bytes"] for part in parts if "image" in part]
    return scenes.Asked(
        words=sum(len(part["text"].split()) for part in parts if "text" in part),
        text=next((text for turn in reversed(turns) if (text := spoken(turn))), ""),
        pictures=[base64.b64decode(image) for image in images],
        results=[text_of(part["toolResult"]) for part in last if "toolResult" in part],
        tools=[(tool["name"], tool["inputSchema"]["json"]) for tool in tools],
        limit=config.get("maxTokens", 1_000_000),
        stops=config.get("stopSequences", []),
        schema=schema,
        is_sealed=any(
            thought.get("reasoningText", {}).get("signature") == scenes.SIGNATURE
            for thought in thoughts
        ),
    )


def spoken(turn):
    """What a user says in this turn."""
    return "".join(part.get("text", "") for part in turn["content"] if turn["role"] == "user")


def text_of(result):
    parts = result["content"]
    return "".join(part.get("text") or json.dumps(part.get("json")) for part in parts)


def embed(model, asked):
    """Vectors in the form of the model's maker."""
    if "cohere" in model:
        assert set(asked) >= {"texts", "input_type"}, asked
        vectors = [[float(len(text)), 0.5] for text in asked["texts"]]
        return json.dumps({"embeddings": vectors, "id": "e", "texts": asked["texts"]}).encode()
    assert set(asked) <= {"inputText", "dimensions", "normalize", "embeddingTypes"}, asked
    size = asked.get("dimensions", 4)
    vector = [float(len(asked["inputText"]))] * size
    return json.dumps({"embedding": vector, "inputTextTokenCount": 3}).encode()


def usage(answer):
    given, taken, cached = answer.usage
    told = {"inputTokens": given - cached, "outputTokens": taken, "totalTokens": given + taken}
    return told | ({"cacheReadInputTokens": cached} if cached else {})


def thought(answer):
    return {"text": "".join(answer.thoughts), "signature": scenes.SIGNATURE}


def numbered(answer):
    """The calls with the ids that a Claude gives."""
    return [(f"tooluse_{at}abc", *call) for at, call in enumerate(answer.calls)]


def whole(_, answer):
    content = []
    if answer.thoughts:
        content.append({"reasoningContent": {"reasoningText": thought(answer)}})
    if text := "".join(answer.texts):
        content.append({"text": text})
    for id, name, arguments in numbered(answer):
        content.append({"toolUse": {"toolUseId": id, "name": name, "input": arguments}})
    body = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": FINISH[answer.finish],
        "usage": usage(answer),
        "metrics": {"latencyMs": 7},
    }
    check(body, MODEL.operation_model("Converse").output_shape)
    return json.dumps(body, separators=(",", ":")).encode()


def frame(headers, payload):
    """A frame of AWS's event stream, with both of its checksums, as botocore reads it."""
    told = b""
    for name, value in headers.items():
        told += struct.pack(">B", len(name)) + name.encode()
        told += struct.pack(">BH", 7, len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(told) + len(payload), len(told))
    start = prelude + struct.pack(">I", binascii.crc32(prelude)) + told + payload
    whole = start + struct.pack(">I", binascii.crc32(start))
    reader = botocore.eventstream.EventStreamBuffer()
    reader.add_data(whole)
    (message,) = list(reader)
    assert message.headers == headers and message.payload == payload
    return whole


def event(name, payload, padding="abcdefgh"):
    events = MODEL.operation_model("ConverseStream").output_shape.members["stream"]
    check({name: payload}, events)
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps({**payload, "p": padding}).encode())


def delta(at, said):
    return event("contentBlockDelta", {"contentBlockIndex": at, "delta": said})


def opening(_, answer):
    frames = [event("messageStart", {"role": "assistant"})]
    if answer.thoughts:
        said = [{"text": text} for text in answer.thoughts] + [{"signature": scenes.SIGNATURE}]
        frames += [delta(0, {"reasoningContent": one}) for one in said]
        frames.append(event("contentBlockStop", {"contentBlockIndex": 0}))
    return frames


def pieces(_, answer):
    return [delta(int(bool(answer.thoughts)), {"text": text}) for text in answer.texts]


def closing(_, answer):
    at = int(bool(answer.thoughts))
    frames = [event("contentBlockStop", {"contentBlockIndex": at})] if answer.texts else []
    for place, (id, name, arguments) in enumerate(numbered(answer), at + bool(answer.texts)):
        start = {"toolUse": {"toolUseId": id, "name": name}}
        frames.append(event("contentBlockStart", {"contentBlockIndex": place, "start": start}))
        text = json.dumps(arguments, separators=(",", ":"))
        for begin in range(0, len(text), 6):
            frames.append(delta(place, {"toolUse": {"input": text[begin : begin + 6]}}))
        frames.append(event("contentBlockStop", {"contentBlockIndex": place}))
    frames.append(event("messageStop", {"stopReason": FINISH[answer.finish]}))
    frames.append(event("metadata", {"usage": usage(answer), "metrics": {"latencyMs": 7}}))
    return frames


def broken():
    """A frame whose last checksum is wrong."""
    good = delta(0, {"text": "never said"})
    return good[:-1] + bytes([good[-1] ^ 1])


def failing():
    headers = {
        ":exception-type": "serviceUnavailableException",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, b'{"message":"the oracle was asked to fail"}')


def failure(failed):
    status = failed.status
    name = ERRORS.get(status, "InternalServerException")
    if failed.quota:
        name = "ServiceQuotaExceededException"
    kind = f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    return json.dumps({"message": failed.message}).encode(), {"x-amzn-errortype": kind}
