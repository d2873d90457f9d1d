import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import {
  bestResult,
  readResult,
  readResults,
  type SweepResult,
  sweepTable,
  writeResults,
} from "../../lib/run/sweep_results.ts";
import { lineOf } from "../../lib/run/metrics_line.ts";
import { makeRun, metricsOf } from "../report/runs.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const loss = fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity));
const status = fc.constantFrom("waiting", "stopped", "finished", "diverged");

const results = fc.array(
  fc.record({
    status,
    steps: fc.nat(),
    seconds: loss,
    loss,
    validLoss: loss,
    lowestValidLoss: loss,
    problem: fc.string(),
  }, {
    requiredKeys: ["status", "steps"],
  }),
  { maxLength: 8 },
).map((all) =>
  all.map((result, i): SweepResult => ({
    ...result,
    name: `lr-${i}`,
    settings: { lr: String(i) },
    status: result.status as "waiting",
  }))
);

Deno.test("what a sweep writes it reads again, NaN and infinities among it", async () => {
  await inTemporaryDirectory(async (dir) => {
    assertEquals(await readResults(dir), []);
    await fc.assert(
      fc.asyncProperty(results, async (results) => {
        const zero = (value: unknown) => value === 0 ? 0 : value;
        await writeResults(dir, results);
        const expected = results.map((result) =>
          Object.fromEntries(Object.entries(result).map(([key, value]) => [key, zero(value)]))
        );
        assertEquals<unknown>(await readResults(dir), expected);
      }),
      { seed: 6, numRuns: 50 },
    );
  });
});

Deno.test("the best is a finished run than which no other has a lower loss, and never one of NaN", () => {
  fc.assert(
    fc.property(results, (results) => {
      const measured = results.filter(({ status }) => status === "finished").map((result) =>
        [result, result.lowestValidLoss ?? result.validLoss ?? result.loss ?? NaN] as const
      ).filter(([, loss]) => loss > -Infinity && loss < Infinity);
      const best = bestResult(results);
      assertEquals(best, measured.toSorted(([, a], [, b]) => a - b)[0]?.[0]);
      const marks = sweepTable(results).slice(1).map((row) => row.at(-1));
      assertEquals(marks, results.map((result) => result === best ? "*" : ""));
    }),
    { seed: 7 },
  );
});

Deno.test("a run's result is told from a log that is empty, has NaN in it, or ends in a divergence", async () => {
  await inTemporaryDirectory(async (dir) => {
    const point = { name: "lr-1", settings: { lr: "1" } };
    const metrics = metricsOf(40);
    await makeRun(dir, []);
    assertEquals(await readResult(dir, point, "stopped"), { ...point, status: "stopped", steps: 0 });
    await makeRun(dir, metrics.map((line) => line.step === 19 ? { ...line, validLoss: NaN } : line));
    assertEquals((await readResult(dir, point, "finished")).lowestValidLoss, metrics[39].validLoss);
    await makeRun(dir, metrics);
    await Deno.writeTextFile(`${dir}/metrics.jsonl`, lineOf({ step: 39, diverged: "Got NaN" }), { append: true });
    const { steps, loss } = await readResult(dir, point, "diverged");
    assertEquals([steps, Number.isFinite(loss)], [40, true]);
  });
});

Deno.test("a sweep.json that was edited or damaged is refused in one line that names the field", async () => {
  await inTemporaryDirectory(async (dir) => {
    const run = { name: "lr-1", settings: { lr: "1" }, status: "finished", steps: 3, loss: 1 };
    for (
      const [text, got] of [
        ["", "got text that is not JSON"],
        ["null", "got null"],
        ["[]", "got []"],
        ["{}", 'got no "runs"'],
        ['{"runs":{}}', '"runs" {}'],
        ['{"runs":[null]}', '"runs[0]" null'],
        [JSON.stringify({ runs: [{ ...run, status: "<img>" }] }), '"runs[0].status" "<img>"'],
        [JSON.stringify({ runs: [{ ...run, settings: { lr: 1 } }] }), '"runs[0].settings.lr" 1'],
        [JSON.stringify({ runs: [{ ...run, loss: "low" }] }), '"runs[0].loss" "low"'],
        [JSON.stringify({ runs: [{ ...run, steps: -1 }] }), '"runs[0].steps" -1'],
        [JSON.stringify({ runs: [{ ...run, problem: "\u001b[2J" }] }), '"runs[0].problem" "\\u001b[2J"'],
        [JSON.stringify({ runs: [{ ...run, mine: 1 }] }), '"runs[0].mine"'],
      ]
    ) {
      await Deno.writeTextFile(`${dir}/sweep.json`, text);
      const { message } = await assertRejects(() => readResults(dir), UserError);
      assertStringIncludes(message, got);
      assertStringIncludes(message, `Cannot read ${dir}/sweep.json: got `);
    }
  });
});
