// Several real clients on one directory, each with a server process of its own, as agent clients start them; the
// process that has the store is killed while the others are writing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "./support/clients.mjs";
import { scratch } from "./support/scratch.mjs";

const [v1, , , pinned] = kinds;

async function everything(session) {
  const events = [];
  for (let cursor; ; ) {
    const page = await session.ask("query_events", { limit: 1000, ...(cursor && { cursor }) });
    events.push(...page.events);
    cursor = page.next_cursor;
    if (!cursor) return events;
  }
}

test("two clients of different revisions see each other's events at once", async () => {
  const directory = scratch("two");
  const [ann, ben] = await Promise.all([v1.connect(directory), pinned.connect(directory)]);
  for (let version = 0; version < 40; version++) {
    const writer = version % 2 ? ann : ben;
    const other = version % 2 ? ben : ann;
    await writer.ask("append_events", { events: [{ stream: "s", type: "T", data: { version } }], conditions: [{ stream: "s", version }] });
    assert.equal((await other.ask("get_state", { stream: "s" })).version, version + 1);
  }
  const refused = await ann.refuse("append_events", { events: [{ stream: "s", type: "T", data: {} }], conditions: [{ stream: "s", version: 7 }] });
  assert.equal(refused.code, "conflict");
  await Promise.all([ann.close(), ben.close()]);
});

test("the process with the store dies by SIGKILL: the others take over and lose nothing", { timeout: 120_000 }, async () => {
  const directory = scratch("killed");
  const owner = await v1.connect(directory);
  await owner.ask("append_events", { events: [{ stream: "first", type: "T", data: {} }] });
  const others = [];
  for (const kind of [v1, pinned, v1]) others.push(await kind.connect(directory));
  const acknowledged = new Set();
  const write = async (session, name) => {
    for (let i = 0; i < 60; i++) {
      await session.ask("append_events", { events: [{ stream: name, type: "T", data: { i } }] });
      acknowledged.add(`${name}/${i}`);
    }
  };
  const writers = others.map((session, i) => write(session, `w${i}`));
  const early = Array.from({ length: 30 }, (_, i) => others[0].ask("append_events", { events: [{ stream: `early-${i}`, type: "T", data: {} }] }));
  await early[5];
  process.kill(owner.pid, "SIGKILL");
  await Promise.all([...writers, ...early]);
  const events = await everything(others[1]);
  assert.deepEqual(events.map((event) => event.position), events.map((_, i) => i + 1));
  assert.equal(events.length, 1 + 180 + 30, "every append once, none twice");
  for (let w = 0; w < 3; w++) {
    const mine = events.filter((event) => event.stream === `w${w}`);
    assert.deepEqual(mine.map((event) => event.data.i), Array.from({ length: 60 }, (_, i) => i));
  }
  assert.equal(acknowledged.size, 180);
  assert.equal((await others[2].ask("verify_history", {})).ok, true);
  await Promise.all(others.map((session) => session.close()));
});

test("one agent on main, one in a fork, at once; then a merge with a clean and a conflicting batch", async () => {
  const directory = scratch("fork");
  const [ann, ben] = await Promise.all([v1.connect(directory), pinned.connect(directory)]);
  const append = (session, stream, version, more = {}) =>
    session.ask("append_events", { events: [{ stream, type: "T", data: { by: more.fork ?? "main" } }], conditions: [{ stream, version }], ...more });
  await append(ann, "order", 0);
  await ben.ask("create_fork", { name: "try", purpose: "to see" });
  const onMain = async () => {
    for (let version = 0; version < 20; version++) await append(ann, "elsewhere", version);
    await append(ann, "order", 1);
  };
  const inFork = async () => {
    await append(ben, "order", 1, { fork: "try" });
    for (let version = 0; version < 20; version++) await append(ben, "new", version, { fork: "try" });
  };
  await Promise.all([onMain(), inFork()]);
  const blocked = await ben.ask("merge_fork", { fork: "try" });
  assert.equal(blocked.preview_token, undefined);
  assert.deepEqual(blocked.batches.map((batch) => batch.status), ["conflict", ...Array(20).fill("clean")]);
  assert.deepEqual(blocked.touched_on_both, [{ stream: "order", source_events: 1, target_events: 1 }]);
  const asked = { fork: "try", on_conflict: "skip" };
  const old = (await ben.ask("merge_fork", asked)).preview_token;
  await append(ann, "elsewhere", 20);
  const stale = await ben.refuse("merge_fork", { ...asked, preview_token: old });
  assert.equal(stale.code, "conflict");
  const merged = await ben.ask("merge_fork", { ...asked, preview_token: stale.details.preview.preview_token });
  assert.equal(merged.appended, 20);
  assert.equal(merged.skipped, 1);
  assert.equal((await ann.ask("get_state", { stream: "new" })).version, 20);
  assert.deepEqual((await ann.ask("get_state", { stream: "order" })).state, { by: "main" });
  assert.equal((await ann.ask("verify_history", {})).ok, true);
  await Promise.all([ann.close(), ben.close()]);
});
