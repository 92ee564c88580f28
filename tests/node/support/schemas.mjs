// What every client we know accepts of a tool's schemas, and validation that does not depend on the client under test.
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: false, allErrors: true });

export const toolNames = [
  "describe_store",
  "append_events",
  "query_events",
  "get_state",
  "compare",
  "search_events",
  "trace_events",
  "create_fork",
  "list_forks",
  "merge_fork",
  "discard_fork",
  "verify_history",
  "guide",
];

// Root combinators make one client drop the tool silently and another API refuse the request; references are not
// resolved by a third.
export function checkPortable(tool) {
  assert.match(tool.name, /^[A-Za-z0-9_-]{1,30}$/);
  assert.ok(tool.description.length > 40 && tool.description.length < 2048, `${tool.name}: description length`);
  assert.match(tool.description, /^[\x20-\x7e\n]*$/, `${tool.name}: the description is plain ASCII`);
  for (const schema of [tool.inputSchema, tool.outputSchema]) {
    assert.equal(schema.type, "object");
    for (const word of ["oneOf", "anyOf", "allOf", "if", "not"]) assert.ok(!(word in schema), `${tool.name}: root ${word}`);
    const text = JSON.stringify(schema);
    assert.ok(!/"\$(ref|defs)"|"prefixItems"/.test(text), `${tool.name}: no references, no tuples`);
  }
  assert.ok(JSON.stringify(tool.inputSchema).length <= 5120, `${tool.name}: input schema of at most 5 KB`);
  for (const [name, property] of Object.entries(tool.inputSchema.properties ?? {})) {
    assert.ok(property.description, `${tool.name}.${name} has a description`);
    assert.ok(property.type || property.anyOf || property.oneOf || property.enum, `${tool.name}.${name} has a type`);
  }
  assert.equal(typeof tool.annotations.readOnlyHint, "boolean");
  assert.equal(typeof tool.annotations.destructiveHint, "boolean");
  assert.equal(tool.annotations.openWorldHint, false);
}

const compiled = new Map();
export function validate(schema, value, what) {
  if (!compiled.has(schema)) compiled.set(schema, ajv.compile(schema));
  const check = compiled.get(schema);
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(value).slice(0, 400)}`);
}
