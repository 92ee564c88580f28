#!/usr/bin/env python3
"""The measurable part of CONTRIBUTING.md as a test: layering, sizes, names, leftovers.

    tests/tidy.py [ROOT]        checks the tree, prints `file:line: message`, exits 1 when there is one
    tests/tidy.py --self-test   plants one violation of every rule in a scratch tree and demands that each is found

A rule reads the code with comments and the contents of strings blanked out, so that a word in a comment is not
taken for code; rules about comments and strings read the text as it is.
"""

import re
import sys
import tempfile
from pathlib import Path

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 70
MAX_COLUMNS = 120

PRODUCT = ("core", "search", "prompts", "tools", "mcp")
FOLDERS = PRODUCT + ("bench", "tests")

# Who may include whom (docs/ARCHITECTURE.md): arrows point down only.
LAYERS = {
    "core": {"core"},
    "search": {"core", "search"},
    "prompts": {"prompts"},
    "tools": {"core", "search", "prompts", "tools"},
    "mcp": {"core", "search", "prompts", "tools", "mcp"},
    "bench": {"core", "search", "prompts", "tools", "mcp", "bench"},
    "tests": {"core", "search", "prompts", "tools", "mcp", "tests"},
}
FREE_INCLUDES = {"version.h": {"core", "mcp", "bench"}}  # written by the build

# The part of core/ whose job is payloads; the rest of it knows bytes and positions only.
PAYLOAD_FILES = r"core/(state|field_filter|scan|valid_json|event_json|import|merge_patch)[a-z_]*\.cc"

# A library is known to as few files as possible.  (library, header pattern, files that may include it)
LIBRARIES = [
    ("nlohmann/json (the full header)", r"nlohmann/json\.hpp", r"(core|tools|mcp|bench|tests)/.*\.cc|tests/.*\.h"),
    ("nlohmann/json_fwd", r"nlohmann/json_fwd\.hpp", r"(tools|mcp|bench|tests)/.*"),
    ("nlohmann/json in core/", r"nlohmann/json\.hpp", r"(?!core/).*|" + PAYLOAD_FILES),
    ("simdjson", r"simdjson(\.h|/.*)", PAYLOAD_FILES + r"|core/batch\.cc|(tools|mcp|bench|tests)/.*\.cc"),
    ("CLI11", r"CLI/.*", r"mcp/command_line[a-z_]*\.cc|bench/(peers/)?[a-z_]*\.cc"),
    ("xxHash", r"xxhash\.h|xxh3\.h|xxh_x86dispatch\.h", r"core/.*\.cc|core/hash\.h|tests/core/log_format_test\.cc"),
    ("hnswlib", r"hnswlib/.*", r"search/vector_graph\.cc|bench/peers/hnswlib\.cc"),
    ("cpp-httplib", r"httplib\.h", r"mcp/http_messages\.cc|tests/support/http_[a-z_]*\.cc"),
    ("OpenSSL", r"openssl/.*",
     r"mcp/(http_(tls|session)[a-z_]*|request_state|digest|json_web_key)\.cc|tests/support/(token_signer|tls_certificate)\.cc"),
    ("Catch2", r"catch2/.*", r"tests/support/catch\.h"),
    ("a store to measure beside", r"sqlite3\.h|lmdb\.h|rocksdb/.*|libpq-fe\.h|hiredis/.*|nats\.h|xapian\.h",
     r"bench/peers/[a-z0-9]*\.cc"),
]

