// The tiled attention kernels that a real GPU would get, on whatever adapter there is.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { attentionBackwardCall, attentionForwardCall } from "../../kernels/wgsl/attention/attention.ts";
import {
  type AttentionTile,
  attentionTileBytes,
  type AttentionTiles,
  chooseTiles,
  tiledHead,
} from "../../kernels/wgsl/attention/attention_tile.ts";
import { tiledBackwardWholeSource } from "../../kernels/wgsl/attention/attention_tiled_backward_whole.ts";
import type { WgslKernel } from "../../kernels/wgsl/dispatch.ts";
import { createWebGpuBackend } from "../../lib/backend/webgpu.ts";
import { attentionBackward, attentionForward } from "../../lib/ops/attention.ts";
import { selfTest } from "../../lib/self_test/self_test.ts";
import { probeAt } from "../../lib/self_test/self_test_probes.ts";
import { assertClose } from "../harness/assert_close.ts";
import { attentionTolerances, cachedAttention, randomAttention } from "../harness/attention_case.ts";
import { reference } from "../harness/backends.ts";
import { gpuTest, halfTest } from "../harness/gpu.ts";
import { runGraph } from "../harness/graph_run.ts";
import { assertOpAccumulates, assertOpIsDeterministic, assertOpMatchesReference } from "../harness/op_case.ts";

/** The test's float64 oracle is shared by the whole file, so it is opened before any test counts its resources. */
await reference();

const LARGE = { software: false, maxWorkgroupBytes: 49152, maxInvocations: 1024, maxBindingBytes: 2 ** 31 - 4 };
const MEDIUM = { ...LARGE, maxWorkgroupBytes: 32768 };
const SMALL = { ...LARGE, maxWorkgroupBytes: 16384, maxInvocations: 256 };

/** So many heads that each gets a workgroup, or so few that their blocks are shared out. */
const MANY = { B: 64, H: 8 };
const FEW = { B: 2, H: 3 };

/** Attention by given tiles. */
function by(tiles: AttentionTiles): ReadonlyMap<string, WgslKernel> {
  return new Map<string, WgslKernel>([
    ["attention_forward", (constants, traits) => attentionForwardCall(constants, traits, tiles)],
    ["attention_backward", (constants, traits) => attentionBackwardCall(constants, traits, tiles)],
  ]);
}

/** The same tile for all kernels that share out blocks. */
const all = (tile: AttentionTile): AttentionTiles => ({ forward: tile, query: tile, keyValue: tile });

/** Backward with a workgroup for each head, and forward in any way. */
const whole = (tile: AttentionTile): AttentionTiles => ({ ...all(tile), whole: tile });

/** Each head size with the tiles of a device, and each form of tile: all that are chosen anywhere, and those beside them. */
const CASES: readonly { readonly name: string; readonly headDim: number; readonly tiles: AttentionTiles }[] = [
  ...[4, 32, 64].map((headDim) => ({
    name: "as a large GPU would",
    headDim,
    tiles: chooseTiles({ ...FEW, headDim }, LARGE),
  })),
  { name: "as a GPU of 32 KiB would", headDim: 32, tiles: chooseTiles({ ...FEW, headDim: 32 }, MEDIUM) },
  { name: "as a large GPU would many heads", headDim: 32, tiles: chooseTiles({ ...MANY, headDim: 32 }, LARGE) },
  ...[64, 96].map((headDim) => ({
    name: "32 x 32",
    headDim,
    tiles: all({ own: 32, other: 32, rows: 4, staged: 16 }),
  })),
  { name: "64 x 32, whole heads", headDim: 32, tiles: whole({ own: 64, other: 32, rows: 4, staged: 8 }) },
  { name: "32 x 32, whole heads", headDim: 20, tiles: whole({ own: 32, other: 32, rows: 4, staged: 8 }) },
  { name: "64 x 32", headDim: 32, tiles: all({ own: 64, other: 32, rows: 4, staged: 8 }) },
  { name: "32 x 64", headDim: 32, tiles: all({ own: 32, other: 64, rows: 4, staged: 8 }) },
  { name: "64 x 64 by 8 rows", headDim: 8, tiles: all({ own: 64, other: 64, rows: 8, staged: 8 }) },
  { name: "64 x 32 in two chunks", headDim: 40, tiles: all({ own: 64, other: 32, rows: 4, staged: 8 }) },
];

