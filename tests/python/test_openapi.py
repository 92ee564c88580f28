"""schemathesis reads /openapi.json of a running server and calls every operation, rightly and wrongly."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("schemathesis")

HERE = Path(__file__).resolve().parent
# Those left out, and why.  positive_data_acceptance: rules between arguments (one of five forms of a condition, a time
# as text) are in the descriptions of the tools, not in their schemas, which several clients restrict.
# unsupported_method: TRACE with a body is refused for the body (400), before the method is looked at.
# allow_header_conformance: OPTIONS is answered the same for every path.
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "negative_data_rejection"]


@pytest.mark.timeout(240)
def test_answers_are_as_described(server, tmp_path):
    with urllib.request.urlopen(server.url + "/openapi.json", timeout=30) as answer:
        operations = sum(len(path) for path in json.load(answer)["paths"].values())
    # The same calls in the same order every time; one at a time, because what one writes the next reads.
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", server.url + "/openapi.json", "--no-color",
               "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "8",
               "--generation-deterministic", "--workers", "1", "--continue-on-failure", "--request-timeout", "30",
               "--suppress-health-check", "all", "--warnings", "off"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(HERE)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=220)
    said = run.stdout + run.stderr
    print(said)
    assert run.returncode == 0, "schemathesis found what it prints above"
    assert re.search(r"Tested: (\d+)", said)[1] == str(operations)
    assert server.process.poll() is None
