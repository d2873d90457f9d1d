import { type AttentionPlan, planAttention } from "../../../kernels/native/attention_plan.ts";
import {
  assembleAttentionSoftmax,
  assembleDivideRows,
  DIVIDE_PARAMETERS as DIVIDE,
  SOFTMAX_PARAMETERS as SOFTMAX,
  STATE_BYTES,
} from "../../../kernels/native/attention_softmax.ts";
import { LOG2_E } from "../../../kernels/native/exponential.ts";
import { assemblePackAcross } from "../../../kernels/native/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/pack_along.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import { share } from "../../../kernels/native/tiling.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import { AttentionCalls } from "./attention_calls.ts";
import type { NativeKernel, WorkerTools } from "./kernel.ts";
import type { NativeFunction } from "./native_function.ts";
import { floatBits } from "./parameters.ts";

/** The code of the forward pass. */
interface ForwardCode {
  readonly packAcross: NativeFunction;
  readonly packAlong: NativeFunction;
  readonly scores: NativeFunction;
  readonly softmax: NativeFunction;
  readonly sums: NativeFunction;
  readonly divide: NativeFunction;
}

/**
 * attention_forward, and grouped_attention_forward without a window: see kernels/simd/attention_forward.ts. A unit is a
 * group of queries of one head.
 */
export const attentionForwardKernel: NativeKernel = {
  encode({ constants, addresses }, code) {
    const { B, T, S, H, keyHeads = H, headDim, window = S } = constants;
    if (window < S) return undefined;
    const plan = planAttention({ B, T, S, H, keyHeads, headDim }, code.set, code.workers, SCRATCH_BYTES);
    if (plan === undefined) return undefined;
    const { packAcross, packAlong, scores, sums, rows: { pitch, rowBytes } } = plan.shapes;
    return [
      code.addressOf(assemblePackAcross, packAcross),
      code.addressOf(assemblePackAlong, packAlong),
      code.addressOf(assembleProduct, scores),
      code.addressOf(assembleAttentionSoftmax, { pitch }),
      code.addressOf(assembleProduct, sums),
      code.addressOf(assembleDivideRows, { rowBytes, headDim }),
      ...[B, T, S, H, keyHeads, headDim],
      ...addresses,
    ];
  },

  bind(numbers, counters, tools) {
    const [packAcross, packAlong, scores, softmax, sums, divide] = numbers.slice(0, 6)
      .map((address) => tools.makeFunction(BigInt(address)));
    const [B, T, S, H, keyHeads, headDim, ...arrays] = numbers.slice(6);
    const plan = planAttention({ B, T, S, H, keyHeads, headDim }, tools.set, tools.workers, SCRATCH_BYTES)!;
    const run = new ForwardRun(plan, { packAcross, packAlong, scores, softmax, sums, divide }, arrays, tools);
    return () => {
      run.begin();
      tools.work.divide(counters, B * H * plan.groups, 1);
      while (tools.work.claim()) {
        const end = tools.work.endUnit();
        for (let unit = tools.work.firstUnit(); unit < end; unit++) run.compute(unit);
      }
    };
  },
};

/** Computes units of a forward pass. */
class ForwardRun {
  readonly #plan: AttentionPlan;
  readonly #code: ForwardCode;
  readonly #calls: AttentionCalls;
  readonly #arrays: readonly number[];
  readonly #states: Float32Array;
  readonly #lse: Float32Array;
  readonly #start: Uint32Array;
  readonly #power: number;
  #position = 0;

  constructor(plan: AttentionPlan, code: ForwardCode, arrays: readonly number[], tools: WorkerTools) {
    const { B, T, H, headDim } = plan.sizes;
    const { buffer } = tools.memory;
    this.#plan = plan;
    this.#code = code;
    this.#arrays = arrays;
    this.#calls = new AttentionCalls(plan, tools.parameters, tools.scratch);
    const stateBytes = plan.scratch.scores - plan.scratch.states;
    this.#states = new Float32Array(buffer, tools.scratch + plan.scratch.states, stateBytes / 4);
    this.#start = new Uint32Array(buffer, arrays[3], 1);
    this.#lse = new Float32Array(buffer, arrays[5], B * H * T);
    this.#power = floatBits(LOG2_E / Math.sqrt(headDim));
  }