for (const { name, headDim, tiles } of CASES) {
  gpuTest(`attention of head size ${headDim} tiled ${name} equals the reference`, async () => {
    assert(Object.values(tiles).some((tile) => tile !== undefined), "not tiled");
    await using backend = await createWebGpuBackend({ kernels: by(tiles), kernelsForHardware: true });
    for (const T of [1, 2, 37, 63, 64, 65, 127, 129]) {
      const op = randomAttention([2, T, 3, headDim]);
      await assertOpMatchesReference(backend, op, attentionTolerances(op));
    }
    const op = randomAttention([1, 97, 2, headDim]);
    await assertOpAccumulates(backend, op, attentionTolerances(op));
    await assertOpIsDeterministic(backend, op);
    for (const [B, T, S, start] of [[2, 3, 200, 100], [1, 33, 100, 31], [1, 65, 130, 65], [2, 70, 71, 0]]) {
      const { build, tolerance } = cachedAttention(B, T, S, 2, headDim, start);
      const expected = await runGraph(await reference(), build);
      assertClose(
        (await runGraph(backend, build)).y,
        expected.y,
        { absolute: tolerance },
        `${T} of ${S} from ${start}`,
      );
    }
  });
}

for (const [headDim, heads] of [[32, FEW], [32, MANY], [64, FEW]] as const) {
  const count = heads.B * heads.H;
  halfTest(`attention of ${count} heads of size ${headDim} tiled equals the reference in f16`, async () => {
    await using backend = await createWebGpuBackend({ kernels: by(chooseTiles({ ...heads, headDim }, LARGE)) });
    const probes = [65, 130].flatMap((T) => [
      probeAt(attentionForward, { B: 2, T, S: T, H: 2, headDim }),
      probeAt(attentionBackward, { B: 2, T, H: 2, headDim }),
    ]);
    assertEquals(await selfTest(backend, await reference(), { probes, precision: "f16" }), []);
  });
}

Deno.test("a real GPU gets tiles that fit it, and the kernels for any head size where none does", () => {
  const sizes = [4, 20, 32, 48, 64, 80, 96, 128];
  for (const traits of [LARGE, MEDIUM, SMALL]) {
    for (const headDim of sizes) {
      for (const [kernel, tile] of Object.entries(chooseTiles({ ...MANY, headDim }, traits))) {
        if (tile === undefined) continue;
        const bytes = attentionTileBytes(kernel as keyof AttentionTiles, headDim, tile);
        assert(bytes <= traits.maxWorkgroupBytes, `${kernel} ${headDim}: ${bytes}`);
      }
    }
  }
  const tiled = (kernel: keyof AttentionTiles) =>
    sizes.filter((headDim) => chooseTiles({ ...MANY, headDim }, LARGE)[kernel] !== undefined);
  // As far as they were faster on a GPU.
  assertEquals(tiled("forward"), [4, 20, 32, 48, 64]);
  for (const kernel of ["query", "keyValue", "whole"] as const) assertEquals(tiled(kernel), [4, 20, 32]);
  assertEquals(chooseTiles({ ...FEW, headDim: 32 }, LARGE).whole, undefined);
  const none = { forward: undefined, query: undefined, keyValue: undefined, whole: undefined };
  for (const headDim of [6, 31, 132, 256]) assertEquals(chooseTiles({ ...MANY, headDim }, LARGE), none);
  assertEquals(chooseTiles({ ...MANY, headDim: 64 }, { ...LARGE, software: true }), none);
  assertEquals(chooseTiles({ ...MANY, headDim: 32 }, SMALL).keyValue, undefined);
});

Deno.test("a tile that does not come out even is refused", () => {
  const tile = { own: 64, other: 64, rows: 4, staged: 8 };
  const wrong: [number, Partial<AttentionTile>, string][] = [
    [30, {}, "multiple of 4"],
    [32, { own: 48 }, "own 32 or 64"],
    [32, { other: 16 }, "other 32 or 64"],
    [32, { own: 32, rows: 8 }, "rows 4"],
    [32, { staged: 4 }, "staged a multiple of 8"],
  ];
  for (const [headDim, change, message] of wrong) {
    assertThrows(() => tiledHead(headDim, { ...tile, ...change }), RangeError, message);
  }
  assertThrows(() => tiledBackwardWholeSource(tiledHead(32, { ...tile, own: 32 })), RangeError, "multiple of other");
});

Deno.test("heads get a workgroup each in the backward pass where there are many of them", () => {
  const sizes = { T: 256, headDim: 32, accumulateQuery: 0, accumulateKey: 0, accumulateValue: 0 };
  const workgroups = (heads: typeof FEW) => {
    const { dispatches } = attentionBackwardCall(
      { ...heads, ...sizes },
      LARGE,
      chooseTiles({ ...heads, ...sizes }, LARGE),
    );
    return dispatches.map(({ workgroups }) => workgroups);
  };
  assertEquals(workgroups(FEW), [2 * 3 * 4, 2 * 3 * 4]);
  assertEquals(workgroups(MANY), [64 * 8 * 256 / 32, 64 * 8]);
});
