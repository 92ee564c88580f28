// /openapi.json: two validators accept it, and a client generated from it, checked by tsc --strict, appends and reads.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createInterface } from "node:readline";
import { scratch } from "./support/scratch.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const bin = (name) => join(here, "node_modules", ".bin", name);
const start = promisify(execFile);
const run = (...call) => start(...call).catch((error) => assert.fail(`${error.message}\n${error.stdout}\n${error.stderr}`));
const limits = { timeout: 240_000, maxBuffer: 16 << 20 };

// `chronos serve` on a free port: {url, stop}.
async function serve() {
  const child = spawn(process.env.CHRONOS_BINARY, ["serve", "--data", scratch("openapi"), "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  for await (const line of createInterface({ input: child.stderr })) {
    const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
    if (found) {
      child.stderr.resume();
      return { url: found[0], stop: () => (child.kill("SIGTERM"), ended) };
    }
  }
  throw new Error("chronos serve ended without saying where it listens");
}

const program = `
import { client } from "./client/client.gen";
import { appendEvents, getState, queryEvents } from "./client";

declare const process: { env: Record<string, string | undefined> };
client.setConfig({ baseUrl: process.env.CHRONOS_URL ?? "" });
const appended = await appendEvents({
  body: { events: [{ stream: "order-7", type: "OrderPlaced", data: { total: 120 } }] },
});
if (appended.data?.first_position !== 1) throw new Error("append: " + JSON.stringify(appended.error));
const state = await getState({ body: { stream: "order-7" } });
if (state.data?.version !== 1) throw new Error("state: " + JSON.stringify(state.error));
const found = await queryEvents({ body: { match: [{ types: ["OrderPlaced"] }] } });
if (found.data?.events.length !== 1) throw new Error("query: " + JSON.stringify(found.error));
const missing = await getState({ body: { stream: "none" } });
if (missing.response?.status !== 404 || missing.error === undefined) throw new Error("an absent stream is no error");
console.log("generated client: done");
`;

describe("openapi", () => {
  const place = scratch("openapi-client");
  const file = join(place, "openapi.json");
  let server;
  before(async () => {
    server = await serve();
    const answer = await fetch(`${server.url}/openapi.json`);
    assert.equal(answer.status, 200);
    writeFileSync(file, JSON.stringify(await answer.json()));
  });
  after(async () => {
    assert.equal(await server?.stop(), 0);
  });

  test("@readme/openapi-parser accepts it", async () => {
    const { validate, compileErrors } = await import("@readme/openapi-parser");
    const result = await validate(file);
    assert.ok(result.valid, result.valid ? "" : compileErrors(result));
  });

  test("@redocly/cli accepts it", async () => {
    const environment = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
    await run(bin("redocly"), ["lint", "--extends=spec", file], { ...limits, env: environment });
  });

  test("a client generated from it is typed, appends and reads", async () => {
    await run(bin("openapi-ts"), ["-i", file, "-o", join(place, "client"), "-c", "@hey-api/client-fetch"], limits);
    writeFileSync(join(place, "package.json"), '{"type": "module"}');
    writeFileSync(join(place, "program.ts"), program);
    // One folder of JavaScript; its imports lack the ends of file names, which Node wants.
    const compiled = join(place, "compiled");
    const settings = ["--strict", "--noEmitOnError", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
    const libraries = ["--skipLibCheck", "--lib", "es2022,dom,dom.iterable", "--outDir", compiled];
    await run(bin("tsc"), [...settings, ...libraries, join(place, "program.ts")], limits);
    const resolve = `import { registerHooks } from "node:module"; import { existsSync } from "node:fs"; import { fileURLToPath } from "node:url";
      registerHooks({ resolve(name, context, next) {
        if (!name.startsWith(".")) return next(name, context);
        for (const end of [".js", "/index.js"]) {
          const url = new URL(name + end, context.parentURL);
          if (existsSync(fileURLToPath(url))) return next(url.href, context);
        }
        return next(name, context);
      } });`;
    writeFileSync(join(place, "resolve.mjs"), resolve);
    const environment = { ...process.env, CHRONOS_URL: server.url };
    const program_file = join(compiled, "program.js");
    const { stdout } = await run(process.execPath, ["--import", pathToFileURL(join(place, "resolve.mjs")).href, program_file], {
      ...limits,
      env: environment,
    });
    assert.match(stdout, /generated client: done/);
  });
});
