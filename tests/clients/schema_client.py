"""Holds what Alfred writes to what OpenAI publishes: schema_client.py BASE_URL KEY PORT SHARED PROVIDER...

Every recorded answer is served on PORT, asked for through Alfred, as a chat and as a response, and
judged: see published.py. What passes as its provider said it (kinds `openai` and `azure`) is no work
of Alfred's; such recordings are asked for as `anew`, whose answers are written like any other's.
"""

import collections
import http.client
import json
import os
import pathlib
import sys
import urllib.parse

import published

sys.path.insert(0, str(pathlib.Path(__file__).parent / "oracles"))
import recordings

TOOL = {
    "name": "get_weather",
    "description": "Current weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
# Providers of OpenAI's dialect that are known by their names; all others are `anew`.
NAMED = ("groq", "mistral", "together", "huggingface", "ollama")
# Members that the schema lets be absent and clients count on.
ALWAYS = {"chat": ["id", "usage"], "choice": ["logprobs", "finish_reason", "index"]}


class Alfred:
    """The gateway."""

    def __init__(self, base_url, key):
        self.url, self.key = urllib.parse.urlsplit(base_url), key

    def post(self, path, body):
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.key}"}
        connection.request("POST", f"{self.url.path}/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data


def ask(alfred, surface, name, stream):
    """The answer's objects, each with what it has to be."""
    kinds = {"chat": "chunk", "responses": "event"}
    if surface == "embeddings":
        path, body = "embeddings", {"input": ["a"]}
    elif surface == "chat":
        path, body = "chat/completions", {"messages": [{"role": "user", "content": "hi"}]}
        body["tools"] = [{"type": "function", "function": TOOL}]
        if stream:
            body["stream_options"] = {"include_usage": True}
    else:
        path, body = "responses", {"input": "hi", "instructions": "be brief", "metadata": {"k": "v"}}
        body["tools"] = [{"type": "function", **TOOL}]
    status, data = alfred.post(path, {"model": name, "stream": stream, **body})
    if status != 200:
        return [("error", json.loads(data))]
    if not stream:
        return [({"responses": "response"}.get(surface, surface), json.loads(data))]
    lines = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    objects = [json.loads(line) for line in lines if line != b"[DONE]"]
    failed = lambda one: surface == "chat" and "error" in one
    return [("error" if failed(one) else kinds[surface], one) for one in objects]


def counted_on(kind, value):
    """What is missing of that on which clients count beyond the schema."""
    if kind not in ("chat", "chunk"):
        return []
    missing = [key for key in ALWAYS.get(kind, []) if key not in value]
    missing += ["system_fingerprint: null"] if value.get("system_fingerprint", 0) is None else []
    for choice in value["choices"]:
        missing += [f"choices/*/{key}" for key in ALWAYS["choice"] if key not in choice]
        if kind == "chat":
            message = choice["message"]
            missing += [f"message/{key}" for key in ("refusal", "content") if key not in message]
    return [f"{key} is missing" for key in missing]


def provider_of(recording):
    """What the provider of this recording is called at Alfred."""
    if recording.dialect == "ollama":
        return "ollama_native"
    if recording.dialect not in ("openai", "embeddings"):
        return recording.dialect
    named = recording.provider in NAMED
    is_own = recording.dialect == "embeddings" and recording.provider in ("gemini", "cohere")
    return recording.provider if named or is_own else "anew"


def main():
    base_url, key, port, shared, *providers = sys.argv[1:]
    alfred, all_recordings = Alfred(base_url, key), recordings.load(shared)
    recordings.serve(int(port), all_recordings)
    judges = {"models": published.Models()}
    if path := os.environ.get("OPENAI_SPEC"):
        judges["spec"] = published.Spec(path)
    else:
        print("OPENAI_SPEC names no openapi.json of openai/openai-openapi: its models alone judged")
    told, faults = collections.Counter(), collections.defaultdict(list)
    for number, recording in enumerate(all_recordings):
        provider = provider_of(recording)
        if provider not in providers:
            continue
        name = f"{provider}/recording-{number}"
        surfaces = ["embeddings"] if recording.dialect == "embeddings" else ["chat", "responses"]
        for surface in surfaces:
            objects = ask(alfred, surface, name, recording.stream)
            assert objects, f"nothing came of {recording.name}"
            for kind, value in objects:
                row = (provider, kind)
                told[row, "all"] += 1
                for judge, of in judges.items():
                    found = of.judge(kind, value) + counted_on(kind, value)
                    told[row, judge] += not found
                    for fault in found:
                        faults[provider, kind, judge, fault].append(recording.name)
    for (row, judge), count in sorted(told.items()):
        if judge == "all":
            good = ", ".join(f"{told[row, name]} by {name}" for name in judges)
            print(f"{'/'.join(row)}: {count}, of them right {good}")
    for fault, names in sorted(faults.items(), key=lambda item: -len(item[1])):
        print(f"WRONG {len(names)} times, {' '.join(fault)}: {names[0]}")
    sys.exit(bool(faults) or not told)


if __name__ == "__main__":
    main()
