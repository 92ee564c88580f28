"""The official Python SDK, in every handshake it has, against `chronos stdio` and `chronos serve`."""

import json
import re

import anyio
import pytest
from jsonschema import Draft202012Validator

from clients import Refused

TOOLS = {"append_events", "query_events", "get_state", "search_events", "create_fork", "merge_fork"}  # those used here
PLACED = {"stream": "order 7/a", "type": "OrderPlaced", "data": {"status": "placed", "total": 120, "note": "blue kettle"}}
PAID = {"stream": "order 7/a", "type": "OrderPaid", "data": {"status": "paid"}}
STATE = "chronos://main/streams/order%207%2Fa"


def within(kind, place, steps):
    """Runs the steps with one connected client, and not for ever."""
    async def run():
        with anyio.fail_after(45):
            async with kind.connect(place) as session:
                await steps(session)
    try:
        anyio.run(run)
    except BaseExceptionGroup as group:  # each task group around the steps adds one: say what it is about
        failure = group
        while isinstance(failure, BaseExceptionGroup) and len(failure.exceptions) == 1:
            failure = failure.exceptions[0]
        raise failure from None


async def refusal(session, name, /, **arguments):
    """The error object of a call that must fail."""
    result = await session.call(name, arguments)
    assert result["isError"], f"{name} succeeded: {result}"
    if "error" in result.get("structuredContent", {}):
        return result["structuredContent"]["error"]
    for block in result["content"]:
        if block["text"].startswith("{"):
            return json.loads(block["text"])["error"]
    raise AssertionError(f"no error object in {result}")


def test_connects_and_says_who_it_is(kind, place):
    async def steps(session):
        assert session.revision == kind.revision
        # A client that is told the revision beforehand asks nothing, so it does not hear who answers.
        if "pinned" not in kind.name:
            assert session.info["name"] == "chronos"
            assert re.match(r"\d+\.\d+\.\d+", session.info["version"])
            assert session.instructions
    within(kind, place, steps)


def test_lists_tools_with_valid_schemas(kind, place):
    async def steps(session):
        tools = await session.tools()
        assert TOOLS <= {tool["name"] for tool in tools}
        for tool in tools:
            assert tool["description"] and tool["title"]
            for schema in (tool["inputSchema"], tool["outputSchema"]):
                assert schema["type"] == "object"
                Draft202012Validator.check_schema(schema)
    within(kind, place, steps)


def test_appends_and_reads(kind, place):
    async def steps(session):
        first = await session.ask("append_events", events=[PLACED], conditions=[{"stream": "order 7/a", "version": 0}], request_id="r1")
        assert (first["first_position"], first["versions"]) == (1, {"order 7/a": 1})
        again = await session.ask("append_events", events=[PLACED], conditions=[{"stream": "order 7/a", "version": 0}], request_id="r1")
        assert again["replayed"] and again["first_position"] == 1
        await session.ask("append_events", events=[PAID])
        assert (await session.ask("get_state", stream="order 7/a"))["state"]["status"] == "paid"
        assert (await session.ask("get_state", stream="order 7/a", as_of=1))["state"] == PLACED["data"]
        found = await session.ask("query_events", match=[{"types": ["OrderPaid"]}])
        assert [event["position"] for event in found["events"]] == [2]
        page = await session.ask("query_events", limit=1)
        rest = await session.ask("query_events", limit=1, cursor=page["next_cursor"])
        assert [event["type"] for event in rest["events"]] == ["OrderPaid"]
    within(kind, place, steps)


def test_searches(kind, place):
    async def steps(session):
        await session.ask("append_events", events=[{**PAID, "stream": "order-8"}, PLACED])
        found = await session.ask("search_events", query="kettle")
        assert [hit["event"]["position"] for hit in found["hits"]] == [2]
        assert not (await session.ask("search_events", query="teapot"))["hits"]
    within(kind, place, steps)


