import { assertEquals } from "@std/assert";
import { Watchdog } from "../../lib/io/watchdog.ts";

/** Runs `body` with timers that only `tick` moves. */
function withTicks(body: (tick: () => void) => void): void {
  const { setInterval: realSet, clearInterval: realClear } = globalThis;
  const callbacks = new Map<number, () => void>();
  let next = 1;
  Object.assign(globalThis, {
    setInterval: (callback: () => void) => (callbacks.set(next, callback), next++),
    clearInterval: (id: number) => void callbacks.delete(id),
  });
  try {
    body(() => callbacks.forEach((callback) => callback()));
    assertEquals(callbacks.size, 0, "a timer was left");
  } finally {
    Object.assign(globalThis, { setInterval: realSet, clearInterval: realClear });
  }
}

Deno.test("silence is so many looks in a row at work that is awaited and does not go on", () => {
  withTicks((tick) => {
    let [isAwaited, progress] = [true, 0];
    const silences: number[] = [];
    using _ = new Watchdog({
      isAwaited: () => isAwaited,
      progress: () => progress,
      onSilence: (seconds) => silences.push(seconds),
    }, 3);
    const look = (times: number) => {
      for (let i = 0; i < times; i++) tick();
    };
    look(3); // the first sees where it stands
    progress++;
    look(3);
    assertEquals(silences, []);
    isAwaited = false;
    look(10);
    isAwaited = true;
    look(3);
    assertEquals(silences, []);
    look(1);
    assertEquals(silences, [3]);
    look(10);
    assertEquals(silences, [3], "it is said once");
  });
});