  /** Reads where the queries are among the keys. */
  begin(): void {
    const { S, T } = this.#plan.sizes;
    this.#position = Math.min(this.#start[0], S - T);
  }

  compute(unit: number): void {
    const { sizes: { T, S, H, keyHeads, headDim }, groups, blocks, queries, rowBytes, keyBytes, scratch } = this.#plan;
    const calls = this.#calls;
    const head = Math.floor(unit / groups);
    const [b, h] = [Math.floor(head / H), head % H];
    const queryAt = b * T * rowBytes + h * headDim * 4;
    const keyAt = b * S * keyBytes + Math.floor(h / (H / keyHeads)) * headDim * 4;
    const blockCount = blocks.length - 1;
    const [firstBlock, endBlock] = [unit % groups, unit % groups + 1].map((part) => share(blockCount, part, groups));
    const seen = this.#position + queries.rowOf(blocks[endBlock]);
    const packedKeys = calls.scratch + scratch.keysAcross;
    const packedValues = calls.scratch + scratch.along;
    calls.packAcross(this.#code.packAcross, this.#arrays[1] + keyAt, packedKeys, seen);
    calls.packBlocks(this.#code.packAlong, this.#arrays[2] + keyAt, packedValues, seen);
    for (let block = firstBlock; block < endBlock; block++) {
      const tiles = { first: blocks[block], end: blocks[block + 1] };
      const begin = queries.rowOf(tiles.first);
      const rows = queries.rowOf(tiles.end) - begin;
      const keys = this.#position + begin + rows;
      const at = queryAt + begin * rowBytes;
      const scores = calls.scratch + scratch.scores;
      calls.multiplyScores(this.#code.scores, tiles, this.#arrays[0] + at, packedKeys, scores, keys);
      this.#softmax(rows, begin, keys);
      const c = this.#arrays[4] + at;
      const given = { a: scores, packed: packedValues, c, keys, packedKeys: seen, accumulate: false };
      calls.multiplySums(this.#code.sums, tiles, given);
      this.#divide(c, rows, head * T + begin);
    }
  }

  #softmax(rows: number, firstQuery: number, keys: number): void {
    const { lanes, scratch } = this.#plan;
    const { words, pointer } = this.#calls.parameters;
    words[SOFTMAX.scores] = this.#calls.scratch + scratch.scores;
    words[SOFTMAX.rows] = rows;
    words[SOFTMAX.visible] = this.#position + firstQuery + 1;
    words[SOFTMAX.most] = keys;
    words[SOFTMAX.columns] = Math.ceil(keys / lanes) * lanes;
    words[SOFTMAX.states] = this.#calls.scratch + scratch.states;
    words[SOFTMAX.power] = this.#power;
    words[SOFTMAX.hidden] = floatBits(-Infinity);
    this.#code.softmax(pointer);
  }

  /** Divides sums by the softmax's denominators, and notes those. */
  #divide(values: number, rows: number, at: number): void {
    const { words, pointer } = this.#calls.parameters;
    words[DIVIDE.values] = values;
    words[DIVIDE.rows] = rows;
    words[DIVIDE.states] = this.#calls.scratch + this.#plan.scratch.states;
    words[DIVIDE.one] = floatBits(1);
    this.#code.divide(pointer);
    for (let i = 0; i < rows; i++) {
      const state = i * STATE_BYTES / 4;
      this.#lse[at + i] = this.#states[state] * Math.LN2 + Math.log(this.#states[state + 1]);
    }
  }
}
