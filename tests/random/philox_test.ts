import { assertEquals } from "@std/assert";
import { Philox, philox4x32 } from "../../lib/random/philox.ts";

// The known answers that the paper's authors publish with their library (Random123, kat_vectors).
const KNOWN = [
  { counter: [0, 0, 0, 0], key: [0, 0], result: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    result: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    result: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

Deno.test("philox4x32 gives the published answers", () => {
  for (const { counter, key, result } of KNOWN) {
    const block = Uint32Array.from(counter);
    philox4x32(block, key[0], key[1]);
    assertEquals([...block], result);
  }
});

Deno.test("Philox: a number depends on seed, stream and index alone, and on each of them", () => {
  const forward = Array.from({ length: 8 }, (_, i) => new Philox(5, 1).uniform(i));
  const random = new Philox(5, 1);
  const backward = Array.from({ length: 8 }, (_, i) => random.uniform(7 - i)).reverse();
  assertEquals(forward, backward);
  const all = [...forward, new Philox(6, 1).uniform(0), new Philox(5, 2).uniform(0), random.uniform(2 ** 32)];
  assertEquals(new Set(all).size, all.length);
});

Deno.test("Philox: uniform numbers fill [0, 1) evenly", () => {
  const random = new Philox(123, 0);
  const n = 64_000;
  const bins = new Uint32Array(64);
  for (let i = 0; i < n; i++) bins[Math.floor(random.uniform(i) * bins.length)]++;
  const expected = n / bins.length;
  const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 63 degrees of freedom: below 110 with probability 0.9998.
  assertEquals(chiSquare < 110, true, `chi-square ${chiSquare}`);
});

Deno.test("Philox: truncated normals stay within the cutoff and have the truncated distribution's variance", () => {
  const random = new Philox(99, 0);
  const n = 100_000;
  let sum = 0, squares = 0, largest = 0;
  for (let i = 0; i < n; i++) {
    const x = random.truncatedNormal(i, 3);
    sum += x;
    squares += x * x;
    largest = Math.max(largest, Math.abs(x));
  }
  // Variance of a normal cut at ±c: 1 − 2 c φ(c) / (2 Φ(c) − 1); for c = 3 that is 0.97334.
  const variance = squares / n - (sum / n) ** 2;
  assertEquals(largest <= 3, true);
  assertEquals(Math.abs(sum / n) < 5 / Math.sqrt(n), true, `mean ${sum / n}`);
  assertEquals(Math.abs(variance - 0.97334) < 0.02, true, `variance ${variance}`);
});
