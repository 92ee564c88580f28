#!/usr/bin/env python3
"""What is distributed, built from the release build and run from where it is unpacked.

    tests/packages_check.py BUILD_DIRECTORY

The .deb (where dpkg is there to make one), the MCP bundle and the registry's server.json.
tests/node/bundle.mjs goes on with the bundle: with the official packer, as a desktop client installs it.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parent.parent
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
         "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "packages", "version": "1"}}}
# What the registry's schema of 2025-12-11 asks of a server that is one bundle.
SERVER_JSON = {
    "type": "object", "required": ["$schema", "name", "description", "version", "packages"], "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"type": "string", "minLength": 3, "maxLength": 200, "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255, "pattern": r"^\d+\.\d+\.\d+$"},
        "packages": {
            "type": "array", "minItems": 1,
            "items": {
                "type": "object", "required": ["registryType", "identifier", "fileSha256", "transport"], "additionalProperties": False,
                "properties": {
                    "registryType": {"const": "mcpb"},
                    "identifier": {"type": "string", "pattern": "^https://.*mcp"},
                    "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
                    "fileSha256": {"type": "string", "pattern": "^[a-f0-9]{64}$"},
                    "transport": {"type": "object", "required": ["type"], "additionalProperties": False,
                                  "properties": {"type": {"const": "stdio"}}}}}}}}

passed = []
failed = []


def check(claim, holds, found=""):
    (passed if holds else failed).append(claim)
    print(f"{'ok' if holds else 'FAILED'}: {claim}" + (f": {found}" if not holds and found != "" else ""))


def run(command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)


def greets(program, data, environment=None):
    """Whether the program answers initialize as an agent client asks it."""
    answer = run([program, "stdio", "--data", data], input=json.dumps(HELLO) + "\n", env=environment)
    return answer.returncode == 0 and json.loads(answer.stdout)["result"]["serverInfo"]["name"] == "chronos"


def check_bundle(build, scratch):
    url = "https://github.com/somebody/chronos/releases/download/v1/chronos.mcpb"
    command = [ROOT / "scripts/bundle", "--binary", build / "chronos", "--out", scratch / "bundle"]
    made = run(command + ["--url", url, "--name", "io.github.somebody/chronos"])
    check("scripts/bundle packs a bundle and describes it", made.returncode == 0, made.stderr)
    file = Path(made.stdout.splitlines()[0])
    first = file.read_bytes()
    server = json.loads((scratch / "bundle/server.json").read_text())
    problems = [error.message for error in Draft202012Validator(SERVER_JSON).iter_errors(server)]
    check("server.json has the shape the registry asks for", problems == [], problems)
    check("server.json has the sum of the bundle", server["packages"][0]["fileSha256"] == hashlib.sha256(first).hexdigest())
    check("server.json has the address that was given", server["packages"][0]["identifier"] == url)
    run(command)
    check("the same program gives the same bundle", file.read_bytes() == first)
    for wrong in (["--name", "a/b"], ["--url", url], ["--url", url, "--name", "no namespace"],
                  ["--url", "http://example.com/chronos.mcpb", "--name", "a/b"]):
        check(f"refused: {' '.join(wrong)}", run(command + wrong).returncode == 2)

    unpacked = scratch / "unpacked"
    with zipfile.ZipFile(file) as bundle:
        for entry in bundle.infolist():
            path = Path(bundle.extract(entry, unpacked))
            path.chmod(entry.external_attr >> 16)
    about = json.loads((unpacked / "manifest.json").read_text())
    check("the manifest names the tools", "describe_store" in [tool["name"] for tool in about["tools"]])
    check("the bundle carries its libraries", list((unpacked / "server/lib").glob("libsimdjson.so*")) != [])
    environment = {"LD_LIBRARY_PATH": str(unpacked / "server/lib"), "HOME": str(scratch)}
    check("the program answers out of the bundle", greets(unpacked / "server/chronos", scratch / "data-bundle", environment))


def check_deb(build, scratch):
    made = run(["cpack", "--config", build / "CPackConfig.cmake", "-G", "DEB", "-B", scratch / "deb"], cwd=scratch)
    files = list((scratch / "deb").glob("*.deb"))
    check("cpack makes a .deb", made.returncode == 0 and len(files) == 1, made.stdout + made.stderr)
    if not files:
        return
    fields = dict(line.split(": ", 1) for line in run(["dpkg-deb", "-f", files[0]]).stdout.splitlines() if ": " in line)
    check("it depends on the libraries the program is linked with",
          all(name in fields.get("Depends", "") for name in ("libc6", "libsimdjson", "libzstd", "libstdc++6")), fields)
    root = scratch / "root"
    unpacked = run(["dpkg-deb", "-x", files[0], root])
    check("it unpacks", unpacked.returncode == 0, unpacked.stderr)
    program = root / "usr/bin/chronos"
    version = run([program, "--version"])
    check("the program starts, and is of the package's version", version.stdout.split()[1:] == [fields.get("Version")], version)
    check("the program answers out of the package", greets(program, scratch / "data-deb"))
    check("the licence is where it belongs", (root / "usr/share/doc/chronos/copyright").is_file())
    page = (root / "usr/share/man/man1/chronos.1").read_text()
    listed = re.findall(r"^  ([a-z]+) ", run([program, "--help"]).stdout.split("Subcommands:")[1].split("\n\n\n")[0], re.M)
    check("the manual page has every subcommand", listed != [] and all(f"\n.B {name}\n" in page for name in listed),
          [name for name in listed if f"\n.B {name}\n" not in page])
    check_service(root, program)
    if shutil.which("man"):
        warnings = run(["man", "--warnings", "-l", root / "usr/share/man/man1/chronos.1"], env={**os.environ, "MANWIDTH": "100"}).stderr
        check("the manual page formats without a warning", warnings == "", warnings)


def check_service(root, program):
    unit = (root / "usr/lib/systemd/system/chronos.service").read_text()
    command = re.search(r"^ExecStart=(\S+) (\w+)(.*)$", unit, re.M)
    check("the service starts a program of the package", (root / command[1].lstrip("/")).is_file(), command[0])
    known = run([program, command[2], "--help"]).stdout
    options = re.findall(r"--[a-z-]+", command[3])
    check("the service gives options that the program has", options != [] and all(option in known for option in options), options)
    if shutil.which("systemd-analyze"):
        said = run(["systemd-analyze", "verify", f"--root={root}", "chronos.service"])
        # Those of a line of the file: what else it misses is the rest of a system around it.
        mine = [line for line in (said.stdout + said.stderr).splitlines() if re.search(r"chronos\.service:\d+:", line)]
        check("systemd finds nothing wrong with the service", mine == [], mine)


def check_docker():
    text = (ROOT / "packaging/Dockerfile").read_text()
    for path in re.findall(r"(?<=RUN )scripts/\w+", text):
        check(f"the Dockerfile runs {path}, which is there", (ROOT / path).is_file())
    check("the Dockerfile begins with the Debian that the packages are for", text.count("\nFROM debian:bookworm-slim") == 2)


def main(build):
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        check_bundle(build, scratch)
        check_docker()
        if shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"):
            check_deb(build, scratch)
        else:
            print("there is no dpkg-deb and dpkg-shlibdeps here: no .deb was made")
    print(f"{len(passed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
