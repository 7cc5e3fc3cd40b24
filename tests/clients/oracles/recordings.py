"""A server that answers with what providers once said: see ../schema_client.py.

The model of a request is the number of a recording; its dialect is known by the address.
"""

import json
import pathlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The surfaces whose answers are told in chat's grammar, by the dialect of their provider.
SURFACES = {
    "chat_completions": "openai",
    "messages": "anthropic",
    "generate_content": "gemini",
    "stream_generate_content": "gemini",
    "converse": "bedrock",
    "converse_stream": "bedrock",
    "cohere_v2_chat": "cohere",
    "ollama_chat": "ollama",
    "embeddings": "embeddings",
}
TYPES = {
    "json": "application/json",
    "sse": "text/event-stream",
    "eventstream": "application/vnd.amazon.eventstream",
    "ndjson": "application/x-ndjson",
}
# These say something about the key, which would rest from then on.
OF_THE_KEY = (401, 402, 403, 429)


class Recording:
    """One answer, with the framing that it has on the wire."""

    def __init__(self, folder, row):
        self.provider, self.stream, self.status = row["provider"], row["stream"], row["status"]
        self.surface, self.name = row["surface"], row["response"]
        self.dialect = SURFACES[self.surface]
        framing, body = row["framing"], (folder / row["response"]).read_bytes()
        if framing == "chunks.ndjson":
            lines = [line for line in body.splitlines() if line.strip()]
            framing, body = framed(self.dialect, lines)
        self.type, self.body = TYPES[framing], body


def framed(dialect, lines):
    """Payloads of a stream whose framing was not recorded."""
    match dialect:
        case "ollama":
            return "ndjson", b"\n".join(lines) + b"\n"
        case "bedrock":
            import aws_oracle

            frames = []
            for line in lines:
                ((name, payload),) = json.loads(line).items()
                headers = {":event-type": name, ":message-type": "event"}
                frames.append(aws_oracle.frame(headers, json.dumps(payload).encode()))
            return "eventstream", b"".join(frames)
        case "anthropic" | "cohere":
            event = lambda line: b"event: " + json.loads(line)["type"].encode() + b"\ndata: " + line
            return "sse", b"\n\n".join(map(event, lines)) + b"\n\n"
    return "sse", b"".join(b"data: " + line + b"\n\n" for line in lines)


def load(shared):
    """All recordings that can be asked for in chat's grammar, or as embeddings."""
    folder = pathlib.Path(shared) / "fixtures"
    rows = map(json.loads, (folder / "index.jsonl").read_text().splitlines())
    wanted = [row for row in rows if row["surface"] in SURFACES and row["status"] not in OF_THE_KEY]
    # Failures last: one of them may say something about the key all the same.
    wanted.sort(key=lambda row: row["status"])
    return [Recording(folder, row) for row in wanted]


def serve(port, recordings):
    """Serves them in the background."""

    class Replay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_):
            """Says nothing."""

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            # The name is in the address, or in the body.
            found = re.search(rb"recording-(\d+)", self.path.encode() + body)
            recording = recordings[int(found.group(1))]
            self.send_response(recording.status)
            self.send_header("content-type", recording.type)
            self.send_header("content-length", str(len(recording.body)))
            self.end_headers()
            self.wfile.write(recording.body)

    server = ThreadingHTTPServer(("127.0.0.1", port), Replay)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
