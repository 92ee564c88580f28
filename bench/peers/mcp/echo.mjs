// The least server that the official TypeScript SDKs make: one tool, `echo`.
//
//   node echo.mjs v1|v2 stdio
//   node echo.mjs v1|v2 http PORT       at /mcp on 127.0.0.1, with sessions, answers as plain JSON
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { z } from "zod";

const [version, how, port] = process.argv.slice(2);

async function parts() {
  if (version === "v1") {
    const { McpServer } = await import("@modelcontextprotocol/sdk/server/mcp.js");
    const { StdioServerTransport } = await import("@modelcontextprotocol/sdk/server/stdio.js");
    const { StreamableHTTPServerTransport } = await import("@modelcontextprotocol/sdk/server/streamableHttp.js");
    return { McpServer, StdioServerTransport, HttpTransport: StreamableHTTPServerTransport };
  }
  const { McpServer } = await import("@modelcontextprotocol/server");
  const { StdioServerTransport } = await import("@modelcontextprotocol/server/stdio");
  const { NodeStreamableHTTPServerTransport } = await import("@modelcontextprotocol/node");
  return { McpServer, StdioServerTransport, HttpTransport: NodeStreamableHTTPServerTransport };
}

const { McpServer, StdioServerTransport, HttpTransport } = await parts();

function echoServer() {
  const server = new McpServer({ name: `echo-${version}`, version: "1.0.0" });
  const text = { message: z.string() };
  const inputSchema = version === "v1" ? text : z.object(text);
  server.registerTool("echo", { description: "Says the same.", inputSchema }, async ({ message }) => ({
    content: [{ type: "text", text: message }],
  }));
  return server;
}

if (how === "stdio") {
  await echoServer().connect(new StdioServerTransport());
} else {
  const sessions = new Map();
  const idle = { keepAliveTimeout: 600_000 }; // idle clients are measured too
  createServer(idle, async (request, response) => {
    let transport = sessions.get(request.headers["mcp-session-id"]);
    if (!transport) {
      transport = new HttpTransport({
        sessionIdGenerator: randomUUID,
        enableJsonResponse: true,
        onsessioninitialized: (id) => sessions.set(id, transport),
      });
      await echoServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  }).listen(Number(port), "127.0.0.1");
}
