import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { UserError } from "../../lib/errors.ts";
import { writeFileAtomically } from "../../lib/io/atomic.ts";
import { MetricsFollower } from "../../lib/train/metrics_follower.ts";
import { MetricsLog } from "../../lib/train/metrics_log.ts";
import { linesOf, metricsOf } from "../report/runs.ts";

async function withDirectory(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Some of them hold characters of several bytes. */
const METRICS = metricsOf(120, { samples: true });
const BYTES = new TextEncoder().encode(linesOf(METRICS));

Deno.test("a log that is cut anywhere gives its whole lines, however it grows and shrinks", async () => {
  const cut = fc.integer({ min: 0, max: BYTES.length });
  const property = fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 12 }), async (cuts) => {
    await withDirectory(async (dir) => {
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
  await withDirectory(async (dir) => {
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

Deno.test("a line that is not JSON is named, again and again, until it is gone", async () => {
  await withDirectory(async (dir) => {
    const follower = new MetricsFollower(dir);
    await writeFileAtomically(`${dir}/metrics.jsonl`, `${linesOf(METRICS.slice(0, 2))}{"step":\n`);
    for (let i = 0; i < 2; i++) await assertRejects(() => follower.poll(), UserError, "got line 3 that is not JSON");
    await writeFileAtomically(`${dir}/metrics.jsonl`, linesOf(METRICS.slice(0, 3)));
    await follower.poll();
    assertEquals(follower.metrics, METRICS.slice(0, 3));
  });
});

Deno.test("polls that run at once read each line once", async () => {
  await withDirectory(async (dir) => {
    await Deno.writeFile(`${dir}/metrics.jsonl`, BYTES);
    const follower = new MetricsFollower(dir);
    assertEquals(await Promise.all([1, 2, 3].map(() => follower.poll())), [true, false, false]);
    assertEquals(follower.metrics, METRICS);
  });
});
