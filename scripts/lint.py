#!/usr/bin/env python3
"""clang-tidy over the product, as .clang-tidy says; prints what it finds and ends with 1 when there is anything.

    scripts/lint.py [-j N] [FILE...]     FILE: parts of paths; all of core/, search/, tools/, mcp/ and prompts/ by default

Needs build/tidy/compile_commands.json: `cmake --preset tidy`.  A file that was clean is not looked at again while
nothing it depends on has changed: neither it, nor what it includes, nor how it is compiled, nor .clang-tidy, nor the
version of clang-tidy.  That is remembered in $XDG_CACHE_HOME/chronos-lint (else ~/.cache); --all looks at every file.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
FOLDERS = ("core", "search", "prompts", "tools", "mcp")


def cache_directory():
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chronos-lint"


def dependencies(command, directory):
    """The files a compilation reads, those of the system among them."""
    words, skip = [], False
    for word in shlex.split(command):
        if skip or word in ("-o", "-c"):
            skip = word == "-o"
            continue
        words.append(word)
    made = subprocess.run(words + ["-M"], cwd=directory, capture_output=True, text=True, check=True).stdout
    return sorted(set(made.replace("\\\n", " ").split(":", 1)[1].split()))


def digest(entry, version):
    total = hashlib.sha256(version.encode())
    total.update(entry["command"].replace(str(ROOT), "").encode())
    total.update((ROOT / ".clang-tidy").read_bytes())
    for name in dependencies(entry["command"], entry["directory"]):
        path = Path(entry["directory"], name)
        total.update(name.replace(str(ROOT), "").encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def look_at(entry, version, again):
    """What clang-tidy says of the file; None when it was clean before."""
    try:
        clean = cache_directory() / digest(entry, version)
    except (subprocess.CalledProcessError, OSError) as error:
        return f"{entry['file']}: what it includes cannot be told: {getattr(error, 'stderr', '') or error}"
    if clean.exists() and not again:
        return None
    run = subprocess.run([TIDY, "--quiet", "-p", str(ROOT / "build/tidy"), entry["file"]], capture_output=True, text=True)
    if run.returncode == 0 and not run.stdout.strip():
        clean.parent.mkdir(parents=True, exist_ok=True)
        clean.touch()
        return ""
    return run.stdout.strip() or run.stderr.strip() or f"{entry['file']}: {TIDY} ended with {run.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="files at a time")
    parser.add_argument("--all", action="store_true", help="also those that were clean before")
    parser.add_argument("files", nargs="*", metavar="FILE")
    arguments = parser.parse_args()
    version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
    entries = [
        entry
        for entry in json.loads((ROOT / "build/tidy/compile_commands.json").read_text())
        if Path(entry["file"]).is_relative_to(ROOT)
        and Path(entry["file"]).relative_to(ROOT).parts[0] in FOLDERS
        and (not arguments.files or any(part in entry["file"] for part in arguments.files))
    ]
    if not entries:
        sys.exit("lint: no such files")
    known, found = 0, 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for said in pool.map(lambda entry: look_at(entry, version, arguments.all), entries):
            known += said is None
            if said:
                found += 1
                print(said, flush=True)
    print(f"{len(entries)} files, {known} of them unchanged since they were clean, {found} with findings")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
