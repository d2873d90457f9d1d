// Files that were damaged or edited: read, or refused in one line, and never anything else.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { readLog } from "../../lib/run/metrics_follower.ts";
import { lineOf } from "../../lib/run/metrics_line.ts";
import { reportHtml } from "../../lib/report/report.ts";
import { readResults, writeResults } from "../../lib/run/sweep_results.ts";
import { describeRun } from "../../tasks/report/describe_run.ts";
import { CONFIG, linesOf, metricsOf } from "./runs.ts";

const encoder = new TextEncoder();

const LOG = linesOf(metricsOf(24, { samples: true })) +
  lineOf({ step: 24, diverged: "Training stopped: loss NaN" });

/** More of them than a test has time for: BYTELM_FUZZ_RUNS=10000. */
const numRuns = Number(Deno.env.get("BYTELM_FUZZ_RUNS") ?? 150);

/** What tends to be where a value was. */
const VALUES = [
  "null",
  "-1",
  "1e999",
  "1e308",
  "0.5",
  '"x"',
  '"NaN"',
  "{}",
  "[]",
  "true",
  '"\\u0000"',
  "",
  "\n",
  "}",
  ",",
  '{"step":0}',
];

/** A change somewhere: bytes turned, taken away, put in, said twice; or a value in another's place. */
function damaged(text: string): fc.Arbitrary<Uint8Array> {
  const bytes = encoder.encode(text);
  const at = fc.nat(bytes.length - 1);
  const spliced = fc.tuple(at, fc.nat(40), fc.uint8Array({ maxLength: 10 })).map(([at, length, put]) =>
    concat(bytes.subarray(0, at), put, bytes.subarray(at + length))
  );
  const repeated = fc.tuple(at, fc.nat(400)).map(([at, length]) =>
    concat(bytes.subarray(0, at + length), bytes.subarray(at))
  );
  const values = [...text.matchAll(/(?<=[:[,]\s*)(?:"[^"]*"|[-\w.]+)/g)];
  const replaced = fc.tuple(fc.constantFrom(...values), fc.constantFrom(...VALUES)).map((
    [{ 0: value, index }, other],
  ) => encoder.encode(text.slice(0, index) + other + text.slice(index + value.length)));
  return fc.oneof(spliced, repeated, replaced, replaced);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function readOrRefuse<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    assert(error instanceof UserError, error instanceof Error ? error.stack : String(error));
    assert(!error.message.includes("\n") && error.message.length < 500, error.message);
    return undefined;
  }
}

Deno.test("damaged metrics are refused in one line, or shown in order", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await fc.assert(
      fc.asyncProperty(damaged(LOG), async (bytes) => {
        await Deno.writeFile(`${dir}/metrics.jsonl`, bytes);
        const log = await readOrRefuse(() => readLog(dir));
        if (log === undefined) return;
        const record = { config: CONFIG, hasEnded: false };
        const run = describeRun(dir, record, log);
        assert(!/undefined|\[object/.test(run.summary! + JSON.stringify(run.facts)), run.summary);
        reportHtml([run, run], { script: "", style: "" });
        const steps = log.metrics.map(({ step }) => step);
        assertEquals(steps, [...new Set(steps)].sort((a, b) => a - b));
      }),
      { seed: 8, numRuns },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a damaged sweep.json is refused in one line, or is as a sweep's", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const settings = { lr: "1e-3" };
    await writeResults(dir, [
      { name: "lr-1", settings, status: "finished", steps: 9, seconds: 1.5, loss: 3.25, validLoss: NaN },
      { name: "lr-2", settings, status: "diverged", steps: 2, problem: "Training stopped: loss NaN" },
    ]);
    const text = await Deno.readTextFile(`${dir}/sweep.json`);
    await fc.assert(
      fc.asyncProperty(damaged(text), async (bytes) => {
        await Deno.writeFile(`${dir}/sweep.json`, bytes);
        const results = await readOrRefuse(() => readResults(dir));
        if (results) await writeResults(dir, results);
      }),
      { seed: 9, numRuns },
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
