import { attentionBackwardKeyValueSource } from "./attention_backward_key_value.ts";
import { attentionBackwardQuerySource } from "./attention_backward_query.ts";
import { attentionBackwardStatisticsSource, STATISTICS_ROWS } from "./attention_backward_statistics.ts";
import { attentionDecodeCall } from "./attention_decode.ts";
import { attentionForwardSource } from "./attention_forward.ts";
import { BLOCK, type HeadLayout, headLayout } from "./attention_source.ts";
import {
  type AttentionTile,
  type AttentionTiles,
  chooseTiles,
  type TiledHead,
  tiledHead,
  type TiledKernel,
} from "./attention_tile.ts";
import { tiledBackwardKeyValueSource } from "./attention_tiled_backward_key_value.ts";
import { tiledBackwardQuerySource } from "./attention_tiled_backward_query.ts";
import { tiledBackwardWholeSource } from "./attention_tiled_backward_whole.ts";
import { tiledForwardSource } from "./attention_tiled_forward.ts";
import type { Constants, DeviceTraits, Dispatch, WgslCall, WgslKernel } from "../dispatch.ts";

type BlockKernelName = Exclude<TiledKernel, "whole">;

/** One of the three kernels that go through blocks of scores. */
interface BlockKernel {
  readonly name: string;
  /**
   * Products of a block of scores' size that the kernel computes: each takes 2 · headDim operations for a query and a key.
   * Half of them are spared by causality in training.
   */
  readonly products: number;
  /** For any head size and device. */
  readonly source: (head: HeadLayout) => string;
  /** For the head sizes and devices that have a tile. */
  readonly tiledSource: (head: TiledHead) => string;
}

const KERNELS: Readonly<Record<BlockKernelName, BlockKernel>> = {
  forward: {
    name: "attention_forward",
    products: 2,
    source: attentionForwardSource,
    tiledSource: tiledForwardSource,
  },
  query: {
    name: "attention_backward_query",
    products: 3,
    source: attentionBackwardQuerySource,
    tiledSource: tiledBackwardQuerySource,
  },
  keyValue: {
    name: "attention_backward_key_value",
    products: 4,
    source: attentionBackwardKeyValueSource,
    tiledSource: tiledBackwardKeyValueSource,
  },
};

/** A dispatch with one workgroup for each block of own positions. */
function perBlock(kernel: BlockKernelName, constants: Constants, traits: DeviceTraits, tile?: AttentionTile): Dispatch {
  const { name, products, source, tiledSource } = KERNELS[kernel];
  const { B, T, S = T, H, headDim, keyHeads = H } = constants;
  const grouped = constants.keyHeads !== undefined;
  return {
    label: tile ? `${name} ${headDim} tiled ${tile.own}x${tile.other} by ${tile.rows} rows` : `${name} ${headDim}`,
    source: tile
      ? tiledSource(tiledHead(headDim, tile, grouped))
      : source(headLayout(headDim, !traits.software, grouped)),
    workgroups: B * (kernel === "keyValue" ? keyHeads : H) * Math.ceil(T / (tile?.own ?? BLOCK)),
    flops: 2 * headDim * products * B * H * T * (S === T ? T / 2 : S),
    divisible: true,
  };
}

export const attentionForward: WgslKernel = (constants, traits) =>
  attentionForwardCall(constants, traits, chooseTiles(constants, traits));

export const attentionBackward: WgslKernel = (constants, traits) =>
  attentionBackwardCall(constants, traits, chooseTiles(constants, traits));

/** Heads that share keys, or see only the last ones: with the constants keyHeads and window beside the others. */
export const groupedAttentionForward: WgslKernel = attentionForward;

/** One query of each sequence, whose starts differ. */
export const laneAttentionForward: WgslKernel = (constants, traits) => attentionDecodeCall(constants, traits, true);

/** The same for the backward pass, whose kernel for whole heads writes the gradients of keys that are not shared. */
export const groupedAttentionBackward: WgslKernel = (constants, traits) =>
  attentionBackwardCall(constants, traits, { ...chooseTiles(constants, traits), whole: undefined });

/** attention_forward by given tiles; without one, by the kernel for any head size and device. */
export function attentionForwardCall(constants: Constants, traits: DeviceTraits, tiles: AttentionTiles): WgslCall {
  if (constants.T === 1) return attentionDecodeCall(constants, traits);
  return { dispatches: [perBlock("forward", constants, traits, tiles.forward)] };
}

/** Where the arrays of attention_backward lie among its bindings. */
const [Q, K, V, Y, LSE, D_Y, D_Q, D_K, D_V] = Array(9).keys();

/**
 * attention_backward by given tiles. Two kernels, because a workgroup that adds to its queries' and to its keys' gradients
 * would share one of them with others. The first leaves dY·y to the second.
 */
export function attentionBackwardCall(constants: Constants, traits: DeviceTraits, tiles: AttentionTiles): WgslCall {
  if (tiles.whole) return wholeCall(constants, tiles.whole);
  const { B, T, H, keyHeads, headDim, window, accumulateQuery, accumulateKey, accumulateValue } = constants;
  const sizes = [B, T, ...keyHeads === undefined ? [H, headDim] : [H, keyHeads, headDim, window]];
  return {
    scratchBytes: 4 * B * H * T,
    dispatches: [{
      ...perBlock("query", constants, traits, tiles.query),
      reads: [Q, K, V, Y, LSE, D_Y],
      writes: [D_Q, "scratch"],
      params: [...sizes, accumulateQuery],
    }, {
      ...perBlock("keyValue", constants, traits, tiles.keyValue),
      reads: [Q, K, V, LSE, "scratch", D_Y],
      writes: [D_K, D_V],
      params: [...sizes, accumulateKey, accumulateValue],
    }],
  };
}

/**
 * attention_backward with a workgroup for each head, which shares no gradient with others: scores and their gradients are
 * computed once and not twice. Before it dY·y, because together they would bind more arrays than a kernel may.
 */
function wholeCall(constants: Constants, tile: AttentionTile): WgslCall {
  const { B, T, H, headDim } = constants;
  const head = tiledHead(headDim, tile);
  const fours = Math.ceil(T / 4);
  const sums = T > tile.own ? T * head.vectors : 0;
  return {
    scratchBytes: 16 * B * H * (2 * fours + sums),
    dispatches: [{
      label: `attention_backward_statistics ${headDim}`,
      source: attentionBackwardStatisticsSource(head),
      workgroups: Math.ceil(4 * fours * B * H / STATISTICS_ROWS),
      reads: [Y, LSE, D_Y],
      writes: ["scratch"],
      divisible: true,
    }, {
      label: `attention_backward ${headDim} tiled ${tile.own}x${tile.other} by ${tile.rows} rows, whole heads`,
      source: tiledBackwardWholeSource(head),
      workgroups: B * H,
      reads: [Q, K, V, D_Y],
      writes: [D_Q, D_K, D_V, "scratch"],
      flops: 2 * headDim * 5 * B * H * T * T / 2,
      divisible: true,
    }],
  };
}
