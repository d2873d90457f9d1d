import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { lineOf, MAX_LINE_BYTES, parseLine } from "../../lib/run/metrics_line.ts";
import { metricsOf } from "../report/runs.ts";

const SOURCE = { name: "metrics.jsonl, line 1", nextStep: "Restore it" };
const parse = (text: string | Uint8Array) =>
  parseLine(typeof text === "string" ? new TextEncoder().encode(text) : text, SOURCE);

const [LINE] = metricsOf(1);

Deno.test("what is written of a step is read again, NaN, infinities and any sample among it, and is one line of JSON", () => {
  const any = fc.double();
  const known = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
  const metrics = fc.record({
    step: fc.nat(),
    loss: any,
    gradNorm: any,
    lr: known,
    tokensPerSecond: any,
    seconds: fc.double({ min: 0, max: 1e10, noNaN: true }),
    skipped: fc.constant(true as const),
    validLoss: any,
    sample: fc.string({ unit: fc.constantFrom(...'a\0\n\r"\\é\u2028', "\u{10ffff}", "\ud800") }),
  }, { requiredKeys: ["step", "loss", "gradNorm", "lr", "tokensPerSecond", "seconds"] });
  fc.assert(
    fc.property(metrics, (line) => {
      const text = lineOf(line);
      assertEquals(text.indexOf("\n"), text.length - 1);
      // JSON has no negative zero that JSON.stringify would write.
      const positive = Object.fromEntries(Object.entries(line).map(([key, value]) => [key, value === 0 ? 0 : value]));
      assertEquals<unknown>(parse(text), positive);
      for (const [key, value] of Object.entries(JSON.parse(text))) assertEquals(value === null, false, key);
    }),
    { seed: 2 },
  );
});

Deno.test("NaN and infinities are texts that other programs read as such; null, as they were written once, is NaN", () => {
  const text = lineOf({ ...LINE, loss: NaN, gradNorm: Infinity, validLoss: -Infinity });
  const { loss, gradNorm, validLoss } = JSON.parse(text);
  assertEquals([loss, gradNorm, validLoss], ["NaN", "Infinity", "-Infinity"]);
  assertEquals(parse(JSON.stringify({ ...LINE, loss: NaN, validLoss: NaN })), { ...LINE, loss: NaN, validLoss: NaN });
});

Deno.test("a field that is not what it is to be is refused by its name; others are passed over", () => {
  for (
    const [key, value] of [
      ["step", "<img src=x onerror=alert(1)>"],
      ["step", -1],
      ["step", 1e15],
      ["step", 0.5],
      ["step", null],
      ["loss", "5"],
      ["loss", "nan"],
      ["gradNorm", [1]],
      ["lr", null],
      ["lr", "NaN"],
      ["lr", -1],
      ["tokensPerSecond", {}],
      ["seconds", -1],
      ["seconds", null],
      ["skipped", "true"],
      ["validLoss", true],
      ["sample", 1],
      ["sample", null],
      ["diverged", 0],
    ]
  ) {
    const error = assertThrows(() => parse(JSON.stringify({ ...LINE, [key as string]: value })), UserError);
    assertStringIncludes(
      error.message,
      `Cannot read metrics.jsonl, line 1: got "${key}" ${JSON.stringify(value)}, must be `,
    );
  }
  for (const key of Object.keys(LINE)) {
    const { [key as keyof typeof LINE]: _, ...rest } = LINE;
    assertThrows(() => parse(JSON.stringify(rest)), UserError, `got no "${key}"`);
  }
  assertEquals(parse(JSON.stringify({ ...LINE, mine: "<b>" })), LINE);
  assertThrows(() => parse(Uint8Array.of(0x7b, 0xff, 0x7d)), UserError, "got bytes that are not UTF-8");
});

Deno.test("a line of the longest sample can be read, whatever characters it holds", () => {
  for (const character of ["\0", "\ud800", "\u{10ffff}", "é", '"']) {
    const text = lineOf({ ...LINE, sample: character.repeat(1_000_000) });
    const { length } = new TextEncoder().encode(text);
    assertEquals(lineOf({ step: 0, diverged: character.repeat(1_000_000) }).length <= MAX_LINE_BYTES, true);
    assertEquals(length <= MAX_LINE_BYTES, true, `${JSON.stringify(character)}: ${length} bytes`);
    const entry = parse(text);
    assertStringIncludes("sample" in entry ? entry.sample!.slice(-5) : "", "…");
  }
});
