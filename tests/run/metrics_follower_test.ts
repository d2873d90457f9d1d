import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { MetricsFollower, readLog, readMetrics } from "../../lib/run/metrics_follower.ts";
import { lineOf, MAX_LINE_BYTES } from "../../lib/run/metrics_line.ts";
import { MetricsLog } from "../../lib/run/metrics_log.ts";
import { linesOf, metricsOf } from "../report/runs.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

/** Some of them hold characters of several bytes. */
const METRICS = metricsOf(120, { samples: true });
const BYTES = new TextEncoder().encode(linesOf(METRICS));

Deno.test("a log that is cut anywhere gives its whole lines, however it grows and shrinks", async () => {
  const cut = fc.integer({ min: 0, max: BYTES.length });
  const property = fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 12 }), async (cuts) => {
    await inTemporaryDirectory(async (dir) => {
      const follower = new MetricsFollower(dir);
      for (const end of cuts) {
        await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES.subarray(0, end));
        const before = follower.metrics.length;
        const changed = await follower.poll();
        const whole = BYTES.subarray(0, end).filter((byte) => byte === 10).length;
        assertEquals(follower.metrics, METRICS.slice(0, whole));
        // Nothing is missed: an answer of "no change" means that the same lines are there.
        if (!changed) assertEquals(follower.metrics.length, before);
        assertEquals(await follower.poll(), false);
      }
    });
  });
  await fc.assert(property, { seed: 7, numRuns: 40 });
});

Deno.test("a log that a resumed run writes anew is read anew, even when it has grown longer again", async () => {
  await inTemporaryDirectory(async (dir) => {
    const follower = new MetricsFollower(dir);
    assertEquals([await follower.poll(), follower.metrics.length], [false, 0]);
    await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES.subarray(0, BYTES.length - 5));
    assertEquals([await follower.poll(), follower.metrics.length], [true, 119]);
    const later = METRICS.map((line) => ({ ...line, seconds: line.seconds + 9 }));
    {
      using log = await MetricsLog.open(dir, 50);
      for (const line of later.slice(50)) await log.append(line);
    }
    assertEquals(await follower.poll(), true);
    assertEquals(follower.metrics, [...METRICS.slice(0, 50), ...later.slice(50)]);
    await Deno.remove(`${dir}/metrics.jsonl`);
    assertEquals([await follower.poll(), follower.metrics], [true, []]);
  });
});

Deno.test("a line that is no step's is named, again and again, until it is gone", async () => {
  await inTemporaryDirectory(async (dir) => {
    const follower = new MetricsFollower(dir);
    const [two, ...rest] = [linesOf(METRICS.slice(0, 2)), linesOf(METRICS.slice(1, 2)), '{"step":\n', "[]\n"];
    for (const faulty of rest) {
      await writeFileAtomically(`${dir}/metrics.jsonl`, `${two}\n${faulty}${linesOf(METRICS.slice(2))}`);
      // The empty line counts.
      for (let i = 0; i < 2; i++) await assertRejects(() => follower.poll(), UserError, "metrics.jsonl, line 4: got ");
      assertEquals(follower.metrics.length % METRICS.length, 0);
    }
    await writeFileAtomically(`${dir}/metrics.jsonl`, `${two}\n${linesOf(METRICS.slice(2, 3))}`);
    assertEquals(await follower.poll(), true);
    assertEquals(follower.metrics, METRICS.slice(0, 3));
  });
});

Deno.test("a divergence ends a log, at the last step or after it; a log that goes on from before has none", async () => {
  await inTemporaryDirectory(async (dir) => {
    const follower = new MetricsFollower(dir);
    const path = `${dir}/metrics.jsonl`;
    for (const step of [4, 5, 9]) {
      const divergence = { step, diverged: "Got NaN" };
      await Deno.writeTextFile(path, linesOf(METRICS.slice(0, 5)));
      await follower.poll();
      assertEquals(follower.log, { metrics: METRICS.slice(0, 5) });
      await Deno.writeTextFile(path, lineOf(divergence), { append: true });
      assertEquals([await follower.poll(), await follower.poll()], [true, false]);
      assertEquals(follower.log, { metrics: METRICS.slice(0, 5), divergence });
      for (const after of [METRICS[10], divergence]) {
        await Deno.writeTextFile(path, linesOf(METRICS.slice(0, 5)) + lineOf(divergence) + lineOf(after));
        await assertRejects(() => readLog(dir), UserError, "got a line after the one that records a divergence");
      }
      (await MetricsLog.open(dir, 5))[Symbol.dispose]();
      await follower.poll();
      assertEquals(follower.log, { metrics: METRICS.slice(0, 5) });
    }
    await Deno.writeTextFile(path, linesOf(METRICS.slice(0, 5)) + lineOf({ step: 3, diverged: "Got NaN" }));
    await assertRejects(() => readLog(dir), UserError, 'got "step":3 after "step":4');
  });
});

