// The MCP bundle of scripts/bundle, through the official packer: its manifest is valid, and what a desktop client makes
// of it starts the server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { scratch } from "./support/scratch.mjs";
import { toolNames } from "./support/schemas.mjs";

const packer = join(import.meta.dirname, "node_modules/@anthropic-ai/mcpb/dist/cli/cli.js");
const mcpb = (...args) => execFileSync(process.execPath, [packer, ...args], { encoding: "utf8", stdio: "pipe" });
const files = (directory) => readdirSync(directory, { recursive: true }).sort();

test("the official packer accepts the bundle, and a client installs and starts it", { timeout: 120_000 }, async () => {
  const out = scratch("bundle");
  const script = join(import.meta.dirname, "../../scripts/bundle");
  const [bundle] = execFileSync(script, ["--binary", process.env.CHRONOS_BINARY, "--out", out], { encoding: "utf8" }).split("\n");
  mcpb("validate", join(out, "chronos/manifest.json"));
  mcpb("pack", join(out, "chronos"), join(out, "theirs.mcpb"));

  const installed = join(out, "installed");
  mcpb("unpack", bundle, installed);
  mcpb("unpack", join(out, "theirs.mcpb"), join(out, "theirs"));
  assert.deepEqual(files(installed), files(join(out, "theirs")));

  const manifest = JSON.parse(readFileSync(join(installed, "manifest.json"), "utf8"));
  const config = await getMcpConfigForManifest({
    manifest, extensionPath: installed, systemDirs: { HOME: out }, userConfig: { data_directory: join(out, "data") }, pathSeparator: "/",
  });
  assert.ok(!JSON.stringify(config).includes("${"), "every variable has a value");
  const client = new Client({ name: "bundle", version: "1" });
  await client.connect(new StdioClientTransport({ ...config, stderr: "inherit" }));
  try {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), manifest.tools.map((tool) => tool.name));
    assert.deepEqual(manifest.tools.map((tool) => tool.name).sort(), [...toolNames].sort());
    const { structuredContent } = await client.callTool({ name: "describe_store", arguments: {} });
    assert.equal(structuredContent.events, 0);
  } finally {
    await client.close();
  }
});
