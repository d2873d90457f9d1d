import { assertEquals, assertRejects } from "@std/assert";
import { answerOf } from "../../lib/backend/webgpu/answer.ts";
import { GpuError } from "../../lib/backend/webgpu/gpu_error.ts";

Deno.test("what a device answers comes through, and so does why it fails", async () => {
  assertEquals(await answerOf(Promise.resolve(7), "a read"), 7);
  await assertRejects(() => answerOf(Promise.reject(new TypeError("lost")), "a read"), TypeError, "lost");
});

Deno.test("a device that does not answer is given up, and what it was asked for is named", async () => {
  const never = new Promise<never>(() => {});
  await assertRejects(() => answerOf(never, "a read", 1), GpuError, "got no answer to a read for 1 seconds");
});
