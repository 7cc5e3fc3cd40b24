"""A provider whose every request is judged by its vendor's own library, and whose answers that
library makes: `serve.py google` or `serve.py aws`, which says its address on the first line.

What the library finds wrong with a request is answered 400 and kept: `GET /faults` tells how many
requests were judged and what was wrong.
"""

import json
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import scenes


class Oracle(BaseHTTPRequestHandler):
    """One request at a time of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    dialect = None
    judged = 0
    faults = []
    lock = threading.Lock()

    def log_message(self, *_):
        """Says nothing: the tests show what matters."""

    def do_GET(self):
        told = json.dumps({"judged": Oracle.judged, "faults": Oracle.faults})
        self.whole(200, {"content-type": "application/json"}, told.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            call = self.dialect.read(self, body)
        except Exception as error:  # whatever the library raises is its judgement
            call, fault = None, f"{self.path}: {type(error).__name__}: {error}"
        with Oracle.lock:
            Oracle.judged += 1
            if call is None:
                Oracle.faults.append(fault)
        if call is None:
            return self.fail(scenes.Failure(400, fault))
        if call.told is not None:
            return self.whole(200, {"content-type": "application/json"}, call.told)
        answer = scenes.play(call.model, call.asked)
        if isinstance(answer, scenes.Failure):
            return self.fail(answer)
        self.answer(call, answer)

    def answer(self, call, answer):
        if answer.event == "close":
            return self.leave()
        if answer.event == "hang":
            return self.hold()
        if not call.stream:
            if answer.event == "error_in_stream":
                return self.fail(scenes.Failure(503))
            body = self.dialect.whole(call, answer)
            time.sleep(answer.delay)
            if answer.event == "bad_json":
                body = body[:-1]
            if answer.event in ("cut", "reset"):
                self.head(200, {"content-type": "application/json", "content-length": len(body)})
                self.wfile.write(body[: len(body) // 2])
                return self.leave(reset=answer.event == "reset")
            return self.whole(200, {"content-type": "application/json"}, body)
        self.head(200, {"content-type": self.dialect.STREAM, "transfer-encoding": "chunked"})
        self.stream(call, answer)

    def stream(self, call, answer):
        if answer.event == "ping":
            for _ in range(3):
                time.sleep(answer.wait / 3)
                if self.dialect.PING:
                    self.chunk(self.dialect.PING)
        before = self.dialect.opening(call, answer)
        pieces = self.dialect.pieces(call, answer)
        for piece in before:
            self.chunk(piece)
        for number, piece in enumerate(pieces):
            if number == answer.after and self.happens(answer):
                return
            time.sleep(answer.delay)
            self.chunk(piece)
        for piece in self.dialect.closing(call, answer):
            self.chunk(piece)
        self.chunk(b"")

    def happens(self, answer):
        """What befalls a stream; true if that was its end."""
        match answer.event:
            case "stall":
                time.sleep(answer.wait)
                return False
            case "error_in_stream":
                self.chunk(self.dialect.failing())
                self.chunk(b"")
            case "bad_json":
                self.chunk(self.dialect.broken())
                return False
            case "end_without_finish":
                self.chunk(b"")
            case event:
                self.leave(reset=event == "reset")
        return True

    def fail(self, failure):
        body, headers = self.dialect.failure(failure)
        if failure.retry_after:
            headers["retry-after"] = failure.retry_after
        self.whole(failure.status, {"content-type": "application/json", **headers}, body)

    def whole(self, status, headers, body):
        self.head(status, {**headers, "content-length": len(body)})
        self.wfile.write(body)

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def chunk(self, data):
        """One chunk of a chunked body; an empty one ends it."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def hold(self):
        while self.connection.recv(4096):
            pass
        self.close_connection = True

    def leave(self, reset=False):
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


class Server(ThreadingHTTPServer):
    """Its threads end with it, and a client that left is no news."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


def main():
    if sys.argv[1] == "google":
        import google_oracle as dialect
    else:
        import aws_oracle as dialect
    Oracle.dialect = dialect
    server = Server(("127.0.0.1", 0), Oracle)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
