"""What the benches share: the PostgreSQL server, the measuring of a process, the cache of tools."""

import contextlib
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lookback")
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(CACHE, "target")

DUCKDB_VERSION = "1.5.5"  # the extension loads into exactly this version
CHDB_VERSION = "4.4.0"
DELTA_RS_VERSION = "1.6.6"
PG2PARQUET_VERSION = "0.2.2"

USER, PASSWORD = "lookback", "not-a-secret"


def fail(message):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


def say(message):
    print(message, file=sys.stderr, flush=True)


def exit_on_signals():
    """Ends through SystemExit, so that every context manager cleans up."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda n, _: sys.exit(128 + n))


def check(command, quiet=False, **options):
    """Runs a command that has to succeed; what it prints goes to stderr, with `quiet` only if it fails."""
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if quiet else {"stdout": sys.stderr}
    result = subprocess.run(command, stdin=subprocess.DEVNULL, **out, **options)
    if result.returncode != 0:
        fail(f"{' '.join(map(str, command))} failed with exit code {result.returncode}\n{result.stdout or ''}")


# ---- tools ----


def cargo_build(package):
    """Builds a binary of the workspace for release; returns its path."""
    say(f"building {package} for release (cold: up to 45 minutes on two cores)")
    environment = {**os.environ, "CARGO_TARGET_DIR": TARGET}
    check(["cargo", "build", "--release", "--locked", "--package", package], cwd=REPO, env=environment)
    return os.path.join(TARGET, "release", package)


def floor_binary():
    target = os.path.join(CACHE, "bench", "floor-target")
    manifest = os.path.join(HERE, "floor", "Cargo.toml")
    check(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", manifest, "--target-dir", target])
    return os.path.join(target, "release", "lookback-bench-floor")


def pg2parquet_binary():
    root = os.path.join(CACHE, "bench", f"pg2parquet-{PG2PARQUET_VERSION}")
    binary = os.path.join(root, "bin", "pg2parquet")
    if not os.path.exists(binary):
        say("installing pg2parquet, once (a few minutes)")
        target = os.path.join(root, "target")
        check(["cargo", "install", "pg2parquet", "--version", PG2PARQUET_VERSION, "--locked", "--quiet",
               "--root", root, "--target-dir", target], cwd=REPO)
        shutil.rmtree(target, ignore_errors=True)
    return binary


def duckdb_python():
    """The Python of a virtual environment that has DuckDB and its PostgreSQL extension."""
    venv = os.path.join(CACHE, "bench", f"duckdb-{DUCKDB_VERSION}")
    python = os.path.join(venv, "bin", "python")
    done = os.path.join(venv, "installed")
    if not os.path.exists(done):
        say("installing DuckDB, once")
        check([sys.executable, "-m", "venv", "--clear", venv])
        check([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               f"duckdb=={DUCKDB_VERSION}", f"duckdb-extension-postgres-scanner=={DUCKDB_VERSION}"])
        open(done, "w").close()
    return python


def engines_python():
    """The Python of a virtual environment that has DuckDB, chDB and delta-rs."""
    venv = os.path.join(CACHE, "bench", f"engines-{DUCKDB_VERSION}-{CHDB_VERSION}-{DELTA_RS_VERSION}")
    python = os.path.join(venv, "bin", "python")
    done = os.path.join(venv, "installed")
    if not os.path.exists(done):
        say("installing DuckDB, chDB and delta-rs, once")
        check([sys.executable, "-m", "venv", "--clear", venv])
        check([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               f"duckdb=={DUCKDB_VERSION}", f"chdb=={CHDB_VERSION}", f"deltalake=={DELTA_RS_VERSION}"])
        open(done, "w").close()
    return python


# ---- measuring ----


def measure(command, log, ok=(0,)):
    """Runs a command to its end: wall seconds, user and system CPU seconds, peak resident MB of the whole process.

    The peak cannot read lower than what this script itself holds when it forks (some 20 MB)."""
    with open(log, "ab") as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ok:
        with open(log, errors="replace") as text:
            fail(f"{' '.join(command)} failed with exit code {process.returncode}:\n{text.read()[-3000:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def size_mb(path):
    if os.path.isfile(path):
        return os.path.getsize(path) / 1e6
    files = glob.glob(os.path.join(glob.escape(path), "**"), recursive=True, include_hidden=True)
    return sum(os.path.getsize(f) for f in files if os.path.isfile(f)) / 1e6


# ---- lookback ----


def lookback_config(folder, clusters, tables):
    """Writes a config file for `lookback export`; `clusters` are (name, host, port, database, user, password)."""
    lines = ["[lake]", 'location = "lake"', "", "[state]", 'path = "state.sqlite"', "",
             "[export]", f"tables = {json.dumps(tables)}", 'retention = "7d"']
    for name, host, port, database, user, password in clusters:
        secret = os.path.join(folder, f"{name}.password")
        with open(secret, "w") as out:
            out.write(password + "\n")
        os.chmod(secret, 0o600)
        lines += ["", f"[clusters.{name}]", f"host = {json.dumps(host)}", f"port = {port}", f"database = {json.dumps(database)}",
                  f"user = {json.dumps(user)}", f"password_file = {json.dumps(secret)}", 'tls = "plaintext"']
    path = os.path.join(folder, "lookback.toml")
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    return path, os.path.join(folder, "lake")


def lookback_export(binary, config):
    return [binary, "export", "--once", "--config", config]


# ---- PostgreSQL ----

# $1 program, $2 data folder, $3 log; then the command that drops privileges, if any. Standard input is a pipe from the script:
# when it closes, for whatever reason, the server is stopped by its pid.
KEEPER = """
program=$1 data=$2 log=$3
shift 3
"$@" "$program" -D "$data" >"$log" 2>&1 </dev/null &
pid=$!
read -r _
kill -INT "$pid" 2>/dev/null
wait "$pid"
"""


def postgres_bin():
    found = [(int(m[1]), path) for path in glob.glob("/usr/lib/postgresql/*/bin")
             if (m := re.search(r"/(\d+)/bin$", path)) and os.path.exists(os.path.join(path, "postgres"))]
    if not found:
        fail("no PostgreSQL server under /usr/lib/postgresql: run tests/run, which installs it")
    return max(found)[1]


class Server:
    """PostgreSQL on a free loopback port, set up so that it is neither the bottleneck nor a source of noise."""

    def __init__(self, folder, shared_buffers_mb):
        self.bin = postgres_bin()
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.prefix = []
        os.makedirs(folder, exist_ok=True)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self.prefix = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--"]
        if not os.path.exists(os.path.join(self.data, "PG_VERSION")):
            self._init()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._configure(shared_buffers_mb)

    def _init(self):
        password_file = os.path.join(self.folder, "password")
        with open(password_file, "w") as out:
            out.write(PASSWORD)
        os.chmod(password_file, 0o644)
        check(self.prefix + [os.path.join(self.bin, "initdb"), "--no-instructions", "--no-sync", "--encoding=UTF8", "--locale=C",
                             "--auth=scram-sha-256", "--username", USER, "--pwfile", password_file, "--pgdata", self.data],
              quiet=True, cwd=self.folder)
        os.remove(password_file)

    def _configure(self, shared_buffers_mb):
        with open(os.path.join(self.data, "postgresql.auto.conf"), "w") as out:
            out.write(f"""
