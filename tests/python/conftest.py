"""What the tests here share: the program under test, the kinds of client, and stores that go when a test does."""

import os

import pytest

import clients
from server import serving

PROGRAM = os.environ["CHRONOS_BINARY"]


@pytest.fixture
def data(tmp_path):
    """A directory for a store."""
    return str(tmp_path / "store")


@pytest.fixture
def server(data):
    """`chronos serve` of a new store, on a free port."""
    with serving(PROGRAM, data) as running:
        yield running


@pytest.fixture(params=clients.KINDS, ids=lambda kind: kind.name.replace(" ", "-"))
def kind(request):
    return request.param


@pytest.fixture(params=["stdio", "http"])
def place(request, data):
    """Where a client connects to: a command to start, or the URL of a server."""
    if request.param == "stdio":
        return clients.Command(PROGRAM, ["stdio", "--data", data])
    return request.getfixturevalue("server").url + "/mcp"
