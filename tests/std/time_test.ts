import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakeTime, TimeError } from "@std/testing/time";

Deno.test("time that is faked moves when it is told to, and calls what is due, in order", () => {
  using time = new FakeTime(1000);
  const seen: string[] = [];
  const note = (what: string) => void seen.push(`${what} ${Date.now() - time.start}`);
  setTimeout(note, 20, "late");
  setTimeout(note, 10, "first");
  setTimeout(note, 10, "second");
  clearTimeout(setTimeout(note, 5, "cleared"));
  const id = setInterval(() => {
    note("each");
    if (time.now > 1020) clearInterval(id);
  }, 7);
  time.tick(9);
  assertEquals(seen, ["each 7"]);
  time.tick(21);
  assertEquals(seen, ["each 7", "first 10", "second 10", "each 14", "late 20", "each 21"]);
  assertEquals([time.now, time.next()], [1030, false]);
  setTimeout(note, 4, "next");
  assert(time.next());
  assertEquals(seen.at(-1), "next 34");
  assertThrows(() => time.now = 0, RangeError, "in the past");
});

Deno.test("dates are of the time that is faked, and are dates", () => {
  const real = Date;
  {
    using time = new FakeTime("2026-01-02T03:04:05Z");
    time.tick(1000);
    assertEquals(new Date().toISOString(), "2026-01-02T03:04:06.000Z");
    assertEquals(new Date(0).getTime(), 0);
    assert(new Date() instanceof Date && new Date() instanceof real);
    assertEquals(Date.UTC(1970, 0), 0);
    assertThrows(() => new FakeTime(), TimeError, "already faked");
  }
  assertEquals(Date, real);
  assertThrows(() => new FakeTime("no date"), TypeError, "invalid start time");
});

Deno.test("what waits for time goes on once it has passed", async () => {
  using time = new FakeTime();
  let isOver = false;
  const work = (async () => {
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    isOver = true;
  })();
  const signal = AbortSignal.timeout(90_000);
  await time.tickAsync(60_000);
  await time.runMicrotasks();
  assertEquals([isOver, signal.aborted], [true, false]);
  await work;
  time.tick(30_000);
  assertEquals(signal.reason.name, "TimeoutError");
});
