// Damage to files: to bytes, and to the values of JSON, so that what a checksum or a parser would stop gets further too.
import { Buffer } from "node:buffer";
import type { Random } from "./campaign.ts";

/** Values that a field of JSON may be given: of every kind, and at the edges. Numbers are texts, since JSON has more. */
const VALUES = [
  "null",
  "true",
  "false",
  "-1",
  "0",
  "-0",
  "1",
  "1.5",
  "255",
  "256",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "1e308",
  "1e400",
  "-1e400",
  '""',
  '"x"',
  '"NaN"',
  '"__proto__"',
  '"\\u0000"',
  '"\\ud800"',
  '"<img src=x onerror=alert(1)>"',
  `"${"y".repeat(5000)}"`,
  "[]",
  "[null]",
  "[[[]]]",
  "{}",
  '{"a":1}',
  `${"[".repeat(2000)}${"]".repeat(2000)}`,
];

/** A number that stands for a value of `VALUES` until the JSON is written. */
const marker = (index: number) => `@@value ${index}@@`;

/** Changes some bytes: flips, cuts, doublings, insertions, runs of one byte. */
export function mutateBytes(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  let mutated = bytes.slice();
  for (let i = 0; i <= random.below(3); i++) {
    const at = placeIn(mutated.length, random);
    const length = 1 + random.below(16);
    const kind = random.below(6);
    if (kind === 0 && mutated.length > 0) mutated[at] ^= 1 << random.below(8);
    else if (kind === 1) mutated = mutated.slice(0, at);
    else if (kind === 2) mutated = joined(mutated.subarray(0, at), mutated.subarray(at + length));
    else if (kind === 3) mutated = joined(mutated.subarray(0, at + length), mutated.subarray(at));
    else if (kind === 4) mutated = joined(mutated.subarray(0, at), random.bytes(length), mutated.subarray(at));
    else mutated.fill(random.below(256), at, at + length);
  }
  return mutated;
}

/** Changes one or two values of JSON text, or takes fields away. Text that is no JSON is changed as bytes. */
export function mutateJson(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  let root: unknown;
  try {
    root = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return mutateBytes(bytes, random);
  }
  for (let i = 0; i <= random.below(2); i++) root = changed(root, random);
  const text = JSON.stringify(root, null, random.below(2) * 2) ?? "null";
  return new TextEncoder().encode(text.replace(/"@@value (\d+)@@"/g, (_, index: string) => VALUES[Number(index)]));
}

/** Changes the value itself, or one within it. */
function changed(value: unknown, random: Random): unknown {
  const isContainer = typeof value === "object" && value !== null;
  const keys = isContainer ? Object.keys(value) : [];
  if (keys.length === 0 || random.below(8) === 0) return marker(random.below(VALUES.length));
  const container = value as Record<string, unknown>;
  const key = random.pick(keys);
  const kind = random.below(10);
  if (kind === 0 && Array.isArray(value)) value.splice(Number(key), 1);
  else if (kind === 0) delete container[key];
  else if (kind === 1 && Array.isArray(value)) value.push(value[Number(key)]);
  else if (kind === 1) container[`${key} `] = container[key];
  else container[key] = changed(container[key], random);
  return value;
}

/** A place in so many bytes; at the beginning, where headers are, as often as elsewhere. */
function placeIn(length: number, random: Random): number {
  return random.below(Math.max(1, random.below(2) === 0 ? length : Math.min(length, 256)));
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