Deno.test("polls at the same time are as polls one after another, and leave alone what was handed out", async () => {
  await inTemporaryDirectory(async (dir) => {
    const follower = new MetricsFollower(dir);
    await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES.subarray(0, 1000));
    assertEquals((await Promise.all(Array.from({ length: 8 }, () => follower.poll()))).filter(Boolean).length, 1);
    const early = follower.metrics;
    const { length } = early;
    await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES);
    assertEquals((await Promise.all(Array.from({ length: 8 }, () => follower.poll()))).filter(Boolean).length, 1);
    assertEquals(follower.metrics, METRICS);
    assertEquals(early.length, length);
    // One that fails is one poll's alone.
    await Deno.writeTextFile(`${dir}/metrics.jsonl`, "[]\n", { append: true });
    const failing = follower.poll();
    const after = follower.poll().catch((error) => error);
    await assertRejects(() => failing, UserError);
    assertEquals(await after instanceof UserError, true);
    await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES);
    assertEquals([await follower.poll(), follower.metrics.length], [false, METRICS.length]);
  });
});

Deno.test("a line is read up to its limit, wherever the reads of the file cut it, and refused beyond", async () => {
  await inTemporaryDirectory(async (dir) => {
    const lineOfSize = (bytes: number, step: number) => {
      const empty = linesOf([{ ...METRICS[0], step, sample: "" }]);
      return linesOf([{
        ...METRICS[0],
        step,
        sample: "é".repeat((bytes - empty.length) >> 1) + "x".repeat((bytes - empty.length) & 1),
      }]);
    };
    const sizes = [MAX_LINE_BYTES, 3000, MAX_LINE_BYTES - 1, MAX_LINE_BYTES, 200, MAX_LINE_BYTES];
    const text = sizes.map(lineOfSize).join("");
    await Deno.writeTextFile(`${dir}/metrics.jsonl`, text);
    const metrics = await readMetrics(dir);
    const samples = text.trimEnd().split("\n").map((line) => JSON.parse(line).sample);
    // Not compared by assertEquals, which would print them.
    assertEquals(metrics.map(({ step, sample }) => sample === samples[step]), sizes.map(() => true));
    await Deno.writeTextFile(`${dir}/metrics.jsonl`, lineOfSize(MAX_LINE_BYTES + 1, sizes.length), { append: true });
    await assertRejects(
      () => readMetrics(dir),
      UserError,
      `line ${sizes.length + 1}: got a line of more than 1048576 bytes`,
    );
    // Also one that has no end yet, of which no more is read than tells that it is too long.
    await Deno.truncate(`${dir}/metrics.jsonl`, 0);
    {
      using file = await Deno.open(`${dir}/metrics.jsonl`, { write: true });
      await file.truncate(2 ** 40);
    }
    await assertRejects(() => readMetrics(dir), UserError, "line 1: got a line of more than 1048576 bytes");
  });
});

Deno.test("a resumed run's log keeps the lines before its checkpoint byte by byte, and drops others whatever they hold", async () => {
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom("no JSON\n", "[]\n", "\n\n", linesOf(METRICS.slice(3, 9))).map((text) =>
      new TextEncoder().encode(text)
    ),
  );
  const property = fc.asyncProperty(fc.integer({ min: 0, max: 20 }), junk, async (step, junk) => {
    await inTemporaryDirectory(async (dir) => {
      // A field of somebody's own stays too.
      const kept = METRICS.slice(0, step).map((line) => `${JSON.stringify({ mine: [1], ...line })}\n`).join("");
      const bytes = new Blob([kept, junk]);
      await Deno.writeFile(`${dir}/metrics.jsonl`, bytes.stream());
      {
        using log = await MetricsLog.open(dir, step);
        assertEquals(await Deno.readTextFile(`${dir}/metrics.jsonl`), kept);
        await log.append(METRICS[step]);
      }
      assertEquals(await readMetrics(dir), METRICS.slice(0, step + 1));
    });
  });
  await fc.assert(property, { seed: 3, numRuns: 40 });
});

Deno.test("a log with a faulty line before the checkpoint is refused and stays as it was", async () => {
  await inTemporaryDirectory(async (dir) => {
    const text = `${linesOf(METRICS.slice(0, 5))}no JSON\n${linesOf(METRICS.slice(5))}`;
    await Deno.writeTextFile(`${dir}/metrics.jsonl`, text);
    for (const step of [6, 20]) {
      await assertRejects(() => MetricsLog.open(dir, step), UserError, "line 6: got text that is not JSON");
    }
    assertEquals(await Deno.readTextFile(`${dir}/metrics.jsonl`), text);
    (await MetricsLog.open(dir, 5))[Symbol.dispose]();
    assertEquals(await readMetrics(dir), METRICS.slice(0, 5));
  });
});
