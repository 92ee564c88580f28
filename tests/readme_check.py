#!/usr/bin/env python3
"""What README.md and docs/CLIENTS.md say, checked against the tree and the program.

    tests/readme_check.py PATH_TO_CHRONOS

Their JSON blocks parse and start this program; the scripts, files and subcommands they name exist.  The README's tool
table is the list of tools the server gives; its sessions are what the demonstration prints; it is short.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
problems = []


def check(holds, message):
    if not holds:
        problems.append(message)


def listed_tools(binary):
    lines = [{"jsonrpc": "2.0", "id": 1, "method": "initialize",
              "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "readme", "version": "1"}}},
             {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}]
    run = subprocess.run([binary, "stdio", "--data", "/nonexistent/readme-check"], input="".join(json.dumps(m) + "\n" for m in lines),
                         capture_output=True, text=True, timeout=30, check=True)
    answers = {m.get("id"): m for m in map(json.loads, run.stdout.splitlines())}
    return [tool["name"] for tool in answers[2]["result"]["tools"]]


def check_blocks(text):
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    servers = [block.get("mcpServers") or block.get("servers") for block in blocks]
    check(any("mcpServers" in b for b in blocks), "no block with mcpServers")
    for server in filter(None, servers):
        entry = server["chronos"]
        if "url" in entry:
            check(re.fullmatch(r"https?://[\w.:-]+/mcp", entry["url"]), f"the block asks {entry['url']}")
            continue
        check(entry["command"] == "chronos", f"the block starts {entry['command']}")
        check(entry["args"][0] == "stdio", f"the block passes {entry['args']}")


def check_sessions(text, binary):
    """The sessions pasted in README.md are, line for line, what the demonstration prints."""
    pasted = re.findall(r"```text\n(\d+\. .*?)```", text, re.S)
    run = subprocess.run([sys.executable, ROOT / "scripts/demo.py", binary], capture_output=True, text=True, timeout=60)
    check(run.returncode == 0, f"the demonstration failed: {run.stderr}")
    check(len(pasted) == 2, f"{len(pasted)} sessions in place of two, the first one and the one with a fork")
    printed = [line for line in run.stdout.split("\n") if line.strip()]
    for line in filter(str.strip, "\n".join(pasted).split("\n")):
        check(line in printed, f"a session has a line that the demonstration does not print: {line}")


def check_commands(text, binary):
    shell = [line.strip() for block in re.findall(r"```(?:sh|console)?\n(.*?)```", text, re.S) for line in block.split("\n")]
    inline = re.findall(r"`((?:scripts|docs|tests|bench|prompts)/[\w./-]+)", text)
    for path in inline + [m.group(1) for line in shell for m in [re.match(r"(?:\$ )?((?:scripts|build)/[\w./-]+)", line)] if m]:
        check(path.startswith("build/") or (ROOT / path).exists(), f"{path} does not exist")
    help_text = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    for command in set(re.findall(r"(?:^|[`\s|])chronos ([a-z]+)\b(?!:)", "\n".join(shell) + "\n" + "\n".join(re.findall(r"`[^`\n]+`", text)))):
        check(re.search(rf"^\s*{command}\b", help_text, re.M), f"`chronos {command}` is not in --help")


def main(binary):
    text = (ROOT / "README.md").read_text()
    clients = (ROOT / "docs/CLIENTS.md").read_text()
    check(text.count("\n") <= 200, "README.md is longer than 200 lines")
    for document in (text, clients):
        check_blocks(document)
        check_commands(document, binary)
    check_sessions(text, binary)
    table = re.findall(r"^\| `(\w+)` \|", text, re.M)
    tools = listed_tools(binary)
    check([name for name in table if name in tools] == tools, f"the tool table {table} is not the list of tools {tools}")
    check('{"servers":' in clients, "docs/CLIENTS.md has no block with servers (VS Code)")
    for problem in problems:
        print(problem)
    print(f"readme: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
