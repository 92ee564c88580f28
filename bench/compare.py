#!/usr/bin/env python3
"""Medians over the rounds of side_by_side's output, against the targets of the first engine.

    bench/compare.py results.ndjson            the table
    bench/compare.py results.ndjson --all      every figure: median, lowest, highest, rounds

Ratios are formed within a round, between figures taken minutes apart at most, and the median of the ratios is told.
"""
import json
import re
import sys
from collections import defaultdict
from statistics import median

ME, LIMIT, SQLITE = "chronos_bench", "ceiling_native", "peer_sqlite"
LIMIT_IMPORT = r"durable=group writer=thread queue=(8|32)MiB file=append parse=extract"  # the faster of the two


def load(path):
    figures = defaultdict(lambda: defaultdict(list))
    for line in open(path):
        d = json.loads(line)
        figures[(d["program"], d["figure"], d["config"])][d.get("round", 1)].append(d["value"])
    return figures


class Results:
    def __init__(self, figures):
        self.figures = figures

    def by_round(self, program, figure, config):
        """The best value (largest) of each round among the configs that match."""
        rounds = defaultdict(list)
        for (p, f, c), values in self.figures.items():
            if p == program and f == figure and re.fullmatch(config, c):
                for r, v in values.items():
                    rounds[r] += v
        return {r: max(v) for r, v in rounds.items()}

    def value(self, program, figure, config):
        rounds = self.by_round(program, figure, config)
        return median(rounds.values()) if rounds else None

    def ratio(self, a, b):
        left, right = self.by_round(*a), self.by_round(*b)
        both = [left[r] / right[r] for r in left if r in right and right[r]]
        return median(both) if both else None


def rows(r):
    def ratio(name, a, b, sign, bound):
        return name, r.value(*a), r.ratio(a, b), sign, bound, "x"

    def plain(name, figure, config, bound, unit):
        v = r.value(ME, figure, config)
        return name, v, v, "<=", bound, unit

    imported = (ME, "import", r"durable=fsync source=file")
    big = (ME, "append", r"producers=8 batch=1000 durable=fsync")
    single8 = (ME, "append", r"producers=8 batch=1 durable=fsync")
    single1 = (ME, "append", r"producers=1 batch=1 durable=fsync")
    stream = lambda at: (ME, "q_stream100_p50", "at=" + at)
    yield ratio("durable import / limit", imported, (LIMIT, "ingest", LIMIT_IMPORT), ">=", 0.40)
    yield ratio("durable import / SQLite", imported, (SQLITE, "append", r"sync=FULL .*"), ">=", 8)
    yield ratio("durable 8 x 1,000 / limit", big, (LIMIT, "append", r"producers=8 batch=1000 durable=group file=append"), ">=", 0.40)
    yield ratio("durable 8 x 1 / limit", single8, (LIMIT, "append", r"producers=8 batch=1 durable=group file=append"), ">=", 0.70)
    yield ratio("durable 8 x 1 / 1 x 1", single8, single1, ">=", 3)
    yield plain("8 threads x 250 singles, not durable", "burst_8x250_p50", "durable=no", 4, "ms")
    yield plain("point read p99", "q_point_p99", "at=now", 5, "us")
    yield plain("state as of T p50", "q_asof_p50", "fork=main", 60, "us")
    for at in ("past", "fork", "fork10"):
        yield ratio(f"stream read, {at} / now", stream(at), stream("now"), "<=", 1.5)
    yield plain("memory per event beyond its bytes", "memory_beyond_log_per_event", "", 48, "B")
    yield plain("open, per million events", "open_per_million", "", 500, "ms")
    for tool in ("query_events limit=1", "append_events durable=os"):
        yield plain(f"stdio server CPU, {tool}", "stdio_call_cpu", "tool=" + tool, 25, "us")
    for tool in ("query_events limit=1", "append_events durable=os"):
        yield plain(f"stdio p50, {tool}", "stdio_call_p50", "tool=" + tool, 40, "us")
    yield plain("start to initialize answered", "stdio_start_to_initialize", r"store=.*", 10, "ms")


def main():
    figures = load(sys.argv[1])
    if "--all" in sys.argv:
        for (p, f, c), rounds in figures.items():
            values = [v for vs in rounds.values() for v in vs]
            print(f"{p} | {f} | {c} | {median(values):.6g} ({min(values):.6g} .. {max(values):.6g}, {len(values)})")
        return 0
    missed = 0
    print("| figure | Chronos | against | target | |\n|---|---|---|---|---|")
    for name, value, against, sign, bound, unit in rows(Results(figures)):
        if against is None:
            print(f"| {name} | - | not measured | {sign} {bound:g} {unit} | ? |")
            missed += 1
            continue
        held = against >= bound if sign == ">=" else against <= bound
        missed += not held
        shown = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        print(f"| {name} | {shown} | {against:.3g} {unit} | {sign} {bound:g} {unit} | {'held' if held else 'MISSED'} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
