import { assertEquals, assertThrows } from "@std/assert";
import { DeviceStorage, type DType, Tensor } from "../../lib/graph/tensor.ts";

Deno.test("Tensor knows its size, rows and last dimension", () => {
  const tensor = new Tensor("x", [2, 3, 5]);
  const { size, rows, lastDim, dtype, requiresGrad } = tensor;
  assertEquals({ size, rows, lastDim, dtype, requiresGrad }, {
    size: 30,
    rows: 6,
    lastDim: 5,
    dtype: "f32",
    requiresGrad: false,
  });
  assertEquals(String(tensor), "x (2, 3, 5)");
});

Deno.test("Tensor refuses shapes that hold nothing", () => {
  for (const shape of [[], [0], [3, -1], [1.5], [NaN], [2 ** 53]]) {
    assertThrows(() => new Tensor("x", shape), RangeError, `Cannot make tensor "x": got shape (${shape.join(", ")})`);
  }
});

Deno.test("Tensor refuses types that no kernel reads", () => {
  for (const dtype of ["f64", "F32", "", null, 4]) {
    assertThrows(
      () => new Tensor("q", [4], { dtype: dtype as DType }),
      RangeError,
      `Cannot make tensor "q": got dtype ${JSON.stringify(dtype)}, must be f32, u32 or f16`,
    );
  }
  for (const dtype of ["f32", "u32", "f16", undefined] as const) {
    assertEquals(new Tensor("q", [4], { dtype }).dtype, dtype ?? "f32");
  }
});

Deno.test("Tensor can be another shape of one, whose type and place it has", () => {
  const placement = { storage: new DeviceStorage("s", 64), byteOffset: 16 };
  const x = new Tensor("x", [2, 3], { dtype: "u32", placement });
  const flat = new Tensor("flat", [6], { base: x });
  assertEquals([flat.dtype, flat.placement, flat.base === x, x.base === x], ["u32", placement, true, true]);
  assertEquals(new Tensor("tall", [6, 1], { base: flat }).base === x, true);
  const elsewhere = { storage: placement.storage, byteOffset: 32 };
  const others = [[[5], {}], [[6], { dtype: "f32" }], [[6], { placement: elsewhere }]] as const;
  for (const [shape, options] of others) {
    const problem = `Cannot make tensor y (${shape}): got base x (2, 3), must have as many elements`;
    assertThrows(() => new Tensor("y", shape, { base: x, ...options }), RangeError, problem);
  }
});

Deno.test("DeviceStorage refuses sizes that are no whole number of elements", () => {
  for (const bytes of [0, -4, 6, NaN]) {
    assertThrows(() => new DeviceStorage("s", bytes), RangeError, `Cannot make storage "s": got ${bytes} bytes`);
  }
});
