"""An AWS for tests of the encryption record: moto, with what `tests/aws/moto` adds for lookback, and here what the record asks for.

    python lookback_moto.py [-H ADDRESS] [-p PORT] [--until-input-ends]

As moto_server; port 0 (the default) is a free one. Prints `http://ADDRESS:PORT` once it answers. With --until-input-ends it ends when
standard input closes, so that no server outlives its test. `control.py` lists the routes for tests; those of `tests/aws/moto/server.py`
are there as well.
"""

import argparse
import os
import pathlib
import sys
import threading
import warnings

HERE = pathlib.Path(__file__).resolve().parent
# Redshift's backend brings EC2's with it, whose 1300 machine images take longer than everything else together.
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
sys.path[:0] = [str(HERE), str(HERE.parent / "moto")]

import server
from werkzeug.serving import make_server

import control
import faults
import load
import tally

# It warns of errors that any service may answer with, and so no operation names.
warnings.filterwarnings("ignore", message=".*does not match an error shape")
# They refuse in JSON, which moto does not know of all of them.
JSON = ("cloudtrail", "config", "securityhub")


def create_app(service):
    load.load(service)
    return server.create_backend_app(service)


class Handler(server.Handler):
    """Closes the connection where a fault says so."""

    def run_wsgi(self):
        try:
            super().run_wsgi()
        except faults.Dropped:
            self.close_connection = True


class Application(server.Application):
    """What server.py has, with control, counts and faults in front."""

    def __init__(self):
        super().__init__()
        self.moto = server.Dispatcher(create_app)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith(control.PREFIX):
            status, body = control.answer(environ)
            start_response(status, [("Content-Type", "application/json")])
            return [body]
        if path == "/moto-api/reset":
            control.forget()
        if path == "/moto-api/reset-auth":
            access = server.importlib.import_module("access")
            access.JSON = tuple({*access.JSON, *JSON})
        call = tally.call_of(environ)
        if call:
            tally.begin(call)
            instead = faults.answer(server.ONE_AT_A_TIME)
            # Others were answered while a slow one waited.
            tally.current = call
            if instead:
                status, headers, body = instead
                start_response(status, headers)
                return [body]
        return super().__call__(environ, start_response)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=0)
    parser.add_argument("--until-input-ends", action="store_true")
    return parser.parse_args()


def main():
    asked = arguments()
    made = make_server(asked.host, asked.port, Application(), threaded=True, request_handler=Handler)
    made.daemon_threads = True
    if asked.until_input_ends:
        threading.Thread(target=server.end_with_standard_input, daemon=True).start()
    print(f"http://{asked.host}:{made.port}", flush=True)
    made.serve_forever()


if __name__ == "__main__":
    main()
