"""Sessions over PostgreSQL's protocol that ask what Grafana's dashboards ask, every few seconds; a part of the bench of the server.

Runs in the Python of tests/serve, which has psycopg. Takes one object of JSON from standard input: "dsn" (one for each session),
"seconds", "every", "back" (seconds from the end of the lake's data to now), "clusters". Prints one: "statements" (dashboard, panel,
seconds), "refreshes" (dashboard, seconds) and "errors".
"""

import datetime
import json
import os
import sys
import threading
import time

import psycopg

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "serve", "suite"))
from test_grafana import complete, dashboards, variables  # noqa: E402

RANGES = [datetime.timedelta(hours=6), datetime.timedelta(days=1), datetime.timedelta(days=7)]


def session(number, given, boards, out, lock):
    name, board = boards[number % len(boards)]
    chosen = [None, given["clusters"][number % len(given["clusters"]):][:1]][number % 2]
    began = time.monotonic() + given["every"] * number / len(given["dsn"])
    end = time.monotonic() + given["seconds"]
    try:
        with psycopg.connect(given["dsn"][number], autocommit=True) as connection:
            while began < end:
                time.sleep(max(0.0, began - time.monotonic()))
                refreshed = time.monotonic()
                until = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=given["back"])
                for panel in board["panels"]:
                    sql = complete(panel["targets"][0]["rawSql"], variables(board, chosen), until - RANGES[number % 3], until)
                    asked = time.monotonic()
                    try:
                        connection.execute(sql).fetchall()
                    except psycopg.Error as error:
                        with lock:
                            out["errors"].append(f"{name}, {panel['title']}: {error}")
                    with lock:
                        out["statements"].append([name, panel["title"], time.monotonic() - asked])
                with lock:
                    out["refreshes"].append([name, time.monotonic() - refreshed])
                began += given["every"]
    except psycopg.Error as error:
        with lock:
            out["errors"].append(f"session {number}: {error}")


def main():
    given = json.load(sys.stdin)
    boards = sorted(dashboards().items())
    out, lock = {"statements": [], "refreshes": [], "errors": []}, threading.Lock()
    threads = [threading.Thread(target=session, args=(n, given, boards, out, lock)) for n in range(len(given["dsn"]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(out))


if __name__ == "__main__":
    main()
