import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { IdleWatch } from "../../../lib/corpus/download/idle_watch.ts";

Deno.test("a download is idle when nothing came for so long, however long it took until then", () => {
  using time = new FakeTime();
  using watch = new IdleWatch(60_000);
  for (let i = 0; i < 10; i++) {
    time.tick(59_000);
    watch.touch();
  }
  assertEquals(watch.signal.aborted, false);
  time.tick(60_000);
  assertEquals(watch.signal.reason.message, "no data for 60 s");
});

Deno.test("a download that has ended leaves no timer", () => {
  using time = new FakeTime();
  new IdleWatch(60_000)[Symbol.dispose]();
  assertEquals(time.next(), false);
});
