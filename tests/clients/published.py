"""What OpenAI publishes of its answers, as judges of ours.

`Models` are those of the installed `openai` package, made of the published schema: required members,
types and enumerations are held to, unknown members allowed. `Spec` is the schema itself, openapi.json
of openai/openai-openapi, where the variable OPENAI_SPEC names that file; it is not ours to ship.
"""

import json
import typing

import pydantic
from openai.types import CreateEmbeddingResponse, ErrorObject
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent


class Failed(pydantic.BaseModel):
    """An error, which the package unwraps before its model."""

    error: ErrorObject


class Models:
    """The package's models."""

    KINDS = {
        "chat": ChatCompletion,
        "chunk": ChatCompletionChunk,
        "response": Response,
        "event": ResponseStreamEvent,
        "embeddings": CreateEmbeddingResponse,
        "error": Failed,
    }

    def __init__(self):
        self.adapters = {kind: pydantic.TypeAdapter(of) for kind, of in self.KINDS.items()}
        # One model an event, so that what is wrong is said of the right one.
        union = typing.get_args(typing.get_args(ResponseStreamEvent)[0])
        of_type = lambda model: typing.get_args(model.model_fields["type"].annotation)[0]
        self.adapters |= {("event", of_type(one)): pydantic.TypeAdapter(one) for one in union}

    def judge(self, kind, value):
        """What is wrong, a line each."""
        if kind == "embeddings" and isinstance(value["data"][0]["embedding"], str):
            # The package unpacks base64 before its model.
            data = [{**one, "embedding": []} for one in value["data"]]
            value = {**value, "data": data}
        adapter = self.adapters.get((kind, value.get("type")), self.adapters[kind])
        try:
            adapter.validate_python(value, strict=True)
        except pydantic.ValidationError as error:
            found = error.errors(include_url=False)
            # Of a union each model has its complaint: where it stands is enough.
            cut = lambda loc: next((at for at, one in enumerate(loc) if str(one)[:1].isupper()), None)
            lines = [(found["loc"][: cut(found["loc"])], found["msg"]) for found in found]
            unions = {loc for one in found if cut(loc := one["loc"]) is not None}
            inside = {place(loc[: cut(loc)]) for loc in unions}
            plain = [(loc, told) for loc, told in lines if place(loc) not in inside]
            return [f"{place(loc)}: {told}" for loc, told in plain] + [
                f"{where}: fits no member of the union" for where in sorted(inside)
            ]
        return []


class Spec:
    """The published schema, made usable: see `relaxed`."""

    KINDS = {
        "chat": "CreateChatCompletionResponse",
        "chunk": "CreateChatCompletionStreamResponse",
        "response": "Response",
        "event": "ResponseStreamEvent",
        "embeddings": "CreateEmbeddingResponse",
        "error": "ErrorResponse",
    }

    def __init__(self, path):
        import jsonschema

        with open(path, encoding="utf-8") as file:
            components = relaxed(json.load(file)["components"])
        make = jsonschema.Draft202012Validator
        of = lambda name: make({"$ref": f"#/components/schemas/{name}", "components": components})
        self.validators = {kind: of(name) for kind, name in self.KINDS.items()}
        for one in components["schemas"]["ResponseStreamEvent"]["anyOf"]:
            name = one["$ref"].rsplit("/", 1)[-1]
            (kind,) = components["schemas"][name]["properties"]["type"]["enum"]
            self.validators["event", kind] = of(name)

    def judge(self, kind, value):
        import jsonschema.exceptions as raised

        validator = self.validators.get((kind, value.get("type")), self.validators[kind])
        errors = [raised.best_match([error]) for error in validator.iter_errors(value)]
        return [f"{place(error.absolute_path)}: {error.message[-200:]}" for error in errors]


def relaxed(components):
    """It declares 3.1 and still says `nullable`, and its own authors' answers break it in five points:
    `system_fingerprint`, `user` and, before a response's end, `usage` may be null, `cache_write_tokens`
    absent, an embedding base64.
    """
    schemas = components["schemas"]
    for name in ("CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"):
        schemas[name]["properties"]["system_fingerprint"]["nullable"] = True
    walk(schemas)
    for part in [schemas["Response"], *schemas["Response"].get("allOf", [])]:
        if usage := part.get("properties", {}).get("usage"):
            part["properties"]["usage"] = {"anyOf": [usage, {"type": "null"}]}
    embedding = schemas["Embedding"]["properties"]
    embedding["embedding"] = {"anyOf": [embedding["embedding"], {"type": "string"}]}
    return components


def walk(node):
    if isinstance(node, list):
        for item in node:
            walk(item)
    if not isinstance(node, dict):
        return
    for item in node.values():
        walk(item)
    required = node.get("required")
    if isinstance(required, list) and "cache_write_tokens" in required:
        required.remove("cache_write_tokens")
    properties = node.get("properties")
    if isinstance(properties, dict) and isinstance(properties.get("user"), dict):
        properties["user"]["nullable"] = True
        walk(properties["user"])
    if node.pop("nullable", None) is True:
        if isinstance(node.get("type"), str):
            node["type"] = [node["type"], "null"]
        elif "type" not in node and node:
            rest = dict(node)
            node.clear()
            node["anyOf"] = [rest, {"type": "null"}]
        if "enum" in node:
            node["enum"] = [*node["enum"], None]


def place(path):
    """Where, without the numbers: what is wrong once is wrong everywhere."""
    return "/".join("*" if isinstance(step, int) else str(step) for step in path)