def test_forks_merge(kind, place):
    async def steps(session):
        await session.ask("append_events", events=[PLACED])
        await session.ask("create_fork", name="try", purpose="to see")
        await session.ask("append_events", fork="try", events=[PAID])
        assert (await session.ask("get_state", stream="order 7/a"))["state"]["status"] == "placed"
        token = (await session.ask("merge_fork", fork="try", into="main"))["preview_token"]
        assert (await session.ask("merge_fork", fork="try", into="main", preview_token=token))["appended"] == 1
        assert (await session.ask("get_state", stream="order 7/a"))["state"]["status"] == "paid"
    within(kind, place, steps)


def test_errors_say_which(kind, place):
    async def steps(session):
        await session.ask("append_events", events=[PLACED])
        conflict = await refusal(session, "append_events", events=[PAID], conditions=[{"stream": "order 7/a", "version": 0}])
        assert conflict["code"] == "conflict"
        assert (await refusal(session, "append_events", events=[]))["code"] == "invalid_argument"
        assert (await refusal(session, "query_events", fork="none"))["code"] == "not_found"
        assert (await refusal(session, "search_events"))["code"] == "invalid_argument"
        assert (await session.ask("describe_store"))["events"] == 1
        with pytest.raises(Refused) as refused:
            await session.call("no_such_tool", {})
        assert refused.value.code == -32602
    within(kind, place, steps)


def test_prompts(kind, place):
    async def steps(session):
        prompts = await session.prompts()
        assert len(prompts) == 7
        for prompt in prompts:
            assert prompt["description"]
            arguments = {argument["name"]: "1" for argument in prompt.get("arguments", [])}
            messages = await session.prompt(prompt["name"], arguments)
            assert len(messages[0]["content"]["text"]) > 100
        with pytest.raises(Refused) as refused:
            await session.prompt("none", {})
        assert refused.value.code == -32602
    within(kind, place, steps)


def test_resources_and_completion(kind, place):
    async def steps(session):
        await session.ask("append_events", events=[PLACED])
        for resource in await session.resources():
            contents = await session.read(resource["uri"])
            assert contents[0]["text"], resource["uri"]
        template = "chronos://{fork}/streams/{stream}"
        assert template in [known["uriTemplate"] for known in await session.templates()]
        assert json.loads((await session.read(STATE))[0]["text"])["state"] == PLACED["data"]
        with pytest.raises(Refused) as refused:
            await session.read("chronos://main/streams/none")
        assert refused.value.code in (-32602, -32002)
        names = await session.complete({"type": "ref/resource", "uri": template}, {"name": "stream", "value": "ord"})
        assert names["values"] == ["order 7/a"]
    within(kind, place, steps)


def test_answers_many_calls_at_once(kind, place):
    async def steps(session):
        answers = {}

        async def append(number):
            event = {"stream": f"p-{number}", "type": "T", "data": {"number": number}}
            answers[number] = await session.ask("append_events", events=[event], durability="os")
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(append, number)
        assert all(answers[number]["versions"] == {f"p-{number}": 1} for number in range(20))
        assert (await session.ask("verify_history"))["events"] == 20
    within(kind, place, steps)


def test_one_of_many_wins_a_condition(kind, place):
    async def steps(session):
        won = []

        async def attempt(number):
            event = {"stream": "once", "type": "T", "data": {"number": number}}
            result = await session.call("append_events", {"events": [event], "conditions": [{"stream": "once", "version": 0}]})
            won.append(not result.get("isError"))
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(attempt, number)
        assert sorted(won) == [False] * 9 + [True]
    within(kind, place, steps)


def test_the_next_client_finds_everything(kind, place):
    async def write(session):
        await session.ask("append_events", events=[PLACED, PAID])

    async def read(session):
        assert (await session.ask("get_state", stream="order 7/a"))["version"] == 2
    within(kind, place, write)
    within(kind, place, read)
