"""Requests that real applications once sent, to providers of another dialect; see oracles/.

Each is refused by Alfred with the name of what has no counterpart, or it is such that the provider's
own library takes it. Members that only one vendor knows are taken out first: Alfred passes them, and
leaves it to the provider to judge them.
"""

import collections
import http.client
import json
import os
import pathlib
import urllib.parse

from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from world import play

QUOTE = "'"
PUBLISHED = {*CompletionCreateParamsBase.__annotations__, "stream"}


def published(surface, body):
    """Without members of a chat that OpenAI does not know."""
    if surface != "chat_completions":
        return body
    return {key: value for key, value in body.items() if key in PUBLISHED}


def replay(world, surface, path):
    folder = pathlib.Path(os.environ["ALFRED_SHARED"]) / "fixtures"
    rows = map(json.loads, (folder / "index.jsonl").read_text().splitlines())
    url = urllib.parse.urlsplit(world.base_url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    headers = {"content-type": "application/json", "x-api-key": world.key}
    came, wrong = collections.Counter(), []
    for row in rows:
        # What its own provider refused may be refused here.
        if row["surface"] != surface or row["status"] != 200 or not row["request"]:
            continue
        body = json.loads((folder / row["request"]).read_text())
        if not isinstance(body, dict):
            continue
        body = {**published(surface, body), "model": world.model("echo")}
        connection.request("POST", f"{url.path}/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read().decode()
        source = answer.headers["x-alfred-error-source"]
        named = answer.status == 400 and source == "gateway" and said.count(QUOTE) > 1
        came[f"refused {said.split(QUOTE)[1]}" if named else answer.status] += 1
        if answer.status != 200 and not named:
            wrong.append(f"{row['request']}: {answer.status} {source}: {said[:700]}")
    told = ", ".join(f"{count} {what}" for what, count in came.most_common())
    assert not wrong, f"of {told}:\n" + "\n".join(wrong)
    assert came[200] > 20, f"few were asked: {told}"
    print(f"{surface} to {world.prefix}: {told}")


def chats(world):
    replay(world, "chat_completions", "chat/completions")


def messages(world):
    replay(world, "messages", "messages")


def responses(world):
    replay(world, "responses", "responses")


if __name__ == "__main__":
    play([chats, messages, responses])
