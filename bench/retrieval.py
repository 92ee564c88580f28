#!/usr/bin/env python3
"""Quality of search: test collections, each loaded into a store of its own, searched through search_events.

    bench/retrieval.py CHRONOS COLLECTIONS [SET ...] [--mode hybrid] [--limit 100] [--set NAME=VALUE ...] [--out DIR]

COLLECTIONS has a directory for each set: corpus.jsonl (_id, title, text), queries.jsonl (_id, text) and qrels.tsv (query,
document, gain).  One stream a document.  Prints nDCG@10, Recall@10, Recall@100 and MRR@10 over the judged queries; with
--out it also writes a run for each set: lines of query, document, rank, score.
"""
import argparse
import collections
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def judgements(path):
    gains = collections.defaultdict(dict)
    for line in path.read_text(encoding="utf-8").splitlines():
        query, document, gain = line.split("\t")
        gains[query][document] = int(gain)
    return gains


class Session:
    """The store behind `chronos stdio`, as an agent has it."""

    def __init__(self, program, data):
        self.process = subprocess.Popen([program, "stdio", "--data", data], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.number = 0
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "retrieval", "version": "1"}}
        self.ask("initialize", hello)

    def ask(self, method, params):
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        while True:
            reply = json.loads(self.process.stdout.readline())
            if reply.get("id") == self.number:
                return reply["result"]

    def search(self, arguments):
        result = self.ask("tools/call", {"name": "search_events", "arguments": arguments})
        answer = json.loads(result["content"][0]["text"])
        return [] if result.get("isError") else answer["hits"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def load(program, data, corpus):
    path = Path(data) / "corpus.ndjson"
    with open(path, "w", encoding="utf-8") as file:
        for document in corpus:
            told = {"title": document.get("title", ""), "text": document["text"]}
            file.write(json.dumps({"stream": document["_id"], "type": "Document", "data": told}) + "\n")
    subprocess.run([program, "import", str(path), "--data", data + "/store"], check=True, stderr=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


def plain(text):
    """The words of a question, without what would be syntax."""
    return " ".join(word.lstrip("-") for word in text.replace('"', " ").replace(":", " ").split())[:4096]


def measure(hits, gains):
    ideal = sum(gain / math.log2(i + 2) for i, gain in enumerate(sorted(gains.values(), reverse=True)[:10]))
    found = [gains.get(document, 0) for document in hits]
    first = next((i for i, gain in enumerate(found[:10]) if gain > 0), None)
    return {"nDCG@10": sum(gain / math.log2(i + 2) for i, gain in enumerate(found[:10])) / ideal if ideal else 0,
            "Recall@10": sum(gain > 0 for gain in found[:10]) / len(gains),
            "Recall@100": sum(gain > 0 for gain in found[:100]) / len(gains),
            "MRR@10": 0 if first is None else 1 / (first + 1)}


def run(options, name):
    folder = Path(options.collections) / name
    gains = judgements(folder / "qrels.tsv")
    sums = collections.Counter()
    out = []
    with tempfile.TemporaryDirectory() as data:
        load(options.program, data, lines(folder / "corpus.jsonl"))
        for setting in options.set:
            subprocess.run([options.program, "index", "set", *setting.split("=", 1), "--data", data + "/store"],
                           check=True, stdout=subprocess.DEVNULL)
        session = Session(options.program, data + "/store")
        for query in lines(folder / "queries.jsonl"):
            if query["_id"] not in gains:
                continue
            hits = session.search({"query": plain(query["text"]), "mode": options.mode, "limit": options.limit,
                                   "max_tokens": 2_000_000})
            documents = [hit["event"]["stream"] for hit in hits]
            sums.update(measure(documents, gains[query["_id"]]))
            out += [f"{query['_id']} {document} {i + 1} {hits[i]['score']}" for i, document in enumerate(documents)]
        session.close()
    if options.out:
        Path(options.out).mkdir(parents=True, exist_ok=True)
        (Path(options.out) / f"{name}.txt").write_text("\n".join(out) + "\n", encoding="utf-8")
    print(f"{name:16} {len(gains):5} queries  " + "  ".join(f"{what} {total / len(gains):.4f}" for what, total in
                                                          sums.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("collections")
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--mode", default="hybrid")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--out")
    options = parser.parse_args()
    sets = options.sets or sorted(path.parent.name for path in Path(options.collections).glob("*/qrels.tsv"))
    for name in sets:
        run(options, name)
    return 0 if sets else 1


if __name__ == "__main__":
    sys.exit(main())
