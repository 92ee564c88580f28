#!/usr/bin/env python3
"""The published schemas, seen by somebody else's validator (python3-jsonschema) through the built program.

    tests/schema_check.py PATH_OF_CHRONOS

Checks that every schema is valid JSON Schema 2020-12, that calls that must work are valid input and get valid
output, and that calls that must not are invalid input and are refused.  Needs python3-jsonschema.
"""

import json
import subprocess
import sys
import tempfile

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("the Python module jsonschema is missing: install python3-jsonschema (scripts/packages.txt)")
    sys.exit(1)

EVENT = {"stream": "order-7", "type": "OrderPlaced", "data": {"total": 120, "text": "x" * 500}, "id": "e1",
         "tags": ["customer:3"], "metadata": {"by": "test"}, "correlation_id": "c", "valid_at": "2025-01-01T00:00:00Z",
         "embedding": [0.5, 1]}
WORK = [
    ("describe_store", {}),
    ("query_events", {}),
    ("compare", {"left": {}}),
    ("append_events", {"events": [EVENT], "conditions": [{"stream": "order-7", "version": 0}], "request_id": "r1"}),
    ("append_events", {"events": [EVENT], "conditions": [{"stream": "order-7", "version": 0}], "request_id": "r1"}),
    ("append_events", {"events": [{"stream": "order-7", "type": "OrderPaid", "data": {"total": None},
                                   "causation_id": "e1"}], "durability": "fsync",
                       "conditions": [{"none_match": [{"types": ["OrderPaid"]}], "after": 0},
                                      {"some_match": [{"stream_prefix": "order-"}]}, {"head": 1},
                                      {"stream": "nothing", "exists": False}]}),
    ("describe_store", {"as_of": 1}),
    ("query_events", {"detail": "full", "limit": 1}),
    ("query_events", {"where": [{"path": "/total", "op": ">", "value": 100}], "as_of": "2", "order": "desc"}),
    ("search_events", {"query": "paid order"}),
    ("search_events", {"query": "\"order paid\" -lost type:OrderPaid", "mode": "keyword", "explain": True, "limit": 1,
                       "collapse": True, "half_life_days": 30, "detail": "full", "as_of": 2}),
    ("get_state", {"stream": "order-7"}),
    ("get_state", {"stream": "order-7", "valid_at": "2020-01-01T00:00:00Z", "as_of": 1, "version": 1}),
    ("compare", {"left": {"as_of": 1}}),
    ("compare", {"left": {"as_of": 0}, "right": {"fork": "main"}, "stream": "order-7"}),
    ("trace_events", {"id": "e1"}),
    ("trace_events", {"position": 2, "direction": "causes", "limit": 1}),
    ("create_fork", {"name": "try-1", "as_of": 1, "purpose": "to see", "ttl_seconds": 3600, "request_id": "f1"}),
    ("create_fork", {"name": "try-1", "as_of": 1, "purpose": "to see", "ttl_seconds": 3600, "request_id": "f1"}),
    ("create_fork", {"name": "deeper", "from": "try-1"}),
    ("append_events", {"events": [{"stream": "order-7", "type": "T", "data": {}, "id": "f-1"}], "fork": "try-1",
                       "conditions": [{"stream": "order-7", "version": 1}]}),
    ("append_events", {"events": [{"stream": "order-8", "type": "T", "data": {}}], "fork": "try-1"}),
    ("compare", {"left": {"fork": "main"}, "right": {"fork": "try-1"}}),
    ("list_forks", {}),
    ("list_forks", {"limit": 1}),
    ("merge_fork", {"fork": "try-1"}),
    ("merge_fork", {"fork": "try-1", "into": "main", "on_conflict": "skip", "limit": 1}),
    ("merge_fork", {"fork": "try-1", "on_conflict": "source_wins", "only": [{"streams": ["order-7"]}]}),
    ("merge_fork", {"fork": "try-1", "on_conflict": "source_wins", "preview_token": "$token", "request_id": "m1"}),
    ("merge_fork", {"fork": "try-1"}),
    ("discard_fork", {"fork": "deeper", "reason": "done", "request_id": "d1"}),
    ("discard_fork", {"fork": "deeper", "reason": "done", "request_id": "d1"}),
    ("verify_history", {}),
    ("guide", {}),
    ("guide", {"topic": "start"}),
]
REFUSED = [
    ("append_events", {}),
    ("append_events", {"events": []}),
    ("append_events", {"events": [{"stream": "a", "type": "T"}]}),
    ("append_events", {"events": [{"stream": "a", "type": "T", "data": []}]}),
    ("append_events", {"events": [{"stream": "a", "type": "T", "data": {}, "extra": 1}]}),
    ("query_events", {"limit": 0}),
    ("query_events", {"limit": "ten"}),
    ("query_events", {"as_of": -1}),
    ("search_events", {"query": ""}),
    ("search_events", {"query": "paid", "mode": "fuzzy"}),
    ("search_events", {"vector": ["a"]}),
    ("get_state", {}),
    ("compare", {"left": 1}),
    ("trace_events", {"depth": 51}),
    ("guide", {"topic": "all"}),
    ("create_fork", {}),
    ("create_fork", {"name": "x", "ttl_seconds": 0}),
    ("list_forks", {"limit": 0}),
    ("merge_fork", {}),
    ("merge_fork", {"fork": "try-1", "on_conflict": "guess"}),
    ("merge_fork", {"fork": "try-1", "only": []}),
    ("discard_fork", {"fork": 1}),
]


