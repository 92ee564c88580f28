#!/usr/bin/env python3
"""Trains a static embedding model on texts: which words stand near which says what they mean.

    bench/train_static.py DIRECTORY FILE ...     needs numpy and scipy; takes stems of words when snowballstemmer is there
    chronos index set embedder static:DIRECTORY

FILE has a JSON object a line - what `chronos export` writes, or the corpus.jsonl of a test collection - of which all
strings in "data", "title" and "text" are read, or plain text, a document a line.  DIRECTORY gets model2vec's files,
tokenizer.json and model.safetensors: a vector for each word that occurs often enough.

How: for each two words, how much more often they stand within a few words of one another than by chance (positive
pointwise mutual information, with the frequency of the neighbour to the power 0.75), and of the table of these numbers
the strongest directions (truncated singular value decomposition; Levy, Goldberg and Dagan, 2015).  A word's vector is
scaled by how rare the word is, and freed of the direction that all texts have in common (Arora, Liang and Ma, 2017), so
that the plain mean over a text, which is what such models are asked for, is a good one.
"""
import argparse
import collections
import functools
import json
import re
import struct
import sys
from pathlib import Path

import numpy
from scipy import sparse
from scipy.sparse.linalg import svds

WORD = re.compile(r"[^\W_]+|[^\w\s]|_", re.UNICODE)  # as BertPreTokenizer splits


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def text_of(line):
    try:
        told = json.loads(line)
    except ValueError:
        return line
    if not isinstance(told, dict):
        return line
    return "\n".join(text for name in ("data", "title", "text") for text in strings(told.get(name, "")))


def read(files):
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                yield [word.lower() for word in WORD.findall(text_of(line)) if word.isalnum()]


def stemmer(language):
    """Words of one stem have one vector; without the library each word stands for itself."""
    try:
        import snowballstemmer
    except ImportError:
        print("no snowballstemmer: words are not stemmed", file=sys.stderr)
        return lambda word: word
    return functools.cache(snowballstemmer.stemmer(language).stemWord)


def neighbours(documents, count, window):
    """How often stem j stands within `window` of stem i, the nearer the more; both ways."""
    table = sparse.csr_matrix((count, count), dtype=numpy.float64)
    for begin in range(0, len(documents), 2000):
        rows, columns, weights = [], [], []
        for document in documents[begin:begin + 2000]:
            for distance in range(1, window + 1):
                if len(document) > distance:
                    rows.append(document[:-distance])
                    columns.append(document[distance:])
                    weights.append(numpy.full(len(document) - distance, 1 / distance ** 0.5))
        if rows:
            part = sparse.coo_matrix((numpy.concatenate(weights), (numpy.concatenate(rows), numpy.concatenate(columns))),
                                     shape=(count, count)).tocsr()
            table = table + part
    return (table + table.T).tocoo()


def word_vectors(table, dimension):
    count = table.shape[0]
    total = numpy.asarray(table.sum(axis=1)).ravel() + 1e-9
    smooth = total ** 0.75
    expected = total[table.row] * (smooth / smooth.sum())[table.col]
    information = numpy.maximum(0, numpy.log(table.data / expected))
    positive = sparse.csr_matrix((information, (table.row, table.col)), shape=(count, count))
    positive.eliminate_zeros()
    left, values, _ = svds(positive, k=min(dimension, count - 2), random_state=1)
    return left * values ** 0.5  # the square root: directions that are frequent do not drown the others


def train(documents, options):
    stem = stemmer(options.language)
    words = collections.Counter(word for document in documents for word in document)
    stems = collections.Counter()
    for word, occurrences in words.items():
        stems[stem(word)] += occurrences
    kept = {each: i for i, (each, n) in enumerate(stems.most_common(options.words)) if n >= options.least}
    if len(kept) < 10:
        sys.exit("there are fewer than 10 words that occur often enough: give more texts, or --least 1")
    numbers = [numpy.array([kept[s] for s in map(stem, document) if s in kept], dtype=numpy.int64)
               for document in documents]
    vectors = word_vectors(neighbours(numbers, len(kept), options.window), options.dimension)
    share = numpy.array([stems[each] for each in kept]) / sum(stems.values())
    vectors *= (options.rare / (options.rare + share))[:, None]
    means = numpy.array([vectors[each].mean(axis=0) for each in numbers if len(each)])
    means /= numpy.linalg.norm(means, axis=1, keepdims=True) + 1e-12
    common = numpy.linalg.svd(means.T @ means)[0][:, 0]
    vectors -= numpy.outer(vectors @ common, common)
    surface = [word for word in words if stem(word) in kept]
    return surface, vectors[[kept[stem(word)] for word in surface]]


def write(directory, words, vectors):
    directory.mkdir(parents=True, exist_ok=True)
    tokens = {"[UNK]": 0, **{word: i + 1 for i, word in enumerate(words)}}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
                 "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                                "strip_accents": False, "lowercase": True},
                 "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": None, "decoder": None,
                 "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                           "max_input_chars_per_word": 100, "vocab": tokens}}
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    rows = numpy.vstack([numpy.zeros((1, vectors.shape[1])), vectors]).astype("<f2")
    header = json.dumps({"embeddings": {"dtype": "F16", "shape": list(rows.shape), "data_offsets": [0, rows.nbytes]}})
    header += " " * (-len(header) % 8)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header.encode() + rows.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--dimension", type=int, default=256, help="numbers of a vector (%(default)s)")
    parser.add_argument("--window", type=int, default=10, help="how far apart words are neighbours (%(default)s)")
    parser.add_argument("--least", type=int, default=2, help="how often a stem must occur (%(default)s)")
    parser.add_argument("--words", type=int, default=50_000, help="stems at most (%(default)s)")
    parser.add_argument("--rare", type=float, default=1e-3, help="below this share a word counts whole (%(default)s)")
    parser.add_argument("--language", default="english", help="of the stems (%(default)s)")
    options = parser.parse_args()
    documents = list(read(options.files))
    words, vectors = train(documents, options)
    write(options.directory, words, vectors)
    print(f"{len(documents)} texts, {len(words)} words, {vectors.shape[1]} numbers each: {options.directory}")


if __name__ == "__main__":
    main()
