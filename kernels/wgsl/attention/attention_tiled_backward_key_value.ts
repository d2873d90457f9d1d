import { attentionConstants, endQuery, forSharers, inWindow, orBehindWindow } from "./attention_groups.ts";
import {
  addProducts,
  addWeighted,
  declareScores,
  declareSums,
  maskScores,
  otherRow,
  scoreAt,
  scoresOf,
  writeSums,
} from "./attention_tiled_products.ts";
import { placement, tiledSource, whereSeen } from "./attention_tiled_source.ts";
import { stage, stageOther, stageOwn } from "./attention_tiled_staging.ts";
import { ACROSS, type TiledHead } from "./attention_tile.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/**
 * Statements that add to dK and dV what a block of queries, from `first_query` on, gives the own keys.
 * @param statistics Statements that fill `other_lse`, times LOG2E, and `other_delta`.
 */
export function keyValueBlock(head: TiledHead, statistics: readonly string[]): string[] {
  const queries = { from: "first_query", end: "params.T", size: "params.T" };
  const [firstChunk, ...otherChunks] = head.chunks;
  const ofQuery = (name: string, j: number) => `${name}[tx + ${ACROSS * (j >> 2)}u].${LANES[j & 3]}`;
  const seen = (statements: readonly string[]) => whereSeen(head, "first_query + OTHER > first_row", statements);
  return [
    "workgroupBarrier();",
    ...statistics,
    ...stage(head, "other", "q", { rows: head.other, chunk: firstChunk, at: queries }),
    "workgroupBarrier();",
    // The sums begin with what would be taken off them at their end.
    ...declareScores(head, "score", (_, j) => `vec4f(-${ofQuery("other_lse", j)})`),
    ...seen(addProducts(head, "score", "own_k", firstChunk)),
    ...otherChunks.flatMap((chunk) => [
      ...stageOther(head, "q", chunk, queries),
      ...seen(addProducts(head, "score", "own_k", chunk)),
    ]),
    ...seen([
      ...maskScores(
        head,
        "score",
        orBehindWindow(
          head,
          "first_query < first_row + SPAN || first_query + OTHER > params.T",
          "first_query + OTHER - 1u",
          "first_row",
        ),
        (g, j) => {
          const query = `vec4u(first_query + ${otherRow(j)})`;
          const seen = `(own${g} <= ${query}) & (${query} < vec4u(params.T))`;
          return inWindow(head, seen, query, `own${g}`, "vec4u(params.window)");
        },
      ),
      ...scoresOf(head).map((score) => `${scoreAt(head, score)} = exp2(score${score.g}_${score.j});`),
    ]),
    ...head.chunks.flatMap((chunk) => [
      ...stageOther(head, "dY", chunk, queries),
      ...seen(addWeighted(head, "dV", chunk)),
      // Not before: they would take registers meanwhile.
      ...chunk === firstChunk ? declareScores(head, "d_score", (_, j) => `vec4f(-${ofQuery("other_delta", j)})`) : [],
      ...seen(addProducts(head, "d_score", "own_v", chunk)),
    ]),
    "workgroupBarrier();",
    // Each invocation turns the probabilities that it wrote into the scores' gradients.
    ...seen(
      scoresOf(head).map((score) =>
        `${scoreAt(head, score)} = ${scoreAt(head, score)} * d_score${score.g}_${score.j};`
      ),
    ),
    ...stage(head, "other", "q", { rows: head.other, chunk: firstChunk, at: queries }),
    "workgroupBarrier();",
    ...seen(addWeighted(head, "dK", firstChunk)),
    ...otherChunks.flatMap((chunk) => [
      ...stageOther(head, "q", chunk, queries),
      ...seen(addWeighted(head, "dK", chunk)),
    ]),
  ];
}

/** Declarations for `keyValueBlock`. */
export function otherStatistics(head: TiledHead): string {
  return `// Statistics of the block's queries, four to a vector.
var<workgroup> other_lse: array<vec4f, ${head.other / 4}>;
var<workgroup> other_delta: array<vec4f, ${head.other / 4}>;
`;
}

/** The source of attention_backward_key_value for one head size, tiled. */
export function tiledBackwardKeyValueSource(head: TiledHead): string {
  return tiledSource(head, {
    header: `// attention_backward_key_value, head size ${head.headDim}, tiled ${head.own} x ${head.other}:
// dV[j] = sum_t p[t,j] dY[t], dK[j] = scale sum_t p[t,j] (dY[t].v[j] - delta[t]) q[t], both over t >= j,
// p[t,j] = exp(scale q[t].k[j] - lse[t]), scale = 1 / sqrt(head size), each batch and head alike
// q, k, v, dY, dK, dV: (B, T, H, head size); lse, delta: (B, H, T)
// One workgroup per ${head.own} keys of a head, the first keys (the longest) first; it goes through the queries ${head.other} at a
// time. Dispatch B * H * ceil(T / ${head.own}), folded into two dimensions.
// Overwrites dK and dV, or adds to them where accumulateKey and accumulateValue are 1.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)`,
    constants: attentionConstants(head, ["B", "T"], ["accumulateKey", "accumulateValue"]),
    reads: [["q", "head"], ["k", "head"], ["v", "head"], ["lse", "f32"], ["delta", "f32"], ["dY", "head"]],
    writes: [["dK", "head"], ["dV", "head"]],
    own: ["own_k", "own_v"],
    declarations: otherStatistics(head),
    statements: [
      ...placement(head, "(group / heads)", "params.T", "k"),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      ...stageOwn(head, "own_k", "k", "params.T", "(LOG2E * scale)"),
      ...stageOwn(head, "own_v", "v", "params.T"),
      ...declareSums(head, "dK"),
      ...declareSums(head, "dV"),
      ...forSharers(head, [
        "let statistics = (b * params.H + h) * params.T;",
        `for (var first_query = first_own; first_query < ${
          endQuery(head, "first_own + OWN - 1u")
        }; first_query += OTHER) {`,
        ...keyValueBlock(head, [
          // Whole vectors: invocations that write parts of one may write over each other.
          `if (local < ${head.other / 4}u) {`,
          ...range(4).map((i) => `  let at${i} = statistics + min(first_query + 4u * local + ${i}u, params.T - 1u);`),
          "  other_lse[local] = LOG2E * vec4f(lse[at0], lse[at1], lse[at2], lse[at3]);",
          "  other_delta[local] = vec4f(delta[at0], delta[at1], delta[at2], delta[at3]);",
          "}",
        ]).map((line) => `  ${line}`),
        "}",
      ]),
      ...writeSums(head, "dK", "dK", { size: "params.T", factor: () => "scale", accumulate: "params.accumulateKey" }),
      ...writeSums(head, "dV", "dV", { size: "params.T", factor: () => "1.0", accumulate: "params.accumulateValue" }),
    ],
  });
}
