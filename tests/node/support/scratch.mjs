// Scratch directories that go when the test process does, and a seeded source of chance.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = [];
process.on("exit", () => made.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

export function scratch(name) {
  const directory = mkdtempSync(join(tmpdir(), `chronos-${name}-`));
  made.push(directory);
  return directory;
}

// CHRONOS_SEED repeats a run.
export const seed = Number(process.env.CHRONOS_SEED ?? Date.now() % 1_000_000_007);

// mulberry32: integers below `bound`, the same for the same seed.
export function dice(from = seed) {
  let state = from >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % bound;
  };
}
