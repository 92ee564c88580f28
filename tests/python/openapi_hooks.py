"""What schemathesis (test_openapi.py) must be told about this server."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


@schemathesis.hook
def before_call(context, case, kwargs):
    """History that is followed does not end: only tests/mcp/http_events_test.cc follows it."""
    if case.query and "true" in str(case.query.get("follow")):
        case.query["follow"] = "false"
