import { type AttentionPlan, planAttention } from "../../../kernels/native/attention_plan.ts";
import { assembleAttentionSlopes, SLOPES_PARAMETERS as SLOPES } from "../../../kernels/native/attention_slopes.ts";
import { LOG2_E } from "../../../kernels/native/exponential.ts";
import { assemblePackAcross } from "../../../kernels/native/pack_across.ts";
import { assemblePackAlong } from "../../../kernels/native/pack_along.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import { SCRATCH_BYTES } from "../wasm/layout.ts";
import { AttentionCalls } from "./attention_calls.ts";
import type { NativeKernel, WorkerTools } from "./kernel.ts";
import type { NativeFunction } from "./native_function.ts";
import { floatBits } from "./parameters.ts";

/** The code of the backward pass. */
interface BackwardCode {
  readonly packAcross: NativeFunction;
  readonly packAlong: NativeFunction;
  readonly packQueries: NativeFunction;
  readonly scores: NativeFunction;
  readonly slopes: NativeFunction;
  readonly sums: NativeFunction;
  readonly transposed: NativeFunction;
}

/**
 * attention_backward, and grouped_attention_backward without a window: see kernels/simd/attention_backward.ts. A unit is a
 * head of keys; those of queries that share it come one after the other.
 */
export const attentionBackwardKernel: NativeKernel = {
  encode({ constants, addresses }, code) {
    const { B, T, H, keyHeads = H, headDim, window = T, accumulateQuery, accumulateKey, accumulateValue } = constants;
    if (window < T) return undefined;
    const plan = planAttention({ B, T, S: T, H, keyHeads, headDim }, code.set, code.workers, SCRATCH_BYTES);
    if (plan === undefined) return undefined;
    const { packAcross, packAlong, packQueries, scores, sums, transposed, rows } = plan.shapes;
    return [
      code.addressOf(assemblePackAcross, packAcross),
      code.addressOf(assemblePackAlong, packAlong),
      code.addressOf(assemblePackAlong, packQueries),
      code.addressOf(assembleProduct, scores),
      code.addressOf(assembleAttentionSlopes, rows),
      code.addressOf(assembleProduct, sums),
      code.addressOf(assembleProduct, transposed),
      ...[B, T, H, keyHeads, headDim, accumulateQuery, accumulateKey, accumulateValue],
      ...addresses,
    ];
  },

  bind(numbers, counters, tools) {
    const [packAcross, packAlong, packQueries, scores, slopes, sums, transposed] = numbers.slice(0, 7)
      .map((address) => tools.makeFunction(BigInt(address)));
    const [B, T, H, keyHeads, headDim, ...accumulate] = numbers.slice(7, 15);
    const plan = planAttention({ B, T, S: T, H, keyHeads, headDim }, tools.set, tools.workers, SCRATCH_BYTES)!;
    const code = { packAcross, packAlong, packQueries, scores, slopes, sums, transposed };
    const run = new BackwardRun(plan, code, numbers.slice(15), accumulate.map((flag) => flag === 1), tools);
    return () => {
      tools.work.divide(counters, B * keyHeads, 1);
      while (tools.work.claim()) {
        const end = tools.work.endUnit();
        for (let keyHead = tools.work.firstUnit(); keyHead < end; keyHead++) run.compute(keyHead);
      }
    };
  },
};

/** Computes heads of a backward pass. */
class BackwardRun {
  readonly #plan: AttentionPlan;
  readonly #code: BackwardCode;
  readonly #calls: AttentionCalls;
  readonly #arrays: readonly number[];
  readonly #accumulate: readonly boolean[];

  constructor(
    plan: AttentionPlan,
    code: BackwardCode,
    arrays: readonly number[],
    accumulate: readonly boolean[],
    tools: WorkerTools,
  ) {
    this.#plan = plan;
    this.#code = code;
    this.#arrays = arrays;
    this.#accumulate = accumulate;
    this.#calls = new AttentionCalls(plan, tools.parameters, tools.scratch);
  }

  /** @param unit A head of keys among those of all sequences. */
  compute(unit: number): void {
    const { H, keyHeads } = this.#plan.sizes;
    const sharers = H / keyHeads;
    const first = Math.floor(unit / keyHeads) * H + unit % keyHeads * sharers;
    for (let sharer = 0; sharer < sharers; sharer++) this.#computeHead(first + sharer, unit, sharer > 0);
  }