# Words that must not be in code, where they must not be.  (message, pattern, files, exempt files)
CODE_RULES = [
    ("stdout belongs to the protocol: report through a Result or the log on stderr",
     r"\bstd::cout\b|(?<![\w:])(?:std::)?(?:printf|puts|putchar)\s*\(", r"(core|search|prompts|tools)/.*", None),
    ("no sleeps in tests: wait for the thing itself", r"\bsleep_(?:for|until)\b|(?<![\w.:>])u?sleep\s*\(", r"tests/.*", None),
    ("only the injected Clock tells the time (core/clock.h)",
     r"\bsystem_clock::now\b|\bhigh_resolution_clock\b|\bgettimeofday\s*\(|\bclock_gettime\s*\(|\btime\s*\((?:nullptr|NULL|0|&\w+)\)",
     r"(core|search|prompts|tools|mcp)/.*", r"core/(system_)?clock\.cc|mcp/main\.cc"),
    ("time that passes is measured in mcp/ only", r"\bsteady_clock::now\b", r"(core|search|prompts|tools)/.*",
     r"core/(system_)?clock\.cc"),
    ("only the injected Random makes chance (core/clock.h)",
     r"\brandom_device\b|\bgetrandom\s*\(|\bgetentropy\s*\(|(?<![\w.:>])s?rand\s*\(|\bmt19937", r"(core|search|prompts|tools|mcp)/.*",
     r"core/(system_)?clock\.cc|mcp/main\.cc"),
    ("the environment is read by mcp/main.cc only", r"\b(?:secure_)?getenv\s*\(", r"(core|search|prompts|tools|mcp)/.*",
     r"mcp/main\.cc"),
    ("thread-local state is for parsers, readers of blocks and what a search works in", r"\bthread_local\b", r"(core|search|prompts|tools|mcp)/.*",
     PAYLOAD_FILES + r"|mcp/json_rpc\.cc|core/(compression|sealed_segment)\.cc|search/keyword_best\.cc"),
    ("exceptions do not cross our interfaces: catch a type, or std::exception", r"\bcatch\s*\(\s*\.\.\.\s*\)", r"(core|search|prompts|tools|mcp)/.*", None),
    ("throw nothing but Damage (core/damage.h): an expected failure is a Result, a broken invariant a CHECK", r"\bthrow\b",
     r"(core|search|prompts|tools|mcp)/.*", r"core/sealed_file\.cc"),
]

TEXT_RULES = [
    ("left open: finish it or open an issue", r"\b(?:TODO|FIXME|XXX|HACK)\b", r".*", r"tests/tidy\.py"),
    ("a path of somebody's machine", r"(?<![\w.$}])/(?:work|home|root|Users)/", r".*\.(cc|h|py|sh|mjs|json|txt|cmake|md)|scripts/.*|\.ci/.*",
     r"tests/tidy\.py"),
    ("a path of one machine in the product: it must be given", r"\"/(?:tmp|usr|etc|var|opt)\b", r"(core|search|tools|mcp|prompts)/.*", None),
    ("trailing space", r"[ \t]+$", r".*\.(cc|h|py|sh|mjs|cmake)|scripts/.*|\.ci/.*", None),
    ("tabs are not used", r"\t", r".*\.(cc|h|py|mjs|cmake)", None),
]

VAGUE = r"(?:util|utils|utility|utilities|helper|helpers|manager|managers|impl|impls|base|bases|common|commons|misc)"
VAGUE_FILE = re.compile(r"(?:^|_)" + VAGUE + r"$")
VAGUE_TYPE = re.compile(
    r"\b(?:class|struct|enum\s+class|enum|union|namespace)\s+(?:\[\[\w+\]\]\s*)?(\w*(?:Util|Utils|Helper|Helpers|Manager|Managers|Impl|Base|Common|Misc)|"
    + VAGUE + r")\b")
# A random test takes its seed from the environment and prints it; tests/support/ has the one place that does both.
RANDOM_IN_TEST = re.compile(r"\bmt19937|\brandom_device\b|\bdefault_random_engine\b|(?<![\w.:>])rand\s*\(")
SEED = re.compile(r"CHRONOS_SEED|tests/support/[a-z_]*seed[a-z_]*\.h|\bseed\b")
SCOPE = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b", re.S)


def blanked(text):
    """The text with comments and the insides of strings turned into spaces; every line stays where it is."""
    pattern = re.compile(
        r'R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
        r'|//[^\n]*|/\*.*?\*/', re.S)
    keep_newlines = lambda piece: re.sub(r"[^\n]", " ", piece)

    def blank(match):
        piece = match.group(0)
        if piece[0] == "/":
            return keep_newlines(piece)
        quote = piece[-1]
        return quote + keep_newlines(piece[1:-1]) + quote

    return pattern.sub(blank, text)