def listed(program):
    """The tools as a client is told of them."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "schema_check", "version": "1"}}
    lines = [{"id": 1, "method": "initialize", "params": hello}, {"method": "notifications/initialized"},
             {"id": 2, "method": "tools/list", "params": {}}]
    sent = "".join(json.dumps({"jsonrpc": "2.0", **line}) + "\n" for line in lines)
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([program, "stdio", "--data", directory], input=sent, capture_output=True, text=True,
                              timeout=60)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return next(answer["result"]["tools"] for answer in answers if answer.get("id") == 2)


def main(program):
    problems = []

    def run(*words):
        return subprocess.run([program, *words], capture_output=True, text=True, timeout=60)

    tools = {tool["name"]: tool for tool in listed(program)}
    validators = {}
    for name, tool in tools.items():
        for kind in ("inputSchema", "outputSchema"):
            Draft202012Validator.check_schema(tool[kind])
            validators[name, kind] = Draft202012Validator(tool[kind])
    with tempfile.TemporaryDirectory() as directory:
        def call(name, arguments):
            if arguments.get("preview_token") == "$token":  # the one of the preview
                asked = {k: v for k, v in arguments.items() if k not in ("preview_token", "request_id")}
                arguments["preview_token"] = json.loads(call(name, asked).stdout).get("preview_token", "absent")
            return run("call", name, json.dumps(arguments), "--data", directory)

        for name, arguments in WORK:
            done = call(name, arguments)
            wrong = [e.message for e in validators[name, "inputSchema"].iter_errors(arguments)]
            if done.returncode != 0:
                wrong.append(done.stdout + done.stderr)
            else:
                wrong += [e.message for e in validators[name, "outputSchema"].iter_errors(json.loads(done.stdout))]
            problems += [f"{name} {json.dumps(arguments)[:200]}: {message}" for message in wrong]
        for name, arguments in REFUSED:
            if validators[name, "inputSchema"].is_valid(arguments):
                problems.append(f"{name} {arguments}: the schema allows it")
            if call(name, arguments).returncode == 0:
                problems.append(f"{name} {arguments}: the tool allows it")
    called = {name for name, _ in WORK}
    problems += [f"{name}: never called" for name in tools if name not in called]
    for problem in problems:
        print(problem)
    print(f"{len(tools)} tools, {len(WORK)} calls, {len(REFUSED)} refusals, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
