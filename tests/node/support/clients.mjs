// The official clients behind one shape: connect(directory) gives {call, listTools, client, pid, close}.
//
// Four handshakes: the v1 SDK, and the v2 client in its legacy, auto and pinned modes.
import { spawn } from "node:child_process";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as HttpV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as StdioV2 } from "@modelcontextprotocol/client/stdio";

export const binary = process.env.CHRONOS_BINARY;
if (!binary) throw new Error("CHRONOS_BINARY must name the chronos program");

const info = { name: "chronos-real-clients", version: "1.0.0" };

async function connected(client, transport, call) {
  let complaints = "";
  transport.stderr?.on("data", (chunk) => (complaints += chunk));
  await client.connect(transport);
  return {
    client,
    call,
    get pid() {
      return transport.pid;
    },
    get complaints() {
      return complaints;
    },
    listTools: async () => (await client.listTools()).tools,
    // The structured answer of a call that must succeed.
    async ask(name, args, options) {
      const result = await call(name, args, options);
      if (result.isError) throw new Error(`${name} failed: ${result.content[0].text}`);
      return result.structuredContent;
    },
    // The error object of a call that must fail.
    async refuse(name, args) {
      const result = await call(name, args);
      if (!result.isError) throw new Error(`${name} succeeded: ${result.content[0].text}`);
      return errorOf(result);
    },
    close: () => client.close(),
  };
}

// {code, message, retryable, details} of a result with isError: in structuredContent, or as JSON in a text block.
export function errorOf(result) {
  if (result.structuredContent?.error) return result.structuredContent.error;
  for (const block of result.content) {
    try {
      const parsed = JSON.parse(block.text);
      if (parsed.error) return parsed.error;
    } catch {
      // a sentence for people
    }
  }
  throw new Error(`no error object in ${JSON.stringify(result)}`);
}

const serverOf = (directory) => ({ command: binary, args: ["stdio", "--data", directory], stderr: "pipe" });

// Calls `handler` for notifications/resources/updated.
export function onUpdated(client, handler) {
  if (client instanceof ClientV1) client.setNotificationHandler(ResourceUpdatedNotificationSchema, handler);
  else client.setNotificationHandler("notifications/resources/updated", handler);
}

// A server that says at which URL it listens: {url, stop}.
export async function startProgram(command, args) {
  const server = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      said += chunk;
      const port = said.match(/http:\/\/127\.0\.0\.1:(\d+)/);
      if (port) resolve(`http://127.0.0.1:${port[1]}/mcp`);
    };
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    server.on("exit", (code) => reject(new Error(`${command} ended with ${code}: ${said}`)));
  });
  const ended = new Promise((resolve) => server.on("exit", resolve));
  return { url, stop: () => (server.kill("SIGTERM"), ended) };
}

export const startServer = (directory) => startProgram(binary, ["serve", "--data", directory, "--listen", "127.0.0.1:0"]);

const httpV1 = async (url) => {
  const client = new ClientV1(info, { capabilities: {} });
  return connected(client, new HttpV1(new URL(url)), (name, args, options) =>
    client.callTool({ name, arguments: args }, undefined, options),
  );
};

const httpV2 = (mode) => async (url) => {
  const client = new ClientV2(info, { versionNegotiation: { mode } });
  return connected(client, new HttpV2(new URL(url)), (name, args, options) =>
    client.callTool({ name, arguments: args }, options),
  );
};

// The same handshakes over HTTP: connect(url).
export const httpKinds = [
  { name: "sdk 1.x", revision: "2025-11-25", connect: httpV1 },
  { name: "client 2.x legacy", revision: "2025-11-25", connect: httpV2("legacy") },
  { name: "client 2.x auto", revision: "2026-07-28", connect: httpV2("auto") },
  { name: "client 2.x pinned to 2026-07-28", revision: "2026-07-28", connect: httpV2({ pin: "2026-07-28" }) },
];

const v2 = (mode) => async (directory) => {
  const client = new ClientV2(info, { versionNegotiation: { mode } });
  return connected(client, new StdioV2(serverOf(directory)), (name, args, options) =>
    client.callTool({ name, arguments: args }, options),
  );
};

export const kinds = [
  {
    name: "sdk 1.x",
    revision: "2025-11-25",
    async connect(directory) {
      const client = new ClientV1(info, { capabilities: {} });
      return connected(client, new StdioV1(serverOf(directory)), (name, args, options) =>
        client.callTool({ name, arguments: args }, undefined, options),
      );
    },
    revisionOf: () => "2025-11-25", // v1 does not tell, and refuses a revision it does not know
  },
  { name: "client 2.x legacy", revision: "2025-11-25", connect: v2("legacy"), revisionOf: (c) => c.getNegotiatedProtocolVersion() },
  { name: "client 2.x auto", revision: "2026-07-28", connect: v2("auto"), revisionOf: (c) => c.getNegotiatedProtocolVersion() },
  {
    name: "client 2.x pinned to 2026-07-28",
    revision: "2026-07-28",
    connect: v2({ pin: "2026-07-28" }),
    revisionOf: (c) => c.getNegotiatedProtocolVersion(),
  },
];
