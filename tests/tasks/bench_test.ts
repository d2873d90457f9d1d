import { assertEquals, assertMatch } from "@std/assert";
import { main } from "../../tasks/bench.ts";
import { main as profileStep } from "../../tasks/profile_step.ts";
import { capture } from "../cli/capture.ts";

Deno.test("bench says which benches there are, and each knows its flags", async () => {
  const nothing = await capture(main);
  assertEquals(nothing.code, 2);
  assertMatch(nothing.stderr, /got nothing, must be one of .*lm/);
  assertMatch((await capture(main, "walk")).stderr, /got walk, must be one of/);
  assertEquals((await capture(main, "--help")).code, 0);
  assertMatch((await capture(main, "lm", "--help")).stdout, /small +vocabulary 2048/);
  const shape = await capture(main, "lm", "--shapes", "small,huge");
  assertEquals(shape.code, 2);
  assertMatch(shape.stderr, /got shape huge, must be one of small, medium/);
});

Deno.test("profile-step knows its flags", async () => {
  assertMatch((await capture(profileStep, "--help")).stdout, /--shape NAME/);
  const { code, stderr } = await capture(profileStep, "--shape", "huge");
  assertEquals(code, 2);
  assertMatch(stderr, /got --shape huge, must be one of small/);
});