  /** @param addsKeys Whether another head of queries has begun the gradients of these keys and values. */
  #computeHead(head: number, keyHead: number, addsKeys: boolean): void {
    const { sizes: { T, H, keyHeads, headDim }, blocks, queries, rowBytes, keyBytes, scratch } = this.#plan;
    const calls = this.#calls;
    const at = Math.floor(head / H) * T * rowBytes + head % H * headDim * 4;
    const keyAt = Math.floor(keyHead / keyHeads) * T * keyBytes + keyHead % keyHeads * headDim * 4;
    const [q, , , y, , dY, dQ] = this.#arrays.map((address) => address + at);
    const [, k, v, , , , , dK, dV] = this.#arrays.map((address) => address + keyAt);
    const lse = this.#arrays[4] + head * T * 4;
    const placeOf = (offset: number) => calls.scratch + offset;
    const [keysAcross, valuesAcross] = [placeOf(scratch.keysAcross), placeOf(scratch.valuesAcross)];
    const [keysAlong, queriesAlong] = [placeOf(scratch.along), placeOf(scratch.queriesAlong)];
    const [scores, slopes] = [placeOf(scratch.scores), placeOf(scratch.slopes)];
    const gradientsAlong = placeOf(scratch.gradientsAlong);
    const [addsQuery, ...adds] = this.#accumulate;
    const [addsKey, addsValue] = adds.map((isAdded) => isAdded || addsKeys);
    calls.packAcross(this.#code.packAcross, k, keysAcross, T);
    calls.packAcross(this.#code.packAcross, v, valuesAcross, T);
    calls.packBlocks(this.#code.packAlong, k, keysAlong, T);
    for (let block = 0; block + 1 < blocks.length; block++) {
      const tiles = { first: blocks[block], end: blocks[block + 1] };
      const begin = queries.rowOf(tiles.first);
      const keys = queries.rowOf(tiles.end);
      const rows = keys - begin;
      const skip = begin * rowBytes;
      calls.multiplyScores(this.#code.scores, tiles, q + skip, keysAcross, scores, keys);
      calls.multiplyScores(this.#code.scores, tiles, dY + skip, valuesAcross, slopes, keys);
      this.#differentiate(rows, begin, keys, { lse: lse + begin * 4, y: y + skip, dY: dY + skip });
      const given = { a: slopes, packed: keysAlong, c: dQ + skip, keys, packedKeys: T, accumulate: addsQuery };
      calls.multiplySums(this.#code.sums, tiles, given);
      calls.packAlong(this.#code.packQueries, q + skip, queriesAlong, rows);
      calls.packAlong(this.#code.packQueries, dY + skip, gradientsAlong, rows);
      // Keys before this block's have sums from the blocks before; of its own, it is the first to see any.
      for (
        const { first, end, isFirst } of [{ first: 0, end: tiles.first, isFirst: false }, { ...tiles, isFirst: true }]
      ) {
        const key = queries.rowOf(first);
        const part = { first, end };
        const accumulate = !isFirst;
        calls.multiplyTransposed(this.#code.transposed, part, {
          ...{ a: slopes + key * 4, packed: queriesAlong, c: dK + key * keyBytes, rows },
          accumulate: accumulate || addsKey,
        });
        calls.multiplyTransposed(this.#code.transposed, part, {
          ...{ a: scores + key * 4, packed: gradientsAlong, c: dV + key * keyBytes, rows },
          accumulate: accumulate || addsValue,
        });
      }
    }
  }

  #differentiate(
    rows: number,
    firstQuery: number,
    keys: number,
    { lse, y, dY }: { readonly lse: number; readonly y: number; readonly dY: number },
  ): void {
    const { lanes, scratch, sizes: { headDim } } = this.#plan;
    const { words, pointer } = this.#calls.parameters;
    const scale = 1 / Math.sqrt(headDim);
    words[SLOPES.scores] = this.#calls.scratch + scratch.scores;
    words[SLOPES.slopes] = this.#calls.scratch + scratch.slopes;
    words[SLOPES.rows] = rows;
    words[SLOPES.visible] = firstQuery + 1;
    words[SLOPES.most] = keys;
    words[SLOPES.columns] = Math.ceil(keys / lanes) * lanes;
    words[SLOPES.lse] = lse;
    words[SLOPES.y] = y;
    words[SLOPES.dY] = dY;
    words[SLOPES.power] = floatBits(LOG2_E * scale);
    words[SLOPES.scale] = floatBits(scale);
    words[SLOPES.lseFactor] = floatBits(-LOG2_E);
    words[SLOPES.hidden] = floatBits(-Infinity);
    this.#code.slopes(pointer);
  }
}
