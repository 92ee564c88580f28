"""The official Python SDK, 1.x or 2.x, whichever is installed, behind one shape.

KINDS are the handshakes the installed one has.  Answers are dictionaries in the spelling of the protocol.
"""

from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

IS_FIRST = version("mcp").startswith("1.")


@dataclass
class Command:
    """A server over its standard input and output."""
    program: str
    arguments: list


class Refused(Exception):
    """An error of the protocol."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


class Session:
    """A connected client.  `info` is the server's name and version, `revision` the protocol spoken."""

    def __init__(self, client, info, revision, instructions):
        self.client = client
        self.info = plain(info) if info else None  # a client that asked nothing does not know
        self.revision = revision
        self.instructions = instructions

    async def _told(self, request):
        try:
            return plain(await request)
        except ERROR as error:
            raise Refused(error.error.code, error.error.message) from error

    async def tools(self):
        return (await self._told(self.client.list_tools()))["tools"]

    async def call(self, name, arguments, **options):
        return await self._told(self.client.call_tool(name, arguments, **options))

    async def ask(self, name, /, **arguments):
        """The structured answer of a call that must succeed; the SDK itself checks it against the tool's schema."""
        result = await self.call(name, arguments)
        assert not result.get("isError"), f"{name}: {result['content']}"
        return result["structuredContent"]

    async def prompts(self):
        return (await self._told(self.client.list_prompts()))["prompts"]

    async def prompt(self, name, arguments):
        return (await self._told(self.client.get_prompt(name, arguments)))["messages"]

    async def resources(self):
        return (await self._told(self.client.list_resources()))["resources"]

    async def templates(self):
        return (await self._told(self.client.list_resource_templates()))["resourceTemplates"]

    async def read(self, uri):
        return (await self._told(self.client.read_resource(uri)))["contents"]

    async def complete(self, reference, argument):
        return (await self._told(self.client.complete(REFERENCES[reference["type"]](**reference), argument)))["completion"]


@dataclass
class Kind:
    name: str
    revision: str
    connect: object  # (Command or URL) -> a Session to be used with `async with`


if IS_FIRST:
    from mcp import ClientSession, McpError as ERROR, StdioServerParameters, types
    from mcp.client.stdio import stdio_client
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def connect_first(place):
        if isinstance(place, Command):
            transport = stdio_client(StdioServerParameters(command=place.program, args=place.arguments))
        else:
            transport = streamable_http_client(place)
        async with transport as streams, ClientSession(streams[0], streams[1]) as client:
            hello = await client.initialize()
            yield Session(client, hello.serverInfo, hello.protocolVersion, hello.instructions)

    KINDS = [Kind("sdk 1.x", "2025-11-25", connect_first)]
else:
    import mcp_types as types
    from mcp import Client, MCPError as ERROR, StdioServerParameters

    def connect_second(mode):
        @asynccontextmanager
        async def connect(place):
            if isinstance(place, Command):
                place = StdioServerParameters(command=place.program, args=place.arguments)
            async with Client(place, mode=mode) as client:
                yield Session(client, client.server_info, client.protocol_version, client.instructions)
        return connect

    KINDS = [Kind("sdk 2.x legacy", "2025-11-25", connect_second("legacy")),
             Kind("sdk 2.x auto", "2026-07-28", connect_second("auto")),
             Kind("sdk 2.x pinned to 2026-07-28", "2026-07-28", connect_second("2026-07-28"))]

REFERENCES = {"ref/resource": types.ResourceTemplateReference, "ref/prompt": types.PromptReference}
