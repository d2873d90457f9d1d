import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { compileModule, kernelNames, WORKER_FUNCTIONS } from "../../lib/backend/wasm/module.ts";
import { kernelCases } from "../../tasks/bench/kernel_cases.ts";
import { main } from "../../tasks/bench.ts";
import { main as profileStep } from "../../tasks/profile_step.ts";
import { capture } from "../cli/capture.ts";

Deno.test("bench says which benches there are, and each knows its flags", async () => {
  const nothing = await capture(main);
  assertEquals(nothing.code, 2);
  assertMatch(nothing.stderr, /got no bench, must be a known one\. See: deno task bench --help/);
  assertMatch((await capture(main, "walk")).stderr, /got walk, must be a known one/);
  assertMatch((await capture(main, "lerning")).stderr, /did you mean learning\?/);
  assertEquals((await capture(main, "--help")).code, 0);
  assertMatch((await capture(main, "lm", "--help")).stdout, /small +1\.32 M parameters: vocabulary\s+2048/);
  assertMatch((await capture(main, "gpu", "--help")).stdout, /doctor, bench lm, bench\s+matmul/);
  assertEquals((await capture(main, "gpu-tiles", "--runs", "0")).code, 2);
  const kept = await capture(main, "gpu", "--out", fileURLToPath(import.meta.url));
  assertEquals(kept.code, 1);
  assertMatch(kept.stderr, /bench_test\.ts.*--force/);
  for (const [bench, ...flags] of [["lm"], ["curve"], ["gpu", "--out", "/tmp/not-written.json"]]) {
    for (const [python, got] of [["/nonexistent", "no program"], ["false", "no torch"]]) {
      const { code, stdout, stderr } = await capture(main, bench, ...flags, "--torch", python);
      assertEquals([code, stdout], [1, ""]);
      assertEquals(stderr.split("\n").length, 2, stderr);
      assertMatch(
        stderr,
        new RegExp(`^error: Cannot compare with PyTorch: got ${got} from --torch ${python}, must be`),
      );
    }
  }
  const shape = await capture(main, "lm", "--shapes", "small,huge");
  assertEquals(shape.code, 2);
  assertMatch(shape.stderr, /got shape huge, must be a known one/);
});

Deno.test("bench matmul and bench kernels refuse what they cannot measure, before they measure anything", async () => {
  assertMatch((await capture(main, "matmul", "--help")).stdout, /--sizes SIZE,SIZE/);
  for (const sizes of ["0", "12x", "1x2", "1.5", "a"]) {
    const { code, stderr } = await capture(main, "matmul", "--sizes", sizes);
    assertEquals(code, 2);
    assertMatch(stderr, new RegExp(`got size ${sizes}, must be N or ROWSxIxO`));
  }
  assertMatch((await capture(main, "kernels", "--help")).stdout, /--only TEXT,TEXT/);
  const { code, stderr } = await capture(main, "kernels", "--only", "walk,run");
  assertEquals(code, 2);
  assertMatch(stderr, /got --only walk,run, must be part of a kernel's name/);
});

Deno.test("bench kernels has a case for every kernel that bench matmul leaves", async () => {
  const others = [...WORKER_FUNCTIONS, "peak_fma"];
  const cases = kernelCases();
  const names = new Set(cases.map(({ kernel }) => kernel.name));
  const left = kernelNames(await compileModule()).filter((name) =>
    !others.includes(name) && !/^linear_(forward|backward_)/.test(name)
  );
  assertEquals([...names].sort(), left.sort());
  for (const { kernel, arrays, constants } of cases) {
    assertEquals(arrays.length, kernel.inputs.length + kernel.outputs.length, kernel.name);
    assertEquals(constants.length, Object.keys(kernel.constants).length, kernel.name);
  }
});

Deno.test("bench curve knows its flags, and looks for its text before it trains", async () => {
  assertMatch((await capture(main, "curve", "--help")).stdout, /--torch PYTHON/);
  assertEquals((await capture(main, "curve")).code, 2);
  const { code, stdout, stderr } = await capture(main, "curve", "--torch", "/no/python", "--text", "/no/text");
  assertEquals([code, stdout], [1, ""]);
  assertMatch(stderr, /no such file.*Check the path/);
});

Deno.test("profile-step knows its flags", async () => {
  assertMatch((await capture(profileStep, "--help")).stdout, /--shape NAME/);
  const { code, stderr } = await capture(profileStep, "--shape", "huge");
  assertEquals(code, 2);
  assertMatch(stderr, /got --shape huge, must be a known one/);
  const workers = await capture(profileStep, "--workers", "2147483648");
  assertEquals(workers.code, 2);
  assertMatch(workers.stderr, /got --workers 2147483648, must be a whole number of at least 1 and at most 256/);
});
