import { assert } from "@std/assert";
import { stepsPerTurn } from "../../tasks/bench/lm.ts";

Deno.test("the wait that ends a turn of bench lm is less than 1 % of it, however fast the steps are", async () => {
  const wait = 0.012;
  for (const perStep of [4e-4, 0.002, 0.126, 3]) {
    let first = 2;
    const steps = (count: number) => {
      const seconds = first + count * perStep + wait;
      // What compiles at the first step must not pass for a long turn.
      first = 0;
      return Promise.resolve(seconds);
    };
    const count = await stepsPerTurn(steps, 1.25);
    assert(wait / await steps(count) < 0.01, `${count} steps of ${perStep} s`);
    assert(count <= 8192 && (count - 1) * perStep < 3, `${count} steps of ${perStep} s`);
  }
});
