import { assertEquals, assertRejects } from "@std/assert";
import { SegmentQueue } from "../../lib/io/segment_queue.ts";
import { workOnSegments } from "../../lib/io/segment_work.ts";

/** A worker that takes the next segment and then never does anything again. */
const HANGS = `
  self.onmessage = ({ data: { queue } }) => {
    Atomics.add(new BigInt64Array(queue, 0, 1), 0, 1n);
    self.postMessage({ kind: "report" });
    for (;;);
  };
`;

const ENDS_WITHOUT_A_WORD = `self.onmessage = () => { throw new Error("out of luck"); };`;

const urlOf = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);

/** This thread's part: takes a segment when the worker has one, and needs to know where its output starts. */
function* waiting(queue: SegmentQueue, isTaken: () => boolean): Generator<number | undefined> {
  while (!isTaken()) yield undefined;
  const segment = queue.take();
  while (!queue.isStartKnown(segment)) yield segment;
}

Deno.test("a signal ends work whose worker hangs, also while this thread waits for its segment", async () => {
  const queue = new SegmentQueue(3);
  const controller = new AbortController();
  let isTaken = false;
  const work = workOnSegments({
    queue,
    own: waiting(queue, () => isTaken),
    workerUrl: urlOf(HANGS),
    job: { queue: queue.buffer },
    numThreads: 2,
    onReport: () => {
      isTaken = true;
      // Once this thread waits.
      setTimeout(() => controller.abort(new Error("Ctrl-C")));
    },
    onProgress: () => {},
    signal: controller.signal,
  });
  await assertRejects(() => work, Error, "Ctrl-C");
});

Deno.test("a signal ends work that only a hanging worker still has to do", async () => {
  const queue = new SegmentQueue(1);
  const controller = new AbortController();
  const work = workOnSegments({
    queue,
    own: [],
    workerUrl: urlOf(HANGS),
    job: { queue: queue.buffer },
    numThreads: 2,
    onReport: () => controller.abort(new Error("Ctrl-C")),
    onProgress: () => {},
    signal: controller.signal,
  });
  await assertRejects(() => work, Error, "Ctrl-C");
});

Deno.test("a worker that dies ends the work, also while this thread waits for a segment that it had", async () => {
  const queue = new SegmentQueue(3);
  assertEquals(queue.take(), 0); // by the worker, so to say
  const work = workOnSegments({
    queue,
    own: waiting(queue, () => true),
    workerUrl: urlOf(ENDS_WITHOUT_A_WORD),
    job: {},
    numThreads: 2,
    onReport: () => {},
    onProgress: () => {},
  });
  await assertRejects(() => work, Error, "A worker ended: Uncaught Error: out of luck");
});
