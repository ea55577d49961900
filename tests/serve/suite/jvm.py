"""A Java virtual machine in this process, with PostgreSQL's JDBC driver of Debian (libpostgresql-jdbc-java), and certificates from its keytool.

The machine is five and a half hours ahead of UTC: a driver that moves times by where it is would be found out.
"""

import base64
import os
import subprocess
import textwrap
from pathlib import Path

import jpype

JAR = Path(os.environ.get("LOOKBACK_JDBC_JAR", "/usr/share/java/postgresql.jar"))
HOURS_FROM_UTC = 5.5
SECRET = "no secret"


def start():
    """Once for the process; what is missing is an error, not a reason to skip anything."""
    if jpype.isJVMStarted():
        return
    if not JAR.exists():
        raise RuntimeError(f"{JAR} is missing: install Debian's libpostgresql-jdbc-java, or set LOOKBACK_JDBC_JAR")
    jpype.startJVM("-Duser.timezone=Asia/Kolkata", "-Xmx256m", classpath=[str(JAR)], convertStrings=True)
    jpype.JClass("org.postgresql.Driver")


def java(name):
    return jpype.JClass(name)


def connect(place, **properties):
    """A connection; `place` has host, port, user, password and dbname as libpq names them."""
    names = {"user": place["user"], "password": place["password"], "connectTimeout": 20, "socketTimeout": 120}
    given = java("java.util.Properties")()
    for name, value in {**names, **properties}.items():
        given.setProperty(name, str(value))
    return java("java.sql.DriverManager").getConnection(f"jdbc:postgresql://{place['host']}:{place['port']}/{place['dbname']}", given)


def rows(result):
    """All rows of a ResultSet, as the driver's objects."""
    wide = result.getMetaData().getColumnCount()
    read = []
    while result.next():
        read.append([result.getObject(at) for at in range(1, wide + 1)])
    return read


def texts(result):
    """All rows of a ResultSet, as texts."""
    return [[None if value is None else str(value) for value in row] for row in rows(result)]


def labels(result):
    about = result.getMetaData()
    return [about.getColumnLabel(at) for at in range(1, about.getColumnCount() + 1)]


def certificates(folder):
    """The files of a certificate for `localhost`, of its key, and of the authority that signed it."""
    folder = Path(folder)
    keytool = Path(java("java.lang.System").getProperty("java.home")) / "bin" / "keytool"

    def run(*arguments, given=None):
        command = [keytool, *arguments, "-storepass", SECRET, "-storetype", "PKCS12"]
        ran = subprocess.run(command, input=given, capture_output=True, timeout=60)
        if ran.returncode:
            raise RuntimeError(f"keytool {arguments[0]}: {ran.stdout.decode()}{ran.stderr.decode()}")
        return ran.stdout

    pair = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2"]
    run(*pair, "-keystore", folder / "ca.p12", "-alias", "ca", "-dname", "CN=test authority", "-ext", "bc:c")
    run(*pair, "-keystore", folder / "server.p12", "-alias", "server", "-dname", "CN=localhost")
    asked = run("-certreq", "-keystore", folder / "server.p12", "-alias", "server")
    signed = run("-gencert", "-keystore", folder / "ca.p12", "-alias", "ca", "-rfc", "-ext", "san=dns:localhost", "-validity", "2", given=asked)
    authority = run("-exportcert", "-keystore", folder / "ca.p12", "-alias", "ca", "-rfc")

    store = java("java.security.KeyStore").getInstance("PKCS12")
    letters = java("java.lang.String")(SECRET).toCharArray()
    stream = java("java.io.FileInputStream")(str(folder / "server.p12"))
    store.load(stream, letters)
    stream.close()
    key = base64.b64encode(bytes(store.getKey("server", letters).getEncoded())).decode()
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *textwrap.wrap(key, 64), "-----END PRIVATE KEY-----", ""])
    made = {"server.crt": signed, "server.key": key.encode(), "ca.crt": authority}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    (folder / "server.key").chmod(0o600)
    return [folder / name for name in made]
