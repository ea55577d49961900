"""An AWS for one test: moto on a free loopback port, with what it lacks and `lookback` calls.

Prints `http://127.0.0.1:PORT` once it answers. Ends when standard input closes or on SIGTERM, so that no server outlives its test.

For tests only, outside AWS's interface:

    POST /lookback-test/endpoint     {"region", "cluster" or "workgroup", "address", "port", "account"?}: where it is from now on
    POST /lookback-test/cluster      {"region", "cluster", "status", "account"?}: sets its ClusterStatus
    GET  /lookback-test/credentials  every database password that was handed out, oldest first
    POST /lookback-test/password     {"password"}: it is handed out from now on
    POST /lookback-test/user         {"account", "name", "policy"}: makes a user, or gives it another policy; answers with its keys
    POST /lookback-test/role         {"account", "name", "policy", "trust"}: makes a role
    GET  /lookback-test/sessions     secret and token of every role that was assumed

moto's own control is there as well: POST /moto-api/reset, POST /moto-api/reset-auth.
"""

import functools
import importlib
import io
import json
import os
import re
import sys
import threading
import traceback

os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "1")

from moto import backend_index
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

import shared

# AWS looks at the condition of a write and writes as one; moto's threads can pass each other in between.
ONE_AT_A_TIME = threading.Lock()
# Longest line of a chunk's size.
LINE = 4096


class Handler(MotoRequestHandler):
    """Answers with HTTP/1.1 and keeps the connection; Werkzeug closes it, and every request costs a thread.

    The whole body is read before the application runs, so that what it leaves unread is never taken for the next request.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body leave in one segment.
    wbufsize = -1

    def run_wsgi(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        environ["CONTENT_LENGTH"] = str(len(body))
        answer = []

        def start_response(status, headers, exc_info=None):
            answer[:] = [status, headers]

        try:
            with ONE_AT_A_TIME:
                chunks = self.server.app(environ, start_response)
                try:
                    content = b"".join(chunks)
                finally:
                    if hasattr(chunks, "close"):
                        chunks.close()
        except Exception:
            # What moto does not know is an error of the test; it should be readable there.
            content = traceback.format_exc().encode()
            sys.stderr.write(content.decode())
            answer = ["500 Internal Server Error", [("Content-Type", "text/plain")]]
        self.write_answer(answer[0], answer[1], content)

    def read_body(self):
        """The request's body, or None if the client went away in the middle of it."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while True:
                line = self.rfile.readline(LINE)
                if not line:
                    return None
                size = int(line.split(b";")[0], 16)
                if size == 0:
                    break
                parts.append(self.rfile.read(size))
                self.rfile.readline(LINE)
            # Trailers.
            while self.rfile.readline(LINE).strip():
                pass
            return b"".join(parts)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        return body if len(body) == size else None

    def write_answer(self, status, headers, content):
        code, _, reason = status.partition(" ")
        bodiless = self.command == "HEAD" or code in ("204", "304")
        self.send_response_only(int(code), reason)
        self.send_header("Date", self.date_time_string())
        for name, value in headers:
            # A HEAD tells the length of what a GET would send.
            if name.lower() not in ("connection", "date") and (name.lower() != "content-length" or self.command == "HEAD"):
                self.send_header(name, value)
        if not bodiless:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(content)
        self.wfile.flush()

    def log(self, *_):
        """Nothing: a line per request costs more than some requests."""


# What is ours is loaded when it is asked for, as moto's own services are.
OURS = {"redshift": "redshift", "redshiftserverless": "serverless", "s3": "uploads"}
SERVERLESS_URL = re.compile(r"https?://redshift-serverless\.(.+)\.amazonaws\.com")


def create_app(service):
    if service in OURS:
        importlib.import_module(OURS[service])
    return create_backend_app(service)


class Dispatcher(DomainDispatcherApplication):
    """moto looks through its own source folders for every request; the answer is the same every time."""

    get_backend_for_host = functools.cache(DomainDispatcherApplication.get_backend_for_host)


class Application:
    """moto, with the routes for tests in front."""

    def __init__(self):
        backend_index.backend_url_patterns.append(("redshiftserverless", SERVERLESS_URL))
        self.moto = Dispatcher(create_app)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/moto-api/reset-auth":
            importlib.import_module("access")
        if not path.startswith("/lookback-test/"):
            return self.moto(environ, start_response)
        status = "200 OK"
        try:
            answer = for_tests(path, json.loads(environ["wsgi.input"].read() or b"{}"))
        except Exception as e:
            status, answer = "400 Bad Request", {"error": f"{type(e).__name__}: {e}"}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]


def for_tests(path, request):
    if path == "/lookback-test/credentials":
        return shared.handed_out
    if path == "/lookback-test/sessions":
        return shared.sessions()
    if path == "/lookback-test/password":
        shared.chosen.update(request)
        return {}
    if path in ("/lookback-test/user", "/lookback-test/role"):
        access = importlib.import_module("access")
        return access.create_user(request) if path.endswith("user") else access.create_role(request)
    ours = importlib.import_module("redshift" if "cluster" in request else "serverless")
    if path == "/lookback-test/endpoint":
        ours.set_endpoint(request)
    elif path == "/lookback-test/cluster":
        ours.set_status(request)
    else:
        raise LookupError(f"there is no {path}")
    return {}


def end_with_standard_input():
    while sys.stdin.buffer.read(LINE):
        pass
    os._exit(0)


def main():
    server = make_server("127.0.0.1", 0, Application(), threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
