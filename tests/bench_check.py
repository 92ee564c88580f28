#!/usr/bin/env python3
"""The scripts of bench/, fed with figures whose medians and ratios are known, and with programs that only pretend.

    tests/bench_check.py

Nothing is measured and nothing is timed.  bench/report is run when matplotlib is there, and told to be left out when
not.
"""

import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
BENCH = Path(__file__).resolve().parent.parent / "bench"
problems = []


def check(holds, message):
    if not holds:
        problems.append(message)


def run(*command, **options):
    return subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, timeout=120, **options)


def figure(program, name, config, value, unit="events/s", number=1):
    return {"round": number, "program": program, "figure": name, "config": config, "value": value, "unit": unit}


# Imports of 40, 90 and 50 beside limits of 100, 100 and 1,000: the ratios are 0.4, 0.9 and 0.05, their median 0.4;
# the ratio of the medians would be 0.5.
IMPORTS = [(40, 100), (90, 100), (50, 1000)]


def known_figures():
    lines = []
    for number, (mine, limit) in enumerate(IMPORTS, 1):
        lines.append(figure("chronos_bench", "import", "durable=fsync source=file", mine, number=number))
        lines.append(figure("chronos_limit", "import", "durable=fsync buffers=8MiB", limit / 2, number=number))
        lines.append(figure("chronos_limit", "import", "durable=fsync buffers=32MiB", limit, number=number))
        lines.append(figure("chronos_limit", "append", "producers=8 batch=1 durable=fsync", 7, number=number))
        for store, rate in (("sqlite", 4), ("redis", 2)):
            for config, value in (("producers=1 batch=100 durable=fsync x=y", rate),
                                  ("producers=8 batch=100 durable=no x=y", 777)):
                lines.append(figure(f"peer_{store}", "append", config, value, number=number))
                lines.append(figure(f"peer_{store}", "import", config, value / 2, number=number))
        lines.append(figure("chronos_bench", "append", "producers=8 batch=1 durable=fsync", 30, number=number))
        lines.append(figure("chronos_bench", "append", "producers=1 batch=1 durable=fsync", 10, number=number))
        lines.append(figure("chronos_bench", "q_point_p99", "at=now", 3, "us", number))
        lines.append(figure("chronos_bench", "q_point_p50", "at=now", 2, "us", number))
        lines.append(figure("peer_sqlite", "q_point_p50", "at=now", 8, "us", number))
        lines.append(figure("chronos_bench", "stored_bytes_per_event", "", 90, "B", number))
        lines.append(figure("chronos_bench", "raw_bytes_per_event", "", 300, "B", number))
        lines.append(figure("chronos_bench", "stage", "order=1 step=find_lines clock=cpu", 20, "ns/event", number))
        lines.append(figure("chronos_bench", "stage", "order=2 step=sync clock=wall", 30, "ns/event", number))
    lines.append(figure("chronos_limit", "machine_processors", "a <fast> processor", 2, ""))
    lines.append(figure("peer_nats", "not_measured", "durable appends: it has none", 0, ""))
    lines.append({**figure("peer_nats", "append", "producers=1 batch=100 durable=no", 600), "busy_before": 40})
    return lines


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def cells(text, name):
    found = [line for line in text.split("\n") if line.startswith(f"| {name} |")]
    check(len(found) == 1, f"compare.py told '{name}' {len(found)} times")
    return [cell.strip() for cell in found[0].split("|")[1:-1]] if found else [""] * 9


