"""MariaDB and PostgreSQL from apt, each with a folder and a socket of its own; never a server that happens to run."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

START_S = 60
# PostgreSQL refuses to run as root.
USER = "nobody"
ROW = ("vertical", "cd_idx", "image_size", "sequence", "image_url", "width", "height", "bytes", "etag")


def program(name):
    """Where a program is: on the path, or where Debian puts those of servers."""
    folders = [*os.environ["PATH"].split(":"), "/usr/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    return shutil.which(name, path=":".join(folders))


def as_user(folder, *command):
    """The command as somebody who is not root and owns the folder."""
    if os.getuid() != 0:
        return command
    subprocess.run(["chown", "-R", USER, folder], check=True)
    return ("setpriv", "--reuid", USER, "--clear-groups", *command)


class Database:
    """As a context, it is started, and killed afterwards."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def __enter__(self):
        self.folder.mkdir(parents=True)
        # pytest's folders are closed to others.
        for parent in self.folder.parents:
            if os.access(parent, os.W_OK) and parent != Path("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o711)
            if parent == Path("/tmp"):
                break
        self.install()
        self.start()
        subprocess.run(self.asked("CREATE DATABASE celeb", ""), check=True, capture_output=True)
        return self

    def start(self):
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(as_user(self.folder, *self.command()), stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while subprocess.run(self.asked("SELECT 1", ""), capture_output=True).returncode != 0:
            assert self.process.poll() is None and time.monotonic() < deadline, f"{type(self).__name__} did not start"
            time.sleep(0.1)

    def stop(self):
        """Ends it as a power cut would; its data stay."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.stop()

    def sql(self, statement):
        """What a statement answers, as text."""
        asked = subprocess.run(self.asked(statement, "celeb"), capture_output=True, text=True)
        assert asked.returncode == 0, f"{statement}: {asked.stderr}"
        return asked.stdout

    def run(self, *command):
        subprocess.run(as_user(self.folder, *command), check=True, capture_output=True)

    def rows(self):
        """The rows of the public table in the order of their keys, without what differs between any two runs."""
        columns = ", ".join(f"'{column}', {column}" for column in ROW)
        sql = f"SELECT {self.JSON}({columns}) FROM celeb_image_url ORDER BY vertical, cd_idx, sequence, image_size"
        return [json.loads(line) for line in self.sql(sql).splitlines()]


class MariaDb(Database):
    JSON = "JSON_OBJECT"
    PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb")

    @property
    def url(self):
        return f"mysql://root@localhost/celeb?socket={self.folder}/sock"

    def install(self):
        options = ("--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db")
        self.run(program("mariadb-install-db"), *options, f"--tmpdir={self.folder}", f"--datadir={self.folder}/data")

    def command(self):
        # A folder of its own: a server that starts removes all temporary tables that it finds in /tmp, those of others too.
        options = ("--no-defaults", "--skip-networking", "--innodb-flush-log-at-trx-commit=2", f"--tmpdir={self.folder}")
        return (program("mariadbd"), *options, f"--datadir={self.folder}/data", f"--socket={self.folder}/sock")

    def asked(self, sql, database):
        options = ("--no-defaults", "--user=root", f"--socket={self.folder}/sock", "--batch", "--raw", "--skip-column-names")
        return (program("mariadb"), *options, f"--database={database}" if database else "--no-auto-rehash", f"--execute={sql}")


class Postgres(Database):
    JSON = "json_build_object"
    PROGRAMS = ("postgres", "initdb", "psql")

    @property
    def url(self):
        return f"postgres://root@{str(self.folder).replace('/', '%2F')}/celeb"

    def install(self):
        options = ("--username=root", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        self.run(program("initdb"), *options, "-D", f"{self.folder}/data")

    def command(self):
        return (program("postgres"), "-D", f"{self.folder}/data", "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off")

    def asked(self, sql, database):
        options = ("--no-psqlrc", "--tuples-only", "--no-align", f"--host={self.folder}", "--username=root")
        return (program("psql"), *options, f"--dbname={database or 'postgres'}", f"--command={sql}")
