// Every official client, in every handshake it has, against the real server over stdio.
import assert from "node:assert/strict";
import { describe, test, before, after } from "node:test";
import { kinds, errorOf } from "./support/clients.mjs";
import { scratch } from "./support/scratch.mjs";
import { checkPortable, toolNames, validate } from "./support/schemas.mjs";

const placed = { stream: "order-7", type: "OrderPlaced", data: { status: "placed", total: 120 }, tags: ["customer:3"] };
const paid = { stream: "order-7", type: "OrderPaid", data: { status: "paid" } };

for (const kind of kinds) {
  describe(kind.name, () => {
    const directory = scratch("clients");
    let session;
    let tools;
    before(async () => {
      session = await kind.connect(directory);
      tools = new Map((await session.listTools()).map((tool) => [tool.name, tool]));
    });
    after(() => session?.close());

    // A call that must succeed: checked by the client itself, by a validator of our own, and the text block against it.
    async function ask(name, args, options) {
      const result = await session.call(name, args, options);
      assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
      validate(tools.get(name).outputSchema, result.structuredContent, name);
      assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
      return result.structuredContent;
    }
    const head = async () => (await ask("describe_store", {})).at.position;

    test("connects and says who it is", () => {
      assert.equal(session.client.getServerVersion().name, "chronos");
      assert.match(session.client.getServerVersion().version, /^\d+\.\d+\.\d+/);
      assert.equal(kind.revisionOf(session.client), kind.revision);
      assert.ok(session.client.getServerCapabilities().tools);
    });

    test("lists the tools, with schemas every client accepts", () => {
      assert.deepEqual([...tools.keys()].sort(), [...toolNames].sort());
      for (const tool of tools.values()) checkPortable(tool);
    });

    test("append_events", async () => {
      const first = await ask("append_events", { events: [placed], conditions: [{ stream: "order-7", version: 0 }], request_id: "r1" });
      assert.equal(first.first_position, 1);
      assert.deepEqual(first.versions, { "order-7": 1 });
      const again = await ask("append_events", { events: [placed], conditions: [{ stream: "order-7", version: 0 }], request_id: "r1" });
      assert.equal(again.replayed, true);
      assert.equal(again.first_position, 1);
      const second = await ask("append_events", { events: [paid], conditions: [{ stream: "order-7", version: 1 }] });
      assert.equal(second.last_position, 2);
      const conflict = await session.refuse("append_events", { events: [paid], conditions: [{ stream: "order-7", version: 1 }] });
      assert.equal(conflict.code, "conflict");
      assert.ok(JSON.stringify(conflict.details).includes("OrderPaid"), "a conflict shows what was missed");
      const reused = await session.refuse("append_events", { events: [paid], request_id: "r1" });
      assert.equal(reused.code, "id_reused");
      assert.equal(await head(), 2);
    });

    test("query_events", async () => {
      const all = await ask("query_events", {});
      assert.deepEqual(all.events.map((event) => event.type), ["OrderPlaced", "OrderPaid"]);
      const one = await ask("query_events", { match: [{ tags: ["customer:3"] }], as_of: 2, where: [{ path: "/total", op: ">", value: 100 }] });
      assert.deepEqual(one.events.map((event) => event.position), [1]);
      const page = await ask("query_events", { limit: 1 });
      assert.ok(page.next_cursor);
      const rest = await ask("query_events", { limit: 1, cursor: page.next_cursor });
      assert.equal(rest.events[0].position, 2);
    });

    test("get_state", async () => {
      assert.deepEqual((await ask("get_state", { stream: "order-7" })).state, { status: "paid", total: 120 });
      const then = await ask("get_state", { stream: "order-7", as_of: 1 });
      assert.deepEqual(then.state, { status: "placed", total: 120 });
      assert.equal(then.at.position, 1);
    });

    test("compare", async () => {
      const answer = await ask("compare", { left: { as_of: 1 }, right: { as_of: 2 }, stream: "order-7" });
      assert.deepEqual(answer.differences, [{ path: "/status", left: "placed", right: "paid" }]);
      const whole = await ask("compare", { left: { as_of: 1 }, right: {} });
      assert.deepEqual(whole.changed.map((change) => change.stream), ["order-7"]);
    });

    test("trace_events", async () => {
      await ask("append_events", {
        events: [
          { stream: "saga", type: "Asked", data: {}, id: "ask-1", correlation_id: "talk" },
          { stream: "saga", type: "Answered", data: {}, id: "answer-1", causation_id: "ask-1", correlation_id: "talk" },
        ],
      });
      const answer = await ask("trace_events", { id: "ask-1" });
      assert.ok(answer.events.some((event) => event.id === "answer-1" || event.event?.id === "answer-1"));
    });

    test("describe_store, verify_history and guide", async () => {
      assert.equal((await ask("describe_store", {})).at.position, 4);
      const seen = [];
      const verified = await ask("verify_history", {}, { onprogress: (p) => seen.push(p.progress) });
      assert.equal(verified.ok, true);
      assert.equal(verified.events, 4);
      for (let i = 1; i < seen.length; i++) assert.ok(seen[i] > seen[i - 1], "progress rises");
      assert.ok(JSON.stringify(await ask("guide", {})).length > 100);
    });

    test("bad arguments are tool errors that say what to send, and change nothing", async () => {
      const before = await head();
      const cases = [
        ["append_events", {}, "invalid_argument"],
        ["append_events", { events: [] }, "invalid_argument"],
        ["append_events", { events: "no" }, "invalid_argument"],
        ["append_events", { events: [{ stream: "", type: "T", data: {} }] }, "invalid_argument"],
        ["append_events", { events: [{ stream: "s", type: "T", data: [1] }] }, "invalid_argument"],
        ["append_events", { events: [{ stream: "$s", type: "T", data: {} }] }, "invalid_argument"],
        ["append_events", { events: [placed], surprise: 1 }, "invalid_argument"],
        ["append_events", { events: [placed], conditions: [{ none_match: [] }] }, "invalid_argument"],
        ["append_events", { events: [{ ...placed, data: { text: "x".repeat(1_100_000) } }] }, "too_large"],
        ["query_events", { limit: 0 }, "invalid_argument"],
        ["query_events", { cursor: "not a cursor" }, "invalid_argument"],
        ["query_events", { as_of: 999_999 }, "invalid_argument"],
        ["query_events", { fork: "no-such-fork" }, "not_found"],
        ["get_state", {}, "invalid_argument"],
        ["get_state", { stream: "no-such-stream" }, "not_found"],
        ["compare", { left: 7, right: {} }, "invalid_argument"],
        ["trace_events", {}, "invalid_argument"],
        ["trace_events", { id: "no-such-id" }, "not_found"],
        ["describe_store", { as_of: "yesterday" }, "invalid_argument"],
        ["guide", { topic: "no-such-topic" }, "invalid_argument"],
        ["create_fork", { name: "main" }, "invalid_argument"],
        ["create_fork", { name: "not a name" }, "invalid_argument"],
        ["create_fork", { name: "late", as_of: 999_999 }, "invalid_argument"],
        ["merge_fork", { fork: "no-such-fork" }, "not_found"],
        ["merge_fork", { fork: "main", into: "main" }, "invalid_argument"],
        ["merge_fork", { fork: "main", preview_token: "1.2.3.4" }, "invalid_argument"],
        ["discard_fork", { fork: "main" }, "invalid_argument"],
        ["discard_fork", { fork: "no-such-fork" }, "not_found"],
      ];
      for (const [name, args, code] of cases) {
        const result = await session.call(name, args);
        const what = `${name} ${JSON.stringify(args).slice(0, 120)}`;
        assert.equal(result.isError, true, what);
        const error = errorOf(result);
        assert.equal(error.code, code, `${what}: ${error.message}`);
        assert.ok(error.message.length > 10, what);
      }
      assert.equal(await head(), before);
    });

    test("an unknown tool is a protocol error", async () => {
      await assert.rejects(session.client.callTool({ name: "no_such_tool", arguments: {} }), (error) => error.code === -32602);
    });

    test("answers pipelined calls, each with its own result", async () => {
      const before = await head();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) =>
          i % 4 === 3
            ? ask("get_state", { stream: "order-7", as_of: 1 })
            : ask("append_events", { events: [{ stream: `p-${i}`, type: "T", data: { i } }], durability: "os" }),
        ),
      );
      answers.forEach((answer, i) => {
        if (i % 4 === 3) assert.equal(answer.stream, "order-7");
        else assert.deepEqual(answer.versions, { [`p-${i}`]: 1 });
      });
      assert.equal(await head(), before + 150);
    });

    test("takes the same condition from two calls at once only once", async () => {
      const attempts = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          session.call("append_events", { events: [{ stream: "once", type: "T", data: { i } }], conditions: [{ stream: "once", version: 0 }] }),
        ),
      );
      assert.equal(attempts.filter((result) => !result.isError).length, 1);
    });

    test("a cancelled call is forgotten and the session goes on", async () => {
      const stop = new AbortController();
      const calls = Array.from({ length: 20 }, () => session.call("verify_history", {}, { signal: stop.signal }));
      stop.abort("no longer needed");
      const outcomes = await Promise.allSettled(calls);
      assert.ok(outcomes.every((outcome) => outcome.status === "rejected"));
      assert.equal((await ask("verify_history", {})).ok, true);
    });

    test("resources and prompts, when offered, are there", async () => {
      const offered = session.client.getServerCapabilities();
      if (offered.resources) {
        const { resources } = await session.client.listResources();
        for (const resource of resources) {
          const { contents } = await session.client.readResource({ uri: resource.uri });
          assert.ok(contents[0].text.length > 0, resource.uri);
        }
      }
      if (offered.prompts) assert.ok((await session.client.listPrompts()).prompts.every((prompt) => prompt.description));
    });

    test("create_fork, list_forks, merge_fork and discard_fork", async () => {
      const made = await ask("create_fork", { name: "try-1", purpose: "to see", request_id: "f1" });
      assert.equal(made.position, await head());
      const inFork = { fork: "try-1", conditions: [{ stream: "order-7", version: 2 }] };
      await ask("append_events", { ...inFork, events: [{ stream: "order-7", type: "OrderShipped", data: { status: "shipped" } }] });
      assert.deepEqual((await ask("list_forks", {})).forks.map((fork) => fork.fork), ["main", "try-1"]);
      const sides = { left: { fork: "main" }, right: { fork: "try-1" } };
      assert.deepEqual((await ask("compare", sides)).changed.map((change) => change.stream), ["order-7"]);
      const preview = await ask("merge_fork", { fork: "try-1", into: "main" });
      assert.deepEqual(preview.batches.map((batch) => batch.status), ["clean"]);
      const other = await session.refuse("merge_fork", { fork: "try-1", preview_token: preview.preview_token });
      assert.equal(other.code, "invalid_argument");
      // Into another fork, so that main stays as the next test wants it.
      await ask("create_fork", { name: "other" });
      const into = { fork: "try-1", into: "other" };
      const token = (await ask("merge_fork", into)).preview_token;
      const merged = await ask("merge_fork", { ...into, preview_token: token, request_id: "m1" });
      assert.equal(merged.appended, 1);
      assert.equal((await ask("merge_fork", { ...into, preview_token: token, request_id: "m1" })).replayed, true);
      assert.equal((await ask("discard_fork", { fork: "try-1", reason: "merged" })).fork, "try-1");
      assert.equal((await session.refuse("query_events", { fork: "try-1" })).code, "not_found");
    });

    test("keeps everything for the next connection", async () => {
      const before = await head();
      await session.close();
      session = await kind.connect(directory);
      await session.listTools();
      assert.equal(await head(), before);
      assert.deepEqual((await ask("get_state", { stream: "order-7" })).state, { status: "paid", total: 120 });
    });
  });
}