def check_compare(results, scratch):
    told = run(BENCH / "compare.py", results)
    check(told.returncode == 1, f"compare.py ended with {told.returncode} though figures are missing: {told.stderr}")
    row = cells(told.stdout, "durable import / limit")
    check(row[1:] == ["50", "0.4 x", ">= 0.4 x: held", ">= 0.7 x: MISSED"], f"durable import / limit: {row}")
    check(cells(told.stdout, "durable 8 x 1 / 1 x 1")[2:] == ["3 x", ">= 3 x: held", "-"], "a target that is just held")
    check(cells(told.stdout, "durable import / SQLite")[2] == "25 x", "a durable ratio mixes in what is not durable")
    stored = cells(told.stdout, "stored bytes / raw NDJSON")
    check(stored[2:] == ["0.3 x", "-", "<= 0.25 x: MISSED"], f"stored bytes: {stored}")
    missing = cells(told.stdout, "state as of T p50")
    check(missing[1:] == ["-", "not measured", "<= 60 us: ?", "<= 30 us: ?"], f"a missing figure: {missing}")
    check(told.stdout.startswith("3 rounds. processors: a <fast> processor"), f"the machine: {told.stdout[:80]}")
    check("Others used up to 40 %" in told.stdout, "that others were busy is not told")
    sqlite = cells(told.stdout, "SQLite")
    check(sqlite[1] == "4 (12.5 x)" and sqlite[2] == "777" and sqlite[4] == "8 (4 x)", f"SQLite's row: {sqlite}")
    nats = cells(told.stdout, "NATS JetStream")
    check(nats[1] == "-" and nats[2] == "600", f"NATS' row: {nats}")
    check("NATS JetStream: not measured: durable appends: it has none" in told.stdout, "what is missing is not told")
    everything = run(BENCH / "compare.py", results, "--all")
    check("chronos_bench | import | durable=fsync source=file | 50 (40 .. 90, 3)" in everything.stdout, "--all")
    broken = scratch / "broken.ndjson"
    broken.write_text(results.read_text() + "Killed\n")
    refused = run(BENCH / "compare.py", broken)
    check(refused.returncode != 0 and "not a figure" in refused.stderr, "compare.py took a line that is no figure")


def check_targets(scratch):
    """Every target held: then, and only then, the exit status is 0."""
    good = [figure("chronos_bench", "burst_8x250_p50", "durable=no", 1, "ms")]
    good += [figure("chronos_bench", name, config, 1, "us") for name, config in (
        ("q_point_p99", "at=now"), ("q_asof_p50", "fork=main"), ("memory_beyond_log_per_event", ""),
        ("q_point_p99", "at=now sealed=yes"), ("q_asof_p50", "fork=main sealed=yes"),
        ("open_per_million", ""), ("open_per_million", "sealed=yes"), ("stdio_start_to_initialize", "store=5"), ("stdio_start_to_first_call", "store=5"))]
    for at in ("now", "past", "fork", "fork10"):
        for sealed in ("", " sealed=yes"):
            good.append(figure("chronos_bench", "q_stream100_p50", f"at={at}{sealed}", 1, "us"))
    for tool in ("query_events limit=1", "append_events durable=os"):
        for name in ("stdio_call_cpu", "stdio_call_p50"):
            good.append(figure("chronos_bench", name, f"tool={tool}", 1, "us"))
    good += [figure("chronos_bench", "import", "durable=fsync source=file", 100),
             figure("chronos_limit", "import", "durable=fsync buffers=8MiB", 100),
             figure("peer_sqlite", "import", "producers=1 batch=100 durable=fsync x=y", 1),
             figure("chronos_bench", "append", "producers=1 batch=1 durable=fsync", 1),
             figure("chronos_bench", "stored_bytes_per_event", "", 26, "B"),
             figure("chronos_bench", "raw_bytes_per_event", "", 100, "B")]
    for batch in (1, 1000):
        for program in ("chronos_bench", "chronos_limit"):
            good.append(figure(program, "append", f"producers=8 batch={batch} durable=fsync", 100))
    results = write(scratch / "good.ndjson", good)
    told = run(BENCH / "compare.py", results)
    check(told.returncode == 0, f"all targets of the first engine are held, yet: {told.stdout}")
    check(run(BENCH / "compare.py", results, "--target", "storage").returncode == 1, "26 % stored is not 25 %")


def search_figures(slower=3, half=0.9):
    """Lucene takes `slower` times as long as Chronos; half of history `half` times as long as now."""
    lines = []
    for events in (1000, 100000):
        for kind in ("full", "short"):
            for which in ("mean", "p50", "p99"):
                config = f"events={events} at=now clock=cpu"
                lines.append(figure("chronos_bench", f"search_{kind}_{which}", config, 10, "us"))
                lines.append(figure("peer_lucene", f"search_{kind}_{which}", config, 10 * slower, "us"))
            for at, share in (("half", half), ("fork", 1.04)):
                config = f"events={events} at={at} clock=cpu"
                lines.append(figure("chronos_bench", f"search_{kind}_mean", config, 10 * share, "us"))
        for program, rate in (("chronos_bench", 40), ("peer_lucene", 10)):
            lines.append(figure(program, "search_index", f"events={events} clock=cpu", rate))
            lines.append(figure(program, "search_bytes_per_event", f"events={events}", 2 * rate, "B"))
    for how, rate in (("none", 100), ("background", 60)):
        lines.append(figure("chronos_bench", "search_ingest", f"durable=fsync batch=1000 index={how}", rate))
    return lines


