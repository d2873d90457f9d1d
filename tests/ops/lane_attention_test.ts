// Attention of sequences that are at different positions.
import { assertThrows } from "@std/assert";
import { Graph } from "../../lib/graph/graph.ts";
import { Tensor } from "../../lib/graph/tensor.ts";
import { attention } from "../../lib/ops/attention.ts";
import { assertClose } from "../harness/assert_close.ts";
import { probabilityError } from "../harness/attention_case.ts";
import { forEachDevice, reference } from "../harness/backends.ts";
import { runGraph } from "../harness/graph_run.ts";
import { Random } from "../harness/random.ts";
import { largest } from "../harness/tolerance.ts";

/** What keys and values hold where no query may look: any weight but 0 would show. */
const HUGE = 2 ** 60;

forEachDevice("attention of one query each, at its own position, is that of each sequence alone", async (backend) => {
  const sizes = [
    [2, 1, 1, 1, 2, 1],
    [2, 5, 1, 1, 2, 5],
    [3, 64, 4, 2, 6, 64],
    [3, 65, 3, 3, 31, 65],
    [5, 130, 6, 2, 64, 130],
    [4, 131, 4, 1, 32, 7],
    [17, 257, 2, 2, 7, 64],
  ];
  for (const [B, S, H, keyHeads, headDim, slidingWindow] of sizes) {
    const random = new Random(B + S);
    const start = random.integers(B, S);
    start[0] = S - 1;
    start[B - 1] = 0;
    const q = random.normal(B * H * headDim);
    const width = keyHeads * headDim;
    const [k, v] = [0, 1].map(() => {
      const rows = random.normal(B * S * width);
      for (let b = 0; b < B; b++) rows.fill(HUGE, (b * S + start[b] + 1) * width, (b + 1) * S * width);
      return rows;
    });
    const run = async (on: typeof backend, first: number, count: number) => {
      const part = (x: Float32Array<ArrayBuffer>, size: number) => x.slice(first * size, (first + count) * size);
      const { y } = await runGraph(on, (trace) => ({
        y: attention(
          trace.graph,
          trace.input("q", [count, 1, H * headDim], part(q, H * headDim)),
          trace.input("k", [count, S, width], part(k, S * width)),
          trace.input("v", [count, S, width], part(v, S * width)),
          H,
          trace.input("start", [count], start.slice(first, first + count)),
          { numKeyValueHeads: keyHeads, slidingWindow },
        ),
      }));
      return y;
    };
    const seen = (x: Float32Array) => x.filter((value) => value !== HUGE);
    const absolute = probabilityError(q, seen(k), headDim, S) * largest(seen(v));
    const together = await run(backend, 0, B);
    for (let b = 0; b < B; b++) {
      const alone = await run(await reference(), b, 1);
      const own = together.slice(b * H * headDim, (b + 1) * H * headDim);
      assertClose(own, alone, { absolute }, `sequence ${b} of ${B} at ${start[b]} of ${S}`);
    }
  }
});

Deno.test("attention refuses positions that are not one of each sequence, and several queries with them", () => {
  const of = (T: number, starts: number) => () => {
    const graph = new Graph();
    const heads = (name: string, rows: number) => new Tensor(name, [2, rows, 4]);
    return attention(
      graph,
      heads("q", T),
      heads("k", 5),
      heads("v", 5),
      2,
      graph.input("start", [starts], { dtype: "u32" }),
    );
  };
  assertThrows(of(1, 3), RangeError, "must have shape (1), or (2) for one of each sequence");
  assertThrows(of(2, 2), RangeError, "2 queries of each sequence, must have one query each");
});
