import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Watchdog } from "../../lib/io/watchdog.ts";

Deno.test("silence is so many looks in a row at work that is awaited and does not go on", () => {
  using time = new FakeTime();
  let [isAwaited, progress] = [true, 0];
  const silences: number[] = [];
  using _ = new Watchdog({
    isAwaited: () => isAwaited,
    progress: () => progress,
    onSilence: (seconds) => silences.push(seconds),
  }, 3);
  const look = (times: number) => time.tick(1000 * times);
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
  assertEquals(time.next(), false, "a timer was left");
});