def check_search(scratch):
    held = write(scratch / "search.ndjson", search_figures())
    told = run(BENCH / "compare.py", held, "--target", "search")
    check(told.returncode == 0, f"all targets of search are held, yet: {told.stdout}{told.stderr}")
    check("durable import" not in told.stdout, "search alone was measured, and the engine's table told")
    mean = cells(told.stdout, "full mean, us, 100,000 events: Lucene / Chronos")
    check(mean[1:] == ["10", "3 x", ">= 3 x: held"], f"full mean: {mean}")
    fork = cells(told.stdout, "short mean, us, 1,000 events: fork of 10,000 own events / now")
    check(fork[2:] == ["1.04 x", "-"], f"a fork of the smaller store: {fork}")
    lucene = [line for line in told.stdout.split("\n") if line.startswith("| Lucene | 100,000 |")]
    check(len(lucene) == 1 and "30 (3 x)" in lucene[0] and "10 (4 x)" in lucene[0] and "20 (0.25 x)" in lucene[0],
          f"Lucene's row: {lucene}")
    for planted in ({"slower": 2.9}, {"half": 1.1}):
        missed = write(scratch / "missed.ndjson", search_figures(**planted))
        check(run(BENCH / "compare.py", missed, "--target", "search").returncode == 1, f"{planted} is no miss")
    none = run(BENCH / "compare.py", write(scratch / "none.ndjson", known_figures()), "--target", "search")
    check(none.returncode == 1, "search was not measured, and its targets are held")
    if importlib.util.find_spec("matplotlib") is None:
        return
    out = scratch / "report-search"
    made = run(BENCH / "report", held, "--out", out)
    check(made.returncode == 0 and (out / "search.svg").exists(), f"bench/report of search: {made.stderr}")
    check(made.returncode != 0 or "SQLite FTS5" not in (out / "index.html").read_text(), "a peer that was not there")


def check_report(results, scratch):
    if importlib.util.find_spec("matplotlib") is None:
        print("bench/report: not checked: this Python has no matplotlib")
        return
    few = write(scratch / "few.ndjson", [figure("chronos_bench", "append", "producers=1 batch=1 durable=fsync", 5)])
    for file in (results, few):
        out = scratch / f"report-{file.stem}"
        made = run(BENCH / "report", file, "--out", out)
        check(made.returncode == 0, f"bench/report failed: {made.stderr}")
        if made.returncode != 0:
            return
        page = (out / "index.html").read_text()
        for name in ("throughput", "latency", "storage", "stages"):
            check((out / f"{name}.svg").read_text().startswith("<?xml"), f"{name}.svg is no SVG")
        check(page.count("<svg") == 4 and "<script" not in page, "the page does not hold the four drawings")
        check(not re.search(r'(?:src|href)="(?!#)', page), "the page needs something from elsewhere")
    page = (scratch / f"report-{results.stem}/index.html").read_text()
    check("a &lt;fast&gt; processor" in page, "the machine is not told, or not escaped")
    check("durable appends: it has none" in page, "the page does not tell what was not measured")
    for colour in ("#ce422b", "#0a0e27", "#4ecdc4", "#3498db", "#2ecc71"):
        check(colour in page, f"{colour} is not used")


