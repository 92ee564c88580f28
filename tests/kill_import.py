#!/usr/bin/env python3
"""Kills an importing process at random moments and resumes it: every line is there once, in order.

    tests/kill_import.py CHRONOS     rounds: CHRONOS_KILL_ROUNDS (3), seed: CHRONOS_SEED (printed)
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 40_000


def make_lines(chance):
    for number in range(LINES):
        event = {"stream": f"s-{chance.randrange(500)}", "type": "T",
                 "data": {"n": number, "text": "x" * chance.randrange(600)}}
        if number % 10 == 0:
            event["id"] = f"e-{number}"
        yield json.dumps(event, separators=(",", ":"))


def import_command(chronos, lines, store):
    return [chronos, "import", str(lines), "--data", str(store), "--batch", "256"]


def stored(chronos, store):
    if not (store / "log").exists():
        return []
    output = subprocess.run([chronos, "export", "--data", str(store)], check=True, capture_output=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def check_prefix(events, expected):
    for index, event in enumerate(events):
        line = expected[index]
        assert event["position"] == index + 1, f"position {event['position']} at line {index + 1}"
        assert (event["stream"], event["data"]) == (line["stream"], line["data"]), f"line {index + 1} is another event"


def main():
    chronos = sys.argv[1]
    rounds = int(os.environ.get("CHRONOS_KILL_ROUNDS", "3"))
    seed = int(os.environ.get("CHRONOS_SEED", "0")) or random.randrange(1, 1 << 32)
    print(f"CHRONOS_SEED={seed} rounds={rounds}", flush=True)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        lines = scratch / "lines.ndjson"
        lines.write_text("\n".join(make_lines(chance)) + "\n")
        expected = [json.loads(line) for line in lines.read_text().splitlines()]

        begin = time.monotonic()
        subprocess.run(import_command(chronos, lines, scratch / "whole"), check=True, capture_output=True)
        whole = time.monotonic() - begin

        killed = cut = number = 0
        while killed < rounds:
            number += 1
            store = scratch / f"store-{number}"
            before = 0
            while killed < rounds:
                importing = subprocess.Popen(import_command(chronos, lines, store), stderr=subprocess.DEVNULL)
                try:
                    importing.wait(timeout=chance.uniform(0, whole))
                    assert importing.returncode == 0, f"exit code {importing.returncode}"
                    break
                except subprocess.TimeoutExpired:
                    importing.kill()
                    importing.wait()
                killed += 1
                events = stored(chronos, store)
                check_prefix(events, expected)
                assert len(events) >= before, f"{before} events were there, {len(events)} are"
                cut += len(events) not in (0, LINES)
                before = len(events)
            subprocess.run(import_command(chronos, lines, store), check=True, capture_output=True)
            events = stored(chronos, store)
            check_prefix(events, expected)
            assert len(events) == LINES, f"{len(events)} events of {LINES}"
        print(f"killed {killed} times, {cut} of them in the middle: every line once and in order")


if __name__ == "__main__":
    main()