listen_addresses = '127.0.0.1'
port = {self.port}
unix_socket_directories = ''
timezone = 'UTC'
shared_buffers = '{shared_buffers_mb}MB'
work_mem = '512MB'
maintenance_work_mem = '512MB'
max_wal_size = '16GB'
wal_level = minimal
max_wal_senders = 0
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
synchronize_seqscans = off
""")

    def __enter__(self):
        log = os.path.join(self.folder, "log")
        self.keeper = subprocess.Popen(
            ["sh", "-c", KEEPER, "lookback-postgres", os.path.join(self.bin, "postgres"), self.data, log] + self.prefix,
            stdin=subprocess.PIPE, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, IndexError):
                # A server that crashed can leave its file behind: the port in it has to be ours.
                lines = open(os.path.join(self.data, "postmaster.pid")).read().splitlines()
                if lines[3].strip() == str(self.port) and lines[7].strip() == "ready":
                    return self
            with contextlib.suppress(OSError):
                if "FATAL:" in open(log).read():
                    break
            time.sleep(0.05)
        self.__exit__()
        fail(f"PostgreSQL does not start:\n{open(log).read()}")

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait()

    def psql(self, database, sql=None, file=None, variables=()):
        command = [os.path.join(self.bin, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        for name, value in variables:
            command += ["-v", f"{name}={value}"]
        command += ["-f", file or "-"]
        result = subprocess.run(command, input=sql or "", capture_output=True, text=True)
        if result.returncode != 0:
            fail(f"psql failed:\n{result.stderr}")
        return result.stdout.strip()

    def url(self, database):
        return f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} dbname={database} sslmode=disable"


def create_table_sql(name):
    with open(os.path.join(REPO, "schemas", "data", "tables.json")) as file:
        tables = {table["name"]: table for table in json.load(file)}
    columns = ",\n  ".join(f'"{c["name"]}" {c["type"]}' for c in tables[name]["columns"])
    return f'CREATE TABLE public."{name}" (\n  {columns}\n);\n'