def pretend(path, *figures, say="", status=0):
    """A program that prints figures, writes the workload it is asked for, and does nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"echo '{json.dumps(line)}'\n" for line in figures)
    path.write_text(f'#!/bin/sh\n[ "$1" = --make ] && {{ : >"$2"; exit 0; }}\n'
                    f'[ "$1" = --make-search ] && exit 0\n{lines}echo "{say}" >&2\nexit {status}\n')
    path.chmod(0o755)


def check_suite(scratch):
    check(run(BENCH / "suite", "--help").returncode == 0, "bench/suite --help")
    check(run(BENCH / "suite", "--what", "oracle").returncode == 2, "bench/suite --what of something unknown")
    build, out = scratch / "build", scratch / "suite.ndjson"
    line = {"program": "chronos_limit", "figure": "append", "config": "x", "value": 1, "unit": "events/s"}
    pretend(build / "bench/chronos_limit", line)
    pretend(build / "bench/chronos_bench", line)
    pretend(build / "bench/peers/peer_lmdb", line, say="peer_lmdb: broken on purpose", status=3)
    pretend(build / "bench/peers/peer_nats", line)

    def suite(what, *more, **options):
        out.unlink(missing_ok=True)
        return run(BENCH / "suite", "--no-build", "--build", build, "--work", scratch / "work", "--out", out,
                   "--rounds", "1", "--events", "10", "--what", what, *more, **options)
    done = suite("limit")
    check(done.returncode == 0, f"bench/suite: {done.stderr}")
    told = [json.loads(text) for text in out.read_text().splitlines()] if out.exists() else []
    check(len(told) == 1 and told[0].items() >= {**line, "round": 1}.items(), f"bench/suite told: {told}")
    check("busy_before" in told[0], "the load is not told")
    failed = suite("lmdb")
    check(failed.returncode == 1 and "broken on purpose" in failed.stderr, f"a program that fails: {failed.stderr}")
    absent = suite("sqlite")
    check(absent.returncode == 1 and "sqlite was asked for" in absent.stderr, f"an absent peer: {absent.stderr}")
    check_suite_of_search(suite, scratch, line)
    pretend(scratch / "path/nats-server", say="no room today", status=1)
    path = f"{scratch / 'path'}:{os.environ['PATH']}"
    down = suite("nats", env=dict(os.environ, PATH=path))
    check(down.returncode == 1 and "did not come up" in down.stderr and "no room today" in down.stderr,
          f"a server that does not come up: {down.stderr}")


def check_suite_of_search(suite, scratch, line):
    """Of all engines those that are here; Chronos last, each size in turn.  Lucene is asked twice, by java."""
    build = scratch / "build"
    pretend(build / "bench/peers/peer_fts5", {**line, "program": "peer_fts5"})
    pretend(scratch / "java/java", {**line, "program": "peer_lucene"})
    path = f"{scratch / 'java'}:{os.environ['PATH']}"
    done = suite("search", "--search-events", "10,20", env=dict(os.environ, PATH=path))
    check(done.returncode == 0, f"bench/suite --what search: {done.stderr}")
    told = [json.loads(text) for text in (scratch / "suite.ndjson").read_text().splitlines()]
    order = [(each["program"], each["events"]) for each in told if each["figure"] != "not_measured"]
    engines = ["peer_fts5", "peer_lucene", "peer_lucene", "chronos_limit"]
    check(order == [(engine, events) for events in (10, 20) for engine in engines], f"order: {order}")
    check("xapian: not measured" in done.stderr, "an engine that is not here is not told")
    check(suite("xapian").returncode == 1, "an engine that was asked for was skipped")


def check_crates(scratch):
    """A crate that does not build is left out, and said to be; one that was asked for ends the suite."""
    loader = importlib.machinery.SourceFileLoader("suite", str(BENCH / "suite"))
    suite = importlib.util.module_from_spec(importlib.util.spec_from_loader("suite", loader))
    loader.exec_module(suite)
    pretend(scratch / "cargo-path/cargo", say="error: rustc 1.63 is not supported", status=101)
    before, out = os.environ["PATH"], scratch / "crates.ndjson"
    os.environ["PATH"] = f"{scratch / 'cargo-path'}:{before}"
    try:
        default = suite.Suite(suite.parse(["--out", str(out), "--build", str(scratch / "build")]))
        default.build_crate("allsource")
        check("rustc 1.63" in default.skipped.get("allsource", ""), f"skipped: {default.skipped}")
        told = json.loads(out.read_text())
        check(told["figure"] == "not_measured" and "rustc 1.63" in told["config"], f"the file tells {told}")
        chosen = suite.Suite(suite.parse(["--out", str(out), "--build", str(scratch / "build"), "--what", "allsource"]))
        try:
            chosen.build_crate("allsource")
            check(False, "a crate that was asked for was skipped quietly")
        except suite.Failed:
            pass
    finally:
        os.environ["PATH"] = before


def main():
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        results = write(scratch / "results.ndjson", known_figures())
        check_compare(results, scratch)
        check_targets(scratch)
        check_search(scratch)
        check_report(results, scratch)
        check_suite(scratch)
        check_crates(scratch)
    print("\n".join(problems) if problems else "bench scripts: tables, drawings and the suite do what they say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
