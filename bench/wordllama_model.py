#!/usr/bin/env python3
"""Makes the static model that the Python package wordllama carries (MIT licence, 256 numbers a vector) one that Chronos
reads.

    python3 -m venv V && V/bin/pip install --no-deps wordllama
    V/bin/python bench/wordllama_model.py DIRECTORY
    chronos index set embedder static:DIRECTORY

Its tokenizer takes words apart by byte pair encoding, of which Chronos knows nothing.  It is written as a vocabulary
whose pieces are as likely as their numbers say, of which Chronos takes the likeliest: 96 of 100 words of English texts
come apart in the same way, the others in pieces that have vectors, too.
"""
import argparse
import importlib.util
import json
import math
import shutil
from pathlib import Path

BYTES = 259  # tokens before this one are marks and single bytes


def package():
    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the package wordllama is not here: pip install --no-deps wordllama, in a venv")
    return Path(next(iter(found.submodule_search_locations)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    options = parser.parse_args()
    source = package()
    told = json.loads((source / "tokenizers/l2_supercat_tokenizer_config.json").read_text(encoding="utf-8"))
    pieces = sorted(told["model"]["vocab"].items(), key=lambda each: each[1])
    vocabulary = [[piece, -math.log(number) if number >= BYTES else -50.0] for piece, number in pieces]
    words = [{"type": "WhitespaceSplit"},
             {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}]
    tokenizer = {"version": "1.0", "normalizer": None, "added_tokens": [],
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": words},
                 "model": {"type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": False}}
    options.directory.mkdir(parents=True, exist_ok=True)
    (options.directory / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    shutil.copy(source / "weights/l2_supercat_256.safetensors", options.directory / "model.safetensors")
    print(f"{len(vocabulary)} tokens: {options.directory}")


if __name__ == "__main__":
    main()
