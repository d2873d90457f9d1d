// How attention of one head is cut: into blocks of queries, which fit the caches with all of their scores.
import type { HeadShape, ScoresShape } from "./attention_softmax.ts";
import { STATE_BYTES } from "./attention_softmax.ts";
import type { InstructionSet } from "./instruction_set.ts";
import type { PackingShape } from "./packing.ts";
import { copyBytes, MAX_DEPTH, type ProductShape } from "./product_shape.ts";
import { shares, Tiling } from "./tiling.ts";

/** Sizes as lib/ops/attention.ts has them. */
export interface AttentionSizes {
  readonly B: number;
  /** Queries. */
  readonly T: number;
  /** Keys. */
  readonly S: number;
  readonly H: number;
  /** Heads of keys, each of which some heads of queries share. */
  readonly keyHeads: number;
  readonly headDim: number;
}

/** Rows of queries in a block, at most, about: a block's scores fit a second-level cache. */
const BLOCK_ROWS = 56;

/** Queries up to which WebAssembly attends to each by itself: see kernels/simd/attention_single.ts. */
const MAX_SINGLE = 3;

/** Where things lie in a worker's scratch memory, from its start. */
export interface AttentionScratch {
  readonly copy: number;
  readonly states: number;
  readonly scores: number;
  readonly keysAcross: number;
  /** Values in the forward pass, keys in the backward pass. */
  readonly along: number;
  /** These only in the backward pass: the slopes, values, and a block's queries and upstream gradients. */
  readonly slopes: number;
  readonly valuesAcross: number;
  readonly queriesAlong: number;
  readonly gradientsAlong: number;
}

/** Attention, cut. */
export interface AttentionPlan {
  readonly sizes: AttentionSizes;
  /** From one row to the next: of queries, and of keys and values. */
  readonly rowBytes: number;
  readonly keyBytes: number;
  readonly panelColumns: number;
  readonly lanes: number;
  readonly queries: Tiling;
  /** The first tile of each block of queries, and the end. */
  readonly blocks: readonly number[];
  /** Into how many parts, of whole blocks, the queries of a head are shared out. */
  readonly groups: number;
  /** Where blocks of keys begin that are one product's depth, and the end. */
  readonly depths: readonly number[];
  readonly shapes: {
    /** Queries by keys; and weights by values, or slopes by keys; and either, transposed, by queries. */
    readonly scores: ProductShape;
    readonly sums: ProductShape;
    readonly transposed: ProductShape;
    /** Of keys and values. */
    readonly packAcross: PackingShape;
    readonly packAlong: PackingShape;
    readonly packQueries: PackingShape;
    readonly rows: ScoresShape & HeadShape;
  };
  readonly scratch: AttentionScratch;
}

/**
 * Cuts attention. Neither the groups nor the blocks make any difference to a query's bits; gradients of keys are summed by
 * blocks of queries.
 * @returns `undefined` where WebAssembly has a better way, or the scratch memory does not suffice.
 */
export function planAttention(
  sizes: AttentionSizes,
  set: InstructionSet,
  workers: number,
  scratchBytes: number,
): AttentionPlan | undefined {
  const { B, T, S, H, keyHeads, headDim } = sizes;
  if (T <= MAX_SINGLE || headDim > MAX_DEPTH) return undefined;
  const rowBytes = H * headDim * 4;
  const keyBytes = keyHeads * headDim * 4;
  const panelColumns = 2 * set.lanes;
  const keyPanels = Math.ceil(S / panelColumns);
  // Rows one below the other are no power of two apart, which would put them into the same places of a cache.
  const pitch = keyPanels * panelColumns * 4 + 64;
  if (Math.max(pitch, rowBytes) * panelColumns >= 2 ** 31) return undefined;
  const queries = new Tiling(T, set);
  const blockCount = Math.ceil(T / BLOCK_ROWS);
  const blocks = shares(queries.tiles, blockCount);
  const blockRows = set.tileRows * Math.ceil(queries.tiles / blockCount);
  const depthCount = Math.ceil(S / MAX_DEPTH);
  const headColumns = Math.ceil(headDim / set.lanes) * set.lanes;
  const [across, along] = [keyPanels * panelColumns * headDim * 4, S * headColumns * 4];
  const { scratch, end } = layOut({
    copy: Math.max(copyBytes(set, "across", 1, MAX_DEPTH), copyBytes(set, "along", queries.tiles, blockRows)),
    states: blockRows * STATE_BYTES,
    scores: blockRows * pitch,
    keysAcross: across,
    along,
    slopes: blockRows * pitch,
    valuesAcross: across,
    queriesAlong: blockRows * headColumns * 4,
    gradientsAlong: blockRows * headColumns * 4,
  });
  if (end > scratchBytes) return undefined;
  const [keyEdge, headEdge] = [S % panelColumns, headDim % panelColumns];
  const { heights } = queries;
  return {
    sizes,
    rowBytes,
    keyBytes,
    panelColumns,
    lanes: set.lanes,
    queries,
    blocks,
    groups: Math.min(blockCount, Math.ceil(4 * workers / (B * H))),
    depths: shares(S, depthCount),
    shapes: {
      scores: { layoutOfA: "across", aRowBytes: rowBytes, cRowBytes: pitch, heights, edge: keyEdge },
      sums: { layoutOfA: "across", aRowBytes: pitch, cRowBytes: rowBytes, heights, edge: headEdge },
      transposed: { layoutOfA: "along", aRowBytes: pitch, cRowBytes: keyBytes, heights, edge: headEdge },
      packAcross: { rowBytes: keyBytes, edge: keyEdge },
      packAlong: { rowBytes: keyBytes, edge: headEdge },
      packQueries: { rowBytes, edge: headEdge },
      rows: { pitch, rowBytes, headDim },
    },
    scratch,
  };
}

/** One after the other, each at the start of a page. */
function layOut(bytes: AttentionScratch): { scratch: AttentionScratch; end: number } {
  let end = 0;
  const place = (size: number) => {
    const start = end;
    end += Math.ceil(size / 4096) * 4096;
    return start;
  };
  const scratch = {
    copy: place(bytes.copy),
    states: place(bytes.states),
    scores: place(bytes.scores),
    keysAcross: place(bytes.keysAcross),
    along: place(bytes.along),
    slopes: place(bytes.slopes),
    valuesAcross: place(bytes.valuesAcross),
    queriesAlong: place(bytes.queriesAlong),
    gradientsAlong: place(bytes.gradientsAlong),
  };
  return { scratch, end };
}
