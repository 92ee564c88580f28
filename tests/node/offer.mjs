// What is offered beside tools, to every official client in every handshake, over stdio and over HTTP: prompts,
// resources, completion, and hearing that a stream has grown.
import assert from "node:assert/strict";
import { describe, test, before, after } from "node:test";
import { httpKinds, kinds, onUpdated, startServer } from "./support/clients.mjs";
import { scratch } from "./support/scratch.mjs";

const stream = "order 7/a";
const uri = `chronos://main/streams/${encodeURIComponent(stream)}`;
const event = (type) => ({ events: [{ stream, type, data: { last: type } }] });

function checkOffer(kind, connect) {
  describe(kind.name, () => {
    let session;
    before(async () => {
      session = await connect();
      await session.ask("append_events", event("Placed"));
    });
    after(() => session?.close());

    test("prompts", async () => {
      const { prompts } = await session.client.listPrompts();
      assert.equal(prompts.length, 7);
      for (const prompt of prompts) {
        assert.ok(prompt.description);
        const args = Object.fromEntries((prompt.arguments ?? []).map((argument) => [argument.name, "1"]));
        const { messages } = await session.client.getPrompt({ name: prompt.name, arguments: args });
        assert.ok(messages[0].content.text.length > 100, prompt.name);
      }
      await assert.rejects(session.client.getPrompt({ name: "known_at" }), (error) => error.code === -32602);
      await assert.rejects(session.client.getPrompt({ name: "none" }), (error) => error.code === -32602);
    });

    test("resources", async () => {
      const { resources } = await session.client.listResources();
      assert.ok(resources.some((resource) => resource.uri === "guide://start"));
      const { resourceTemplates } = await session.client.listResourceTemplates();
      assert.ok(resourceTemplates.some((template) => template.uriTemplate === "chronos://{fork}/streams/{stream}"));
      const { contents } = await session.client.readResource({ uri });
      assert.deepEqual(JSON.parse(contents[0].text).state, { last: "Placed" });
      const then = await session.client.readResource({ uri: "chronos://main/events/1" });
      assert.equal(JSON.parse(then.contents[0].text).type, "Placed");
      const absent = session.client.readResource({ uri: "chronos://main/streams/none" });
      await assert.rejects(absent, (error) => [-32602, -32002].includes(error.code));
    });

    test("completion", async () => {
      const ref = { type: "ref/resource", uri: "chronos://{fork}/streams/{stream}" };
      const names = await session.client.complete({ ref, argument: { name: "stream", value: "ord" } });
      assert.deepEqual(names.completion.values, [stream]);
      const prompt = { type: "ref/prompt", name: "known_at" };
      const forks = await session.client.complete({ ref: prompt, argument: { name: "fork", value: "m" } });
      assert.deepEqual(forks.completion.values, ["main"]);
    });

    test("hears that a stream has grown", async () => {
      let told;
      const grown = new Promise((resolve) => (told = resolve));
      onUpdated(session.client, (notification) => told(notification.params.uri));
      let listening;
      if (kind.revision === "2026-07-28") listening = await session.client.listen({ resourceSubscriptions: [uri] });
      else await session.client.subscribeResource({ uri });
      await session.ask("append_events", event("Paid"));
      assert.equal(await grown, uri);
      if (listening) await listening.close();
      else await session.client.unsubscribeResource({ uri });
    });
  });
}

describe("over stdio", () => {
  for (const kind of kinds) checkOffer(kind, () => kind.connect(scratch("offer")));
});

describe("over HTTP", () => {
  for (const kind of httpKinds) {
    checkOffer(kind, async () => {
      const server = await startServer(scratch("offer"));
      const session = await kind.connect(server.url);
      return { ...session, close: async () => (await session.close(), server.stop()) };
    });
  }
});
