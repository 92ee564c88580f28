#!/usr/bin/env python3
"""A short demonstration through the real server: JSON-RPC over stdio, as an agent client speaks it.

    scripts/demo.py PATH_TO_CHRONOS

Everything shown is what really went over the wire, shortened; the store is a scratch directory that is removed at
the end.  Exits 1 when an answer is not what the text around it says.
"""

import json
import os
import subprocess
import sys
import tempfile

WIDTH = 112


class Agent:
    """One client with a server process of its own, as every agent client starts one."""

    def __init__(self, name, binary, directory):
        self.name = name
        self.next_id = 0
        self.process = subprocess.Popen([binary, "stdio", "--data", directory], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                    "clientInfo": {"name": name, "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def request(self, method, params):
        self.next_id += 1
        self.send({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params})
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit(f"the server ended with code {self.process.wait()} before it answered {method}")
            answer = json.loads(line)
            if answer.get("id") != self.next_id:
                continue  # a notification
            if "error" in answer:
                sys.exit(f"{method} failed: {answer['error']}")
            return answer["result"]

    def call(self, tool, **arguments):
        """Calls a tool, shows both directions, returns the structured answer."""
        show(f"{self.name} -> {tool}", arguments)
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        answer = result.get("structuredContent") or json.loads(result["content"][0]["text"])
        show(f"{self.name} <- {'error' if result.get('isError') else 'ok'}", answer)
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=20)


def shortened(value, hidden=frozenset({"id", "recorded_at", "valid_at", "actor", "durability", "retryable", "at", "left_at",
                                      "first", "last", "last_position", "event_count", "condition_index", "side", "created_at",
                                      "expires_at", "discarded_at"})):
    """Without what a reader of the demonstration does not need, such as ids and times."""
    if isinstance(value, dict):
        return {k: shortened(v) for k, v in value.items() if k not in hidden}
    if isinstance(value, list):
        return [shortened(v) for v in value]
    return value


def show(label, value):
    """On one line if it fits; else a line for each member, and members of an error one by one."""
    value = shortened(value)
    if "error" in value:
        value = {**value["error"], **value["error"].pop("details", {})}
        value.pop("details", None)
    text = json.dumps(value, ensure_ascii=False)
    if len(label) + len(text) + 4 <= WIDTH:
        print(f"  {label}  {text}")
        return
    print(f"  {label}")
    for key, part in value.items():
        print(f"      {key}: {json.dumps(part, ensure_ascii=False)}")


def step(title):
    print(f"\n{title}\n")


def expect(claim, holds):
    if not holds:
        sys.exit(f"\nThe demonstration went wrong: expected that {claim}.")


def story(ann, ben):
    step("1. Ann records an order, on condition that it does not exist yet (version 0).")
    answer = ann.call("append_events", events=[
        {"stream": "order-7", "type": "OrderPlaced", "data": {"customer": "Ida", "total": 120, "status": "placed"}}],
        conditions=[{"stream": "order-7", "version": 0}])
    expect("the order is event 1", answer["first_position"] == 1)
    answer = ann.call("append_events", events=[
        {"stream": "order-7", "type": "OrderPaid", "data": {"status": "paid", "paid": 120}}],
        conditions=[{"stream": "order-7", "version": 1}])
    expect("the stream is at version 2", answer["versions"] == {"order-7": 2})

    step("2. Ben, another process on the same directory, ships it: he has seen version 2.")
    ben.call("append_events", events=[
        {"stream": "order-7", "type": "OrderShipped", "data": {"status": "shipped", "carrier": "DHL"}}],
        conditions=[{"stream": "order-7", "version": 2}])

    step("3. Ann, who has not seen that, cancels: her append loses the race, and the answer shows what she missed.")
    answer = ann.call("append_events", events=[
        {"stream": "order-7", "type": "OrderCancelled", "data": {"status": "cancelled"}}],
        conditions=[{"stream": "order-7", "version": 2}])
    expect("the answer is a conflict", answer.get("error", {}).get("code") == "conflict")

    step("4. The order as it is now, and as it was at position 1.")
    now = ann.call("get_state", stream="order-7")
    then = ann.call("get_state", stream="order-7", as_of=1)
    expect("it is shipped now", now["state"]["status"] == "shipped")
    expect("it was placed then", then["state"]["status"] == "placed")

    step("5. What changed between the two moments, and through which events.")
    answer = ann.call("compare", left={"as_of": 1}, right={"as_of": 3}, stream="order-7")
    expect("the status differs", any(d["path"] == "/status" for d in answer["differences"]))


def fork_story(ann, ben):
    step("6. Ben tries a refund in a fork of his own, under the conditions his decision rests on.")
    answer = ben.call("create_fork", name="try-refund", purpose="refund order-7", ttl_seconds=86400)
    expect("the fork leaves main at its head", answer["parent"] == "main" and answer["position"] == 3)
    ben.call("append_events", fork="try-refund", events=[
        {"stream": "order-7", "type": "OrderRefunded", "data": {"status": "refunded", "paid": 0}}],
        conditions=[{"stream": "order-7", "version": 3}])
    ben.call("append_events", fork="try-refund", events=[
        {"stream": "voucher-1", "type": "VoucherIssued", "data": {"customer": "Ida", "amount": 20}}],
        conditions=[{"stream": "voucher-1", "version": 0}])

    step("7. Ann goes on in main, which knows nothing of that.")
    answer = ann.call("append_events", events=[
        {"stream": "order-7", "type": "OrderDelivered", "data": {"status": "delivered"}}],
        conditions=[{"stream": "order-7", "version": 3}])
    expect("main is at version 4", answer["versions"] == {"order-7": 4})

    step("8. Ben asks what a merge would do: the voucher is clean, the refund is in conflict.")
    answer = ben.call("compare", left={"fork": "main"}, right={"fork": "try-refund"})
    expect("both streams differ", [s["stream"] for s in answer["changed"]] == ["order-7", "voucher-1"])
    merge = {"fork": "try-refund", "on_conflict": "skip"}
    preview = ben.call("merge_fork", **merge)
    expect("one of the batches is clean", sorted(b["status"] for b in preview["batches"]) == ["clean", "conflict"])

    step("9. He merges what is clean, and drops the rest.")
    answer = ben.call("merge_fork", **merge, preview_token=preview["preview_token"])
    expect("one event was merged", answer["appended"] == 1 and answer["skipped"] == 1)
    ben.call("discard_fork", fork="try-refund", reason="order-7 was delivered")
    answer = ann.call("get_state", stream="voucher-1")
    expect("Ann sees the voucher", answer["state"]["amount"] == 20)


def indented(value):
    return json.dumps(value, indent=2).replace('[\n        "stdio"\n      ]', '["stdio"]')


def client_blocks(binary):
    entry = {"command": binary, "args": ["stdio"]}
    blocks = [
        ("Claude Code: run this once", f"claude mcp add --scope user chronos -- {binary} stdio"),
        ("Claude Code: or `.mcp.json` in a project\n"
         "--- Claude Desktop: `claude_desktop_config.json` (Settings > Developer > Edit Config)\n"
         "--- Cursor: `~/.cursor/mcp.json`", indented({"mcpServers": {"chronos": entry}})),
        ("VS Code: `.vscode/mcp.json`", indented({"servers": {"chronos": {"type": "stdio", **entry}}})),
    ]
    print("\nTo give this to an agent, paste one of these (the data goes to $XDG_DATA_HOME/chronos, by default "
          "~/.local/share/chronos;\nadd \"--data\", \"DIRECTORY\" to the arguments for another place):")
    for title, block in blocks:
        print(f"\n--- {title}\n{block}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="chronos-demo-") as directory:
        print("Two agents, Ann and Ben, each with a server process of its own on one scratch store.")
        ann, ben = Agent("ann", binary, directory), Agent("ben", binary, directory)
        tools = ann.request("tools/list", {})["tools"]
        print("Tools they see: " + ", ".join(tool["name"] for tool in tools))
        story(ann, ben)
        fork_story(ann, ben)
        for agent in (ben, ann):
            expect(f"the server of {agent.name} ends cleanly", agent.close() == 0)
    client_blocks(binary)


if __name__ == "__main__":
    main()
