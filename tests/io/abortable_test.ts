import { assertEquals, assertRejects } from "@std/assert";
import { abortable } from "../../lib/io/abortable.ts";
import { UserError } from "../../lib/errors.ts";

async function* waiting(pieces: readonly number[]): AsyncGenerator<number> {
  yield* pieces;
  await new Promise(() => {});
}

Deno.test("abortable() hands through what comes, and ends at an abort however long the source keeps it waiting", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const piece of abortable(waiting([1, 2, 3]), controller.signal)) {
      if (seen.push(piece) === 3) controller.abort(new UserError("stopped"));
    }
  })();
  await assertRejects(() => reading, UserError, "stopped");
  assertEquals(seen, [1, 2, 3]);
  async function* ending() {
    yield* [4, 5];
  }
  assertEquals(await Array.fromAsync(abortable(ending(), new AbortController().signal)), [4, 5]);
  await assertRejects(() => Array.fromAsync(abortable(ending(), controller.signal)), UserError, "stopped");
});

Deno.test("abortable() closes its source: at once when it is left, and after an abort when it comes back", async () => {
  const closed: string[] = [];
  async function* opened(name: string, wait: Promise<void>) {
    try {
      yield 1;
      await wait;
      yield 2;
    } finally {
      closed.push(name);
    }
  }
  for await (const _ of abortable(opened("left", Promise.resolve()), new AbortController().signal)) break;
  assertEquals(closed, ["left"]);
  const { promise, resolve } = Promise.withResolvers<void>();
  const controller = new AbortController();
  const pieces = abortable(opened("aborted", promise), controller.signal);
  await pieces.next();
  const waiting = pieces.next();
  controller.abort(new UserError("stopped"));
  await assertRejects(() => waiting, UserError, "stopped");
  assertEquals(closed, ["left"]);
  resolve();
  while (closed.length < 2) await Promise.resolve();
  assertEquals(closed, ["left", "aborted"]);
});
