import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { schedule } from "../../lib/backend/wasm/schedule.ts";
import { copyKernel } from "../../lib/graph/copy.ts";
import type { ProgramCall } from "../../lib/graph/program.ts";
import { DeviceStorage, type View } from "../../lib/graph/tensor.ts";

const storages = [new DeviceStorage("a", 2 ** 20), new DeviceStorage("b", 2 ** 20)];

const view = (storage: number, element: number, size: number): View => (
  { storage: storages[storage], byteOffset: element * 4, size, dtype: "f32" }
);

const copyCall = (from: View, to: View): ProgramCall => ({ kernel: copyKernel, views: [from, to], constants: [1, 0] });

const BIG = 10_000;

/** Where workers meet, as a string of 0 and 1. */
const meets = (...calls: ProgramCall[]) => schedule(calls).map(({ meet }) => Number(meet)).join("");

Deno.test("schedule: workers meet where one reads what another wrote, or writes what another read or wrote", () => {
  const [a0, a1, b0, b1] = [view(0, 0, BIG), view(0, BIG, BIG), view(1, 0, BIG), view(1, BIG, BIG)];
  assertEquals(meets(copyCall(a0, b0), copyCall(a0, b1)), "00", "two read the same");
  assertEquals(meets(copyCall(a0, b0), copyCall(b0, b1)), "01", "read after write");
  assertEquals(meets(copyCall(a0, b0), copyCall(a1, a0)), "01", "write after read");
  assertEquals(meets(copyCall(a0, b0), copyCall(a1, b0)), "01", "write after write");
  assertEquals(meets(copyCall(a0, b0), copyCall(a1, b1)), "00", "parts of one storage");
  assertEquals(meets(copyCall(a0, b0), copyCall(view(1, BIG - 1, BIG), a1)), "01", "parts that overlap by one");
  assertEquals(meets(copyCall(a0, b0), copyCall(b0, b1), copyCall(a0, a1)), "010", "nothing from before the meeting");
});

Deno.test("schedule: one worker makes small calls, without meeting anyone between them", () => {
  const [a, b, c] = [view(0, 0, 100), view(1, 0, 100), view(1, 200, 100)];
  const big = copyCall(view(0, 0, BIG), view(1, 0, BIG));
  assertEquals(schedule([copyCall(a, b), big]).map(({ alone }) => alone), [true, false]);
  assertEquals(meets(copyCall(a, b), copyCall(b, c), copyCall(c, a)), "000");
  assertEquals(meets(copyCall(a, b), big, copyCall(c, a), copyCall(a, b)), "0110");
});

Deno.test("schedule: no two calls of different workers conflict without a meeting between them", () => {
  const anyView = fc.tuple(fc.nat(1), fc.nat(3), fc.constantFrom(50, BIG)).map(([storage, part, size]) =>
    view(storage, part * BIG / 2, size)
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anyView, anyView), { maxLength: 12 }), (pairs) => {
      const calls = pairs.map(([from, to]) => copyCall(from, to));
      const steps = schedule(calls);
      const touched = ({ storage, byteOffset, size }: View) =>
        Array.from({ length: size }, (_, i) => storages.indexOf(storage) * 2 ** 20 + byteOffset / 4 + i);
      let since: { reads: Set<number>; writes: Set<number>; alone: boolean }[] = [];
      calls.forEach(({ views: [from, to] }, i) => {
        if (steps[i].meet) since = [];
        const reads = touched(from);
        const writes = touched(to);
        for (const earlier of since) {
          if (earlier.alone && steps[i].alone) continue;
          assert(!reads.some((x) => earlier.writes.has(x)), `call ${i} reads too early`);
          assert(!writes.some((x) => earlier.writes.has(x) || earlier.reads.has(x)), `call ${i} writes too early`);
        }
        since.push({ reads: new Set(reads), writes: new Set(writes), alone: steps[i].alone });
      });
    }),
    { seed: 5, numRuns: 60 },
  );
});