def functions(code):
    """(first line, last line, signature) of every function body: a brace after a `)` that no function encloses."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.M)
    found, stack, start = [], [], 0
    line = 1
    depth_in_parentheses = 0
    for index, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "(":
            depth_in_parentheses += 1
        elif char == ")":
            depth_in_parentheses -= 1
        elif char == "{":
            before = code[start:index]
            inside = any(kind != "scope" for kind, _, _ in stack)
            if inside or depth_in_parentheses > 0:
                kind = "block"
            elif SCOPE.match(before) and not re.search(r"\)\s*(?:const|noexcept|override|final|\s)*$", before):
                kind = "scope"
            elif ")" in before and not re.search(r"=\s*$", before):
                kind = "function"
            else:
                kind = "block"
            first = line - before.lstrip().count("\n")
            stack.append((kind, first, " ".join(before.split())[-80:]))
            start = index + 1
        elif char == "}":
            if stack:
                kind, first, signature = stack.pop()
                if kind == "function":
                    found.append((first, line, signature))
            start = index + 1
        elif char == ";" and depth_in_parentheses == 0:
            start = index + 1
    return found


class Checker:
    def __init__(self, root):
        self.root = Path(root)
        self.problems = []

    def say(self, path, line, message):
        self.problems.append((str(path), line, message))

    def run(self):
        for path in self.files():
            text = (self.root / path).read_text(encoding="utf-8", errors="replace")
            self.text_rules(path, text)
            if path.suffix in (".cc", ".h"):
                self.cpp_rules(path, text)
        return sorted(self.problems)

    def files(self):
        """The files of the project, whether or not they are known to git yet."""
        wanted = {".cc", ".h", ".py", ".sh", ".mjs", ".cmake", ".md", ".txt", ".json"}
        found = [p for p in self.root.iterdir() if p.is_file() and p.suffix in wanted]
        for folder in FOLDERS + ("scripts", ".ci", "cmake", "docs", "packaging"):
            found += [p for p in (self.root / folder).rglob("*")
                      if p.is_file() and "node_modules" not in p.parts and "__pycache__" not in p.parts
                      and (p.suffix in wanted or folder in ("scripts", ".ci", "packaging"))]
        return sorted(p.relative_to(self.root) for p in found if p.name != "package-lock.json")

    def text_rules(self, path, text):
        for message, pattern, where, exempt in TEXT_RULES:
            if re.fullmatch(where, str(path)) and not (exempt and re.fullmatch(exempt, str(path))):
                for number, line in enumerate(text.split("\n"), 1):
                    if re.search(pattern, line):
                        self.say(path, number, message)

    def cpp_rules(self, path, text):
        code = blanked(text)
        self.sizes(path, text, code)
        self.includes(path, text)
        self.names(path, code)
        for message, pattern, where, exempt in CODE_RULES:
            if re.fullmatch(where, str(path)) and not (exempt and re.fullmatch(exempt, str(path))):
                for number, line in enumerate(code.split("\n"), 1):
                    if re.search(pattern, line):
                        self.say(path, number, message)
        if path.suffix == ".h":
            self.header(path, text)
        if path.parts[0] == "tests" and RANDOM_IN_TEST.search(code) and not SEED.search(text):
            self.say(path, 1, "a random test must print its seed and take it back from CHRONOS_SEED")

    def sizes(self, path, text, code):
        lines = text.split("\n")
        if len(lines) - 1 > MAX_FILE_LINES:
            self.say(path, len(lines) - 1, f"{len(lines) - 1} lines; a file is one concept of at most {MAX_FILE_LINES}")
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS:
                self.say(path, number, f"{len(line)} columns; at most {MAX_COLUMNS}")
        for first, last, signature in functions(code):
            if last - first + 1 > MAX_FUNCTION_LINES:
                self.say(path, first, f"{last - first + 1} lines in one function, at most {MAX_FUNCTION_LINES}: ...{signature}")

    def includes(self, path, text):
        folder = path.parts[0]
        seen = []
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            bracket, name = match.groups()
            seen.append((number, name))
            if bracket == '"':
                self.own_include(path, number, folder, name)
            for library, pattern, allowed in LIBRARIES:
                if re.fullmatch(pattern, name) and not re.fullmatch(allowed, str(path)):
                    self.say(path, number, f"{library} is not for this file (LIBRARIES in tests/tidy.py)")
        own = str(path.with_suffix(".h"))
        if path.suffix == ".cc" and folder in PRODUCT and (self.root / own).exists() and (not seen or seen[0][1] != own):
            self.say(path, seen[0][0] if seen else 1, f'the first include of this file must be its own header "{own}"')

    def own_include(self, path, number, folder, name):
        if name in FREE_INCLUDES and folder in FREE_INCLUDES[name]:
            return
        target = name.split("/")[0]
        if target not in FOLDERS:
            self.say(path, number, f'"{name}": includes go from the root of the repository; libraries use <>')
        elif target not in LAYERS[folder]:
            self.say(path, number, f"{folder}/ must not include {target}/ (arrows point down, docs/ARCHITECTURE.md)")

    def names(self, path, code):
        if VAGUE_FILE.search(path.stem.lower()):
            self.say(path, 1, f"'{path.stem}' says nothing: name the concept")
        for number, line in enumerate(code.split("\n"), 1):
            match = VAGUE_TYPE.search(line)
            if match:
                self.say(path, number, f"'{match.group(1)}' says nothing: name the concept")

    def header(self, path, text):
        if "#pragma once" not in text:
            self.say(path, 1, "a header needs #pragma once")
        if not text.startswith("//"):
            self.say(path, 1, "a header opens with a comment: what this is, and the rule it keeps")


PLANTED = [  # (file, text, line, part of the message)
    ("core/a.cc", '#include "tools/tool.h"\n', 1, "core/ must not include tools/"),
    ("prompts/a.cc", '#include "core/x.h"\n', 1, "prompts/ must not include core/"),
    ("tools/a.cc", '// one\n#include "mcp/x.h"\n', 2, "tools/ must not include mcp/"),
    ("mcp/a.cc", '#include "result.h"\n', 1, "from the root"),
    ("core/log.cc", "#include <nlohmann/json.hpp>\n", 1, "nlohmann/json in core/"),
    ("tools/schema.h", "// A.\n#pragma once\n#include <nlohmann/json.hpp>\n", 3, "full header"),
    ("core/types2.h", "// A.\n#pragma once\n#include <simdjson.h>\n", 3, "simdjson is not"),
    ("mcp/server.cc", "#include <CLI/CLI.hpp>\n", 1, "CLI11 is not"),
    ("tests/core/a_test.cc", "#include <catch2/catch.hpp>\n", 1, "Catch2 is not"),
    ("bench/reads2.cc", "#include <sqlite3.h>\n", 1, "store to measure beside"),
    ("core/own.cc", "#include <string>\n#include \"core/own.h\"\n", 1, "own header"),
    ("core/long_file.cc", "int a;\n" * 701, 701, "a file is one concept"),
    ("core/wide.cc", "int a;  // " + "x" * 120 + "\n", 1, "columns"),
    ("core/long_function.cc", "namespace n {\nint f(int a,\n      int b) {\n" + "  a += b;\n" * 70 + "  return a;\n}\n}\n", 2, "in one function"),
    ("core/long_method.h", "// A.\n#pragma once\nclass C final : public B {\n  int f() const {\n" + "    ++a;\n" * 80 + "  }\n};\n", 4, "in one function"),
    ("core/string_utils.cc", "int a;\n", 1, "says nothing"),
    ("core/a_manager.h", "// A.\n#pragma once\n", 1, "says nothing"),
    ("core/vague.cc", "class LogHelper {};\n", 1, "says nothing"),
    ("core/later.cc", "// TO" + "DO: more\n", 1, "left open"),
    ("docs/later.md", "FIX" + "ME\n", 1, "left open"),
    ("core/print.cc", "void f() { std::cout << 1; }\n", 1, "stdout belongs"),
    ("tools/print.cc", "void f() { printf(\"\"); }\n", 1, "stdout belongs"),
    ("tests/core/b_test.cc", "void f() { std::this_thread::sleep_for(x); }\n", 1, "no sleeps"),
    ("tests/core/c_test.cc", "std::mt19937 g(7);\n", 1, "print its seed"),
    ("core/now.cc", "auto a = std::chrono::system_clock::now();\n", 1, "injected Clock"),
    ("tools/now.cc", "auto a = ::time(nullptr);\n", 1, "injected Clock"),
    ("core/steady.cc", "auto a = std::chrono::steady_clock::now();\n", 1, "time that passes"),
    ("mcp/dice.cc", "std::random_device d;\n", 1, "injected Random"),
    ("mcp/env.cc", "auto a = std::getenv(\"X\");\n", 1, "environment"),
    ("core/where.cc", 'auto a = "/tmp/x";\n', 1, "must be given"),
    ("tests/where_test.cc", 'auto a = "/' + 'work/x";\n', 1, "somebody's machine"),
    ("core/no_once.h", "// A.\nint a;\n", 1, "pragma once"),
    ("core/no_comment.h", "#pragma once\n", 1, "opens with a comment"),
    ("core/space.cc", "int a; \n", 1, "trailing space"),
    ("core/tab.cc", "\tint a;\n", 1, "tabs"),
    ("core/catch_all.cc", "void f() { try { g(); } catch (...) {} }\n", 1, "catch a type"),
    ("core/throws.cc", "void f() { throw 1; }\n", 1, "throw nothing"),
    ("core/local.cc", "thread_local int a;\n", 1, "thread-local state"),
]

# What must not be taken for a violation.
INNOCENT = {
    "core/own.h": "// Own.\n#pragma once\n",
    "core/fine.cc": '#include <string>\n#include "core/own.h"\n// std::cout, throw and catch (...) in a comment; time(0)\n'
                    'const char* a = "std::getenv( throw";\nconst char* b = R"(std::cout << {{{)";\nchar c = \'{\';\n'
                    "int big = 1'000'000;\nvoid f() { run_time(1); a.time(); }\n",
    "core/table.cc": "constexpr int kTable[] = {\n" + "    1,\n" * 100 + "};\nint f() { return kTable[0]; }\n",
    "core/two.cc": "int f() {\n" + "  g();\n" * 60 + "}\nint h() {\n" + "  g();\n" * 60 + "}\n",
    "tests/core/fine_test.cc": "// CHRONOS_SEED\nstd::mt19937 g(seed);\n",
    "tools/fine.cc": "#include <nlohmann/json.hpp>\n#include \"core/own.h\"\n#include \"prompts/pages.h\"\n",
}


def self_test():
    missed = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in list(INNOCENT.items()) + [(f, t) for f, t, _, _ in PLANTED]:
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        problems = Checker(scratch).run()
    for file, _, line, part in PLANTED:
        if not any(p == file and n == line and part in message for p, n, message in problems):
            missed.append(f"{file}:{line}: planted, not found: {part}")
    missed += [f"{p}:{n}: innocent, yet reported: {m}" for p, n, m in problems if p in INNOCENT]
    planted_files = {f for f, _, _, _ in PLANTED}
    expected = {f: sum(1 for g, _, _, _ in PLANTED if g == f) for f in planted_files}
    for file in sorted(planted_files):
        found = [m for p, _, m in problems if p == file]
        if len(found) > expected[file]:
            missed.append(f"{file}: more reported than planted: {found}")
    print("\n".join(missed) if missed else f"tidy self-test: {len(PLANTED)} planted violations found, {len(INNOCENT)} clean files left alone")
    return 1 if missed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    root = arguments[0] if arguments else Path(__file__).resolve().parent.parent
    problems = Checker(root).run()
    for path, line, message in problems:
        print(f"{path}:{line}: {message}")
    print(f"tidy: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
