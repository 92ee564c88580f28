// The official conformance suite: all of it against conformance_server, which offers its fixtures, and what needs none
// against `chronos serve` itself.
//
// The suite scores some of the scenarios of a revision; here all that it runs must pass.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test, before, after } from "node:test";
import { startProgram, startServer } from "./support/clients.mjs";
import { scratch } from "./support/scratch.mjs";

const suite = new URL("node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url).pathname;
const fixtures = process.env.CHRONOS_CONFORMANCE_SERVER;

// Runs the suite; the checks of each scenario by its name.
async function run(args) {
  const out = scratch("conformance");
  const code = await new Promise((resolve) => {
    const child = spawn(process.execPath, [suite, "server", ...args, "-o", out], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.resume();
    child.stderr.resume();
    child.on("exit", resolve);
  });
  const scenarios = new Map();
  for (const directory of readdirSync(out)) {
    const file = join(out, directory, "checks.json");
    if (!existsSync(file)) continue;
    const name = directory.replace(/^server-/, "").replace(/-\d{4}-\d{2}-\d{2}T.*$/, "");
    scenarios.set(name, JSON.parse(readFileSync(file, "utf8")));
  }
  return { code, scenarios };
}

const failures = (checks) =>
  checks.filter((check) => check.status === "FAILURE").map((check) => `${check.id}: ${check.errorMessage}`);

for (const [revision, scored] of [["2025-11-25", 30], ["2026-07-28", 37]]) {
  describe(`the fixtures, revision ${revision}`, { skip: !fixtures && "no conformance_server" }, () => {
    let server;
    before(async () => (server = await startProgram(fixtures, ["--port", "0"])));
    after(() => server?.stop());

    test(`all ${scored} scored scenarios pass, and the others that are run`, async () => {
      const { code, scenarios } = await run(["--url", server.url, "--requirements", revision]);
      assert.ok(scenarios.size >= scored, `${scenarios.size} scenarios were run`);
      const failed = [...scenarios].flatMap(([name, checks]) => failures(checks).map((why) => `${name}: ${why}`));
      assert.deepEqual(failed, []);
      assert.equal(code, 0);
    });
  });
}

// Those that need no fixture.
const ownScenarios = {
  "2025-11-25": ["server-initialize", "server-session-lifecycle", "ping", "logging-set-level", "server-sse-multiple-streams",
    "dns-rebinding-protection", "tools-list", "resources-list", "prompts-list"],
  "2026-07-28": ["server-sse-multiple-streams", "dns-rebinding-protection", "caching", "http-header-validation", "tools-list",
    "resources-list", "sep-2164-resource-not-found", "prompts-list", "input-required-result-unsupported-methods"],
};

for (const [revision, names] of Object.entries(ownScenarios)) {
  describe(`chronos serve, revision ${revision}`, () => {
    let server;
    before(async () => (server = await startServer(scratch("served"))));
    after(() => server?.stop());

    for (const name of names) {
      test(name, async () => {
        const { code, scenarios } = await run(["--url", server.url, "--scenario", name, "--spec-version", revision]);
        assert.deepEqual([...scenarios.values()].flatMap(failures), []);
        assert.equal(code, 0);
      });
    }
  });
}
