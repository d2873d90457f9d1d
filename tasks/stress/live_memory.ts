// Loaded before a task whose memory is watched over a long time: says on stderr how much of it is in use.

/** How often. */
const LOOK_MS = 250;

/** There with --expose-gc. */
const { gc } = globalThis as { gc?: () => void };

const timer = setInterval(() => {
  gc?.();
  const { rss, heapUsed } = Deno.memoryUsage();
  console.error(`live memory ${heapUsed} ${rss}`);
}, LOOK_MS);
Deno.unrefTimer(timer);
