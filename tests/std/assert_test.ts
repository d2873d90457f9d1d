// The stand-ins for jsr:@std/assert must fail where the published functions fail: all other tests lean on them.
import {
  assert,
  assertEquals,
  AssertionError,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";

/** Checked by hand, since the functions under test cannot vouch for themselves. */
function mustFail(check: () => void, message: string): void {
  let error: unknown;
  try {
    check();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof AssertionError)) throw new Error(`expected an AssertionError, got ${error}`);
  if (!error.message.includes(message)) throw new Error(`expected "${message}" in "${error.message}"`);
}

async function mustReject(check: () => Promise<unknown>, message: string): Promise<void> {
  let error: unknown;
  await check().catch((thrown) => error = thrown);
  mustFail(() => {
    if (error !== undefined) throw error;
  }, message);
}

const boom = () => {
  throw new RangeError("boom at 3");
};

Deno.test("assert() fails on what is not truthy", () => {
  assert(1);
  for (const value of [0, "", null, undefined, NaN, false]) mustFail(() => assert(value, "why"), "why");
});

Deno.test("assertEquals() compares deeply, and by type", () => {
  assertEquals({ a: [1, NaN], b: new Map([["x", Uint8Array.of(1)]]) }, {
    a: [1, NaN],
    b: new Map([["x", Uint8Array.of(1)]]),
  });
  mustFail(() => assertEquals({ a: [1] }, { a: [2] }, "why"), "why");
  mustFail(() => assertEquals<unknown>([1], [1, undefined]), "");
  mustFail(() => assertEquals<unknown>(Uint8Array.of(1), Uint16Array.of(1)), "");
  mustFail(() => assertEquals<unknown>(1, "1"), "");
  mustFail(() => assertEquals(new Set([1]), new Set([2])), "");
});

Deno.test("assertEquals() of large values fails as fast as it passes", () => {
  const large = Array.from({ length: 200_000 }, (_, i) => i);
  mustFail(() => assertEquals(large.map((value) => -value), large, "why"), "why");
  mustFail(() => assertEquals("a".repeat(1e6), "b".repeat(1e6)), "Values are not equal");
});

Deno.test("assertStringIncludes() and assertMatch() quote what they looked for", () => {
  assertStringIncludes("abc", "bc");
  assertMatch("abc", /b.$/);
  mustFail(() => assertStringIncludes("abc", "cb"), '"cb"');
  mustFail(() => assertMatch("abc", /b$/), "/b$/");
});

Deno.test("assertThrows() fails when nothing is thrown, or another class or message", () => {
  assertEquals(assertThrows(boom, RangeError, "at 3").message, "boom at 3");
  assertThrows(boom, Error);
  mustFail(() => assertThrows(() => {}, Error, "", "why"), "why");
  mustFail(() => assertThrows(boom, TypeError), "TypeError");
  mustFail(() => assertThrows(boom, RangeError, "at 4"), "at 4");
});

Deno.test("assertRejects() fails when the promise resolves, or rejects with another class or message", async () => {
  const rejected = () => Promise.reject(new RangeError("boom at 3"));
  assertEquals((await assertRejects(rejected, RangeError, "at 3")).message, "boom at 3");
  await mustReject(() => assertRejects(() => Promise.resolve(), Error, "", "why"), "why");
  await mustReject(() => assertRejects(boom, RangeError), "throws when expected to reject");
  await mustReject(() => assertRejects(rejected, TypeError), "TypeError");
  await mustReject(() => assertRejects(rejected, RangeError, "at 4"), "at 4");
});
