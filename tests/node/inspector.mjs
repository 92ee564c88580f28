// The MCP Inspector's command line with the block of README.md as it stands there: `chronos` is found on PATH.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { binary } from "./support/clients.mjs";
import { scratch } from "./support/scratch.mjs";
import { toolNames } from "./support/schemas.mjs";

const launcher = join(import.meta.dirname, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const block = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1])).find((json) => json.mcpServers);

// A home of its own, so that the default data directory is scratch, and `chronos` on PATH as an installation puts it.
const home = scratch("inspector");
mkdirSync(join(home, "bin"));
symlinkSync(binary, join(home, "bin", "chronos"));
const env = { ...process.env, HOME: home, PATH: join(home, "bin") + delimiter + process.env.PATH };
delete env.XDG_DATA_HOME;

async function inspect(era, ...args) {
  const config = join(home, `${era ?? "readme"}.json`);
  const servers = structuredClone(block);
  if (era) Object.values(servers.mcpServers)[0].protocolEra = era;
  writeFileSync(config, JSON.stringify(servers));
  const { stdout } = await promisify(execFile)(process.execPath, [launcher, "--cli", "--config", config, "--server", "chronos", "--format", "json", "--quiet", ...args], {
    env,
    maxBuffer: 1 << 26,
    timeout: 60_000,
  });
  const answer = JSON.parse(stdout);
  return answer.result ?? answer;
}
const call = (era, name, args) => inspect(era, "--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args));

const event = { stream: "order-1", type: "OrderPlaced", data: { status: "placed" }, id: "e-1" };
const calls = [
  ["append_events", { events: [event] }],
  ["describe_store", {}],
  ["query_events", { stream: "order-1" }],
  ["search_events", { query: "placed" }],
  ["get_state", { stream: "order-1" }],
  ["compare", { left: { as_of: 0 }, right: {}, stream: "order-1" }],
  ["trace_events", { id: "e-1" }],
  ["create_fork", { name: "try", request_id: "make-try" }],
  ["list_forks", {}],
  ["merge_fork", { fork: "try" }],
  ["verify_history", {}],
  ["guide", {}],
];
// Not repeated in each era: a discarded fork's name stays taken.
const last = ["discard_fork", { fork: "try", reason: "done" }];

test("README.md has a block for it", () => assert.ok(block?.mcpServers?.chronos));

for (const era of [undefined, "auto", "modern"]) {
  const where = era ? `protocolEra ${era}` : "the block as it stands";
  test(`tools/list --strict with ${where}`, async () => {
    const { tools } = await inspect(era, "--method", "tools/list", "--strict");
    assert.deepEqual(tools.map((tool) => tool.name).sort(), [...toolNames].sort());
  });
  for (const [name, args] of calls) {
    test(`${name} with ${where}`, async () => {
      const result = await call(era, name, args);
      assert.ok(!result.isError, JSON.stringify(result));
      assert.ok(result.structuredContent ?? result.content?.[0], JSON.stringify(result).slice(0, 300));
    });
  }
}

test("discard_fork with the block as it stands", async () => {
  const result = await call(undefined, ...last);
  assert.ok(!result.isError, JSON.stringify(result));
});
