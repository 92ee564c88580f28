"""MCP servers that are put under the same load: Chronos, and the least servers of the official TypeScript SDKs.

The reference servers come from npm, in the versions of bench/peers/mcp/package.json; they listen on 127.0.0.1.
"""
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

from servers import NotHere, NotUp, Server

ROOT = Path(__file__).resolve().parent.parent
MESSAGE = "x" * 200


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class McpServer(Server):
    tool, arguments = "echo", {"message": MESSAGE}
    sessions = 10_000

    def __init__(self, directory, build):
        super().__init__(directory)
        self.build = build

    def prepare(self):
        super().prepare()
        self.port = free_port()

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class NodeServer(McpServer):
    def prepare(self):
        self.modules = self.build / "mcp_peers"
        self.node = shutil.which("node")
        if not self.node or not shutil.which("npm"):
            raise NotHere("no node or no npm")
        source = ROOT / "bench/peers/mcp"
        self.modules.mkdir(parents=True, exist_ok=True)
        stamp = self.modules / "installed"
        if not stamp.exists() or stamp.read_text() != (source / "package.json").read_text():
            certificates = "/etc/ssl/certs/ca-certificates.crt"
            trusted = {"NODE_EXTRA_CA_CERTS": certificates} if Path(certificates).exists() else {}
            shutil.copy(source / "package.json", self.modules)
            made = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                                  cwd=self.modules, env={**trusted, **os.environ}, capture_output=True, text=True)
            if made.returncode != 0:
                raise NotHere(f"npm could not install it: {made.stderr.strip()[-200:]}")
            stamp.write_text((source / "package.json").read_text())
        for script in source.glob("*.mjs"):
            shutil.copy(script, self.modules)
        super().prepare()


class SdkV1(NodeServer):
    name, version = "mcp_v1", "v1"

    def command(self):
        return [self.node, str(self.modules / "echo.mjs"), self.version, "http", str(self.port)]

    def stdio(self):
        return [self.node, str(self.modules / "echo.mjs"), self.version, "stdio"]


class SdkV2(SdkV1):
    name, version = "mcp_v2", "v2"


class Everything(NodeServer):
    name = "mcp_everything"
    sessions = 1_000  # it makes a whole server for each, with all its tools

    def program(self):
        return str(self.modules / "node_modules/@modelcontextprotocol/server-everything/dist/index.js")

    def command(self):
        return ["/usr/bin/env", f"PORT={self.port}", self.node, "--import", str(self.modules / "loopback.mjs"),
                self.program(), "streamableHttp"]

    def stdio(self):
        return [self.node, self.program(), "stdio"]


class Chronos(McpServer):
    """Asked for the state of a stream, which it has to look up and write; the others only say the same."""
    name, tool, arguments = "http", "get_state", {"stream": "order-7"}

    def prepare(self):
        super().prepare()
        self.program = str(self.build / "chronos")
        event = {"stream": "order-7", "type": "OrderPlaced", "data": {"note": MESSAGE}}
        made = subprocess.run([self.program, "call", "append_events", json.dumps({"events": [event]}), "--data",
                               str(self.directory / "data")], capture_output=True, text=True)
        if made.returncode != 0:
            raise NotUp(f"chronos could not append: {made.stderr}")

    def command(self):
        return [self.program, "serve", "--data", str(self.directory / "data"), "--listen", f"127.0.0.1:{self.port}"]

    def stdio(self):
        return [self.program, "stdio", "--data", str(self.directory / "data")]


MCP_SERVERS = {server.name: server for server in (SdkV1, SdkV2, Everything, Chronos)}
