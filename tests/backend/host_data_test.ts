import { assertEquals, assertThrows } from "@std/assert";
import type { HostArray } from "../../lib/backend/backend.ts";
import { copy } from "../../lib/graph/copy.ts";
import { Graph } from "../../lib/graph/graph.ts";
import { plan } from "../../lib/graph/plan.ts";
import { wholeOf } from "../../lib/graph/program.ts";
import { DeviceStorage, Tensor } from "../../lib/graph/tensor.ts";
import { forEachBackend, reference } from "../harness/backends.ts";

await reference();

forEachBackend(
  "an array of another type than the view's, or of none, is refused and changes nothing",
  async (backend) => {
    const placed = (name: string) => {
      const storage = new DeviceStorage(name, 16);
      return new Tensor(name, [4], { placement: { storage, byteOffset: 0 } });
    };
    const [x, y] = [placed("x"), placed("y")];
    const graph = new Graph();
    copy(graph, x, y, false);
    await backend.load(plan(graph));
    const { storage } = x.placement!;
    try {
      const floats = wholeOf(storage), integers = wholeOf(storage, "u32");
      backend.write(floats, Float32Array.of(1, 2, 3, 4));
      const others: readonly [got: string, data: unknown][] = [
        ["Array", [7, 8, 9, 10]],
        ["Float64Array", Float64Array.of(7, 8, 9, 10)],
        ["Int32Array", Int32Array.of(7, 8, 9, 10)],
        ["Object", { length: 4 }],
        ["Undefined", undefined],
      ];
      for (const [got, data] of [...others, ["Uint32Array", Uint32Array.of(7, 8, 9, 10)] as const]) {
        const says = `Cannot write to "x": got ${got}, must be a Float32Array`;
        assertThrows(() => backend.write(floats, data as HostArray), TypeError, says);
      }
      // The bound of an integer is no way around it.
      const bounded = { ...integers, indices: [{ name: "ids", first: 0, size: 4, below: 100 }] };
      for (const [got, data] of [...others, ["Float32Array", Float32Array.of(7, 8, 9, 10)] as const]) {
        const says = `Cannot write to "x": got ${got}, must be a Uint32Array`;
        for (const view of [integers, bounded]) {
          assertThrows(() => backend.write(view, data as HostArray), TypeError, says);
        }
      }
      assertEquals(await backend.read(floats), Float32Array.of(1, 2, 3, 4));
      backend.write(integers, Uint32Array.of(0x3f800000, 0, 0, 0x40000000));
      assertEquals(await backend.read(floats), Float32Array.of(1, 0, 0, 2));
    } finally {
      for (const tensor of [x, y]) backend.release(tensor.placement!.storage);
    }
  },
);
