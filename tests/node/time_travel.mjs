// Event logs imported by `chronos import`, then read at ten past positions through official clients and compared
// with a replay of the file's first lines done here, with a JSON Merge Patch of our own.
//
// The logs are the *.ndjson of CHRONOS_EVENT_LOGS; without it, one written here.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { binary, kinds } from "./support/clients.mjs";
import { dice, scratch, seed } from "./support/scratch.mjs";

const moments = 10;
const statesPerMoment = 60;

function mergePatch(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

function writtenLog(roll) {
  const file = join(scratch("log"), "written.ndjson");
  const lines = Array.from({ length: 800 }, (_, i) => {
    const data = { [`f${roll(6)}`]: [null, i, "text \u00e9 \ud83d\ude00", { deep: { n: i, gone: roll(2) ? null : 1 } }, [1, 2]][roll(5)] };
    return JSON.stringify({ stream: `s-${roll(30)}`, type: `T${roll(4)}`, data, ...(roll(3) && { tags: [`tag:${roll(9)}`] }), ...(roll(2) && { id: `id-${i}` }) });
  });
  writeFileSync(file, lines.join("\n") + "\n");
  return file;
}

async function queryAll(session, as_of, extra = {}) {
  const events = [];
  for (let cursor; ; ) {
    const page = await session.ask("query_events", { as_of, limit: 1000, detail: "full", ...extra, ...(cursor && { cursor }) });
    assert.equal(page.at.position, as_of);
    events.push(...page.events);
    cursor = page.next_cursor;
    if (!cursor) return events;
  }
}

function sameEvent(actual, expected, position) {
  assert.equal(actual.position, position);
  for (const field of ["stream", "type", "data", "metadata", "correlation_id", "causation_id"]) {
    assert.deepEqual(actual[field], expected[field], `${field} of event ${position}`);
  }
  if (expected.id) assert.equal(actual.id, expected.id);
  if (expected.valid_at) assert.equal(Date.parse(actual.valid_at), Date.parse(expected.valid_at));
  assert.deepEqual([...(actual.tags ?? [])].sort(), [...new Set(expected.tags ?? [])].sort(), `tags of event ${position}`);
}

async function checkMoment(session, log, position, roll) {
  const prefix = log.slice(0, position);
  const events = await queryAll(session, position);
  assert.equal(events.length, prefix.length);
  events.forEach((event, i) => sameEvent(event, prefix[i], i + 1));

  const states = new Map();
  for (const { stream, data } of prefix) {
    const { state, version } = states.get(stream) ?? { state: {}, version: 0 };
    states.set(stream, { state: mergePatch(state, data), version: version + 1 });
  }
  const names = [...states.keys()];
  while (names.length > statesPerMoment) names.splice(roll(names.length), 1);
  await Promise.all(
    names.map(async (stream) => {
      const answer = await session.ask("get_state", { stream, as_of: position });
      assert.deepEqual(answer.state, states.get(stream).state, `state of ${stream} at ${position}`);
      assert.equal(answer.version, states.get(stream).version);
    }),
  );
  const later = log.slice(position).find((event) => !states.has(event.stream));
  if (later) assert.equal((await session.refuse("get_state", { stream: later.stream, as_of: position })).code, "not_found");

  const type = prefix[roll(prefix.length)].type;
  const typed = await queryAll(session, position, { match: [{ types: [type] }] });
  const expected = prefix.flatMap((event, i) => (event.type === type ? [i + 1] : []));
  assert.deepEqual(typed.map((event) => event.position), expected, `events of type ${type} at ${position}`);
}

const roll = dice();
const folder = process.env.CHRONOS_EVENT_LOGS;
const files = folder
  ? readdirSync(folder).filter((name) => name.endsWith(".ndjson")).map((name) => join(folder, name))
  : [writtenLog(roll)];
assert.ok(files.length > 0, `no *.ndjson in ${folder}`);

files.forEach((file, i) => {
  const kind = kinds[(i + 1) % kinds.length];
  test(`${basename(file)} at ${moments} moments through ${kind.name} (CHRONOS_SEED=${seed})`, { timeout: 300_000 }, async () => {
    const log = readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const directory = scratch("travel");
    execFileSync(binary, ["import", file, "--data", directory], { stdio: ["ignore", "pipe", "pipe"] });
    const session = await kind.connect(directory);
    try {
      assert.equal((await session.ask("describe_store", {})).at.position, log.length);
      const positions = new Set([1, log.length]);
      while (positions.size < Math.min(moments, log.length)) positions.add(1 + roll(log.length));
      for (const position of [...positions].sort((a, b) => a - b)) await checkMoment(session, log, position, roll);
    } finally {
      await session.close();
    }
  });
});
