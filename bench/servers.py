"""The servers among the peers: each started on loopback or on a socket in a scratch directory, ended by its process id.

A server is started, waited for, asked where it can be reached, restarted (to time its opening) and stopped.  What it
said is in DIRECTORY/../NAME.log.  One that does not come up raises NotUp, with the end of that log.
"""
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

WAIT_SECONDS = 60


class NotUp(Exception):
    """A server that should have come up has not; what it said."""


class NotHere(Exception):
    """A server that cannot be started on this machine; why."""


class Server:
    def __init__(self, directory):
        self.directory = Path(directory)
        self.log = self.directory.parent / f"{self.name}.log"
        self.process = None

    def start(self):
        """Seconds from the start of the process to its first answer."""
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - started > WAIT_SECONDS:
                self.stop()
                raise NotUp(f"{self.name} did not come up: {self.last_words()}")
            time.sleep(0.002)
        return time.monotonic() - started

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.end()
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def end(self):
        self.process.terminate()

    def last_words(self):
        return " / ".join(self.log.read_text(errors="replace").strip().split("\n")[-3:])

    def prepare(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.log.write_bytes(b"")

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def find(self, *programs):
        for program in programs:
            found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
            if found:
                return found
        raise NotHere(f"no {programs[0]}; install the Debian package {self.package}")


class Postgres(Server):
    """Refuses to run as root, so root runs it as the system user that the package made."""
    name, package, user = "postgres", "postgresql", "postgres"

    def prepare(self):
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
        if not installed:
            raise NotHere(f"no PostgreSQL server; install the Debian package {self.package}")
        self.programs = installed[-1]
        self.prefix = []
        super().prepare()
        if os.geteuid() == 0:
            if not shutil.which("runuser"):
                raise NotHere("PostgreSQL does not run as root, and there is no runuser to start it as somebody else")
            try:
                account = pwd.getpwnam(self.user)
            except KeyError:
                raise NotHere(f"PostgreSQL does not run as root, and there is no system user '{self.user}'") from None
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self.prefix = ["runuser", "-u", self.user, "--"]
            if subprocess.run(self.prefix + ["test", "-w", str(self.directory)]).returncode != 0:
                raise NotHere(f"the user '{self.user}' cannot write to {self.directory}; choose another --work")
        made = subprocess.run(
            self.prefix + [str(self.programs / "initdb"), "-D", str(self.directory / "data"), "-U", "postgres",
                           "--auth=trust", "-E", "UTF8", "--locale=C"], capture_output=True, text=True)
        if made.returncode != 0:
            raise NotUp(f"initdb failed: {made.stderr.strip()[-300:]}")

    def command(self):
        settings = {"listen_addresses": "", "shared_buffers": "1GB", "max_wal_size": "8GB",
                    "checkpoint_timeout": "15min", "jit": "off", "max_connections": "64"}
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return self.prefix + [str(self.programs / "postgres"), "-D", str(self.directory / "data"),
                              "-k", str(self.directory)] + options

    def answers(self):
        return subprocess.run([str(self.programs / "pg_isready"), "-q", "-h", str(self.directory)]).returncode == 0

    def end(self):
        """The postmaster may be a child of runuser: its own pid is in its file."""
        try:
            os.kill(int((self.directory / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)
        except (OSError, ValueError, IndexError):
            super().end()

    def address(self):
        return f"host={self.directory} dbname=postgres user=postgres"


class Redis(Server):
    name, package = "redis", "redis-server"

    def prepare(self):
        self.program = self.find("redis-server")
        self.client = self.find("redis-cli")
        super().prepare()

    def command(self):
        return [self.program, "--port", "0", "--unixsocket", self.address(), "--dir", str(self.directory), "--save", "",
                "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0",
                "--daemonize", "no"]

    def answers(self):
        if not (self.directory / "socket").exists():
            return False
        asked = subprocess.run([self.client, "-s", self.address(), "ping"], capture_output=True, text=True)
        return asked.stdout.strip() == "PONG"

    def address(self):
        return str(self.directory / "socket")


class Nats(Server):
    """Takes a free port and tells it in its log, anew at every start."""
    name, package = "nats", "nats-server"
    READY = re.compile(r"Listening for client connections on 127\.0\.0\.1:(\d+).*Server is ready", re.S)

    def prepare(self):
        self.program = self.find("nats-server")
        super().prepare()

    def command(self):
        self.log.write_bytes(b"")
        return [self.program, "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", str(self.directory)]

    def answers(self):
        return self.READY.search(self.log.read_text(errors="replace")) is not None

    def address(self):
        return "nats://127.0.0.1:" + self.READY.search(self.log.read_text(errors="replace")).group(1)


SERVERS = {server.name: server for server in (Postgres, Redis, Nats)}
