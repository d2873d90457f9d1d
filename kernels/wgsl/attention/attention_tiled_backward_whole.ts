import { keyValueBlock, otherStatistics } from "./attention_tiled_backward_key_value.ts";
import { declareSums, forEachOtherSum, weightedOwn, whereOther, writeSums } from "./attention_tiled_products.ts";
import { invocationPlace, ownRows, tiledSource } from "./attention_tiled_source.ts";
import { stageOwn } from "./attention_tiled_staging.ts";
import type { TiledHead } from "./attention_tile.ts";

/**
 * The source of attention_backward for one head size, tiled, with a workgroup for each head.
 * @throws {RangeError} If blocks of queries would not begin at the same places for all keys: an invocation must find its
 *   own sums of dQ again.
 */
export function tiledBackwardWholeSource(head: TiledHead): string {
  if (head.own % head.other !== 0) {
    throw new RangeError(`Cannot take whole heads by ${head.own} x ${head.other}: own must be a multiple of other`);
  }
  return tiledSource(head, {
    header: `// attention_backward, head size ${head.headDim}, tiled ${head.own} x ${head.other}, a head at once:
// dQ[t] = scale sum_j ds[t,j] k[j], dK[j] = scale sum_t ds[t,j] q[t], dV[j] = sum_t p[t,j] dY[t], over j <= t,
// ds[t,j] = p[t,j] (dY[t].v[j] - delta[t]), p[t,j] = exp(scale q[t].k[j] - lse[t]), scale = 1 / sqrt(head size)
// q, k, v, dY, dQ, dK, dV: (B, T, H, head size)
// scratch: lse (B, H, 4 fours), delta (B, H, 4 fours), sums of dQ (B, H, T, head size), where fours = ceil(T / 4)
// One workgroup per head, which goes through the keys ${head.own} at a time, the first ones first, and for each through the
// queries that see them: all blocks that give a query's gradient anything are its own, and come in a fixed order.
// Dispatch B * H, folded into two dimensions. Overwrites the sums of dQ; overwrites dQ, dK and dV, or adds to them where
// accumulateQuery, accumulateKey and accumulateValue are 1.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)`,
    constants: ["B", "T", "H", "headDim", "accumulateQuery", "accumulateKey", "accumulateValue"],
    reads: [["q", "head"], ["k", "head"], ["v", "head"], ["dY", "head"]],
    writes: [["dQ", "head"], ["dK", "head"], ["dV", "head"], ["scratch", "vectors"]],
    own: ["own_k", "own_v"],
    isSpread: true,
    declarations: otherStatistics(head),
    statements: [
      "let group = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
      "let heads = params.B * params.H;",
      "if (group >= heads) {",
      "  return;",
      "}",
      "let b = group / params.H;",
      "let h = group % params.H;",
      ...invocationPlace(),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      "let fours = (params.T + 3u) / 4u;",
      `let sums = 2u * heads * fours + group * params.T * ${head.vectors}u;`,
      "for (var first_own = 0u; first_own < params.T; first_own += OWN) {",
      ...ownBlock(head).map((line) => `  ${line}`),
      "}",
    ],
  });
}

/** Statements for the keys from `first_own` on. */
function ownBlock(head: TiledHead): string[] {
  const seenFours = head.other < head.own
    ? `min(${head.own / 4}u, (first_query + OTHER - first_own) / 4u)`
    : `${head.own / 4}u`;
  return [
    ...ownRows(head, "params.T"),
    "workgroupBarrier();",
    ...stageOwn(head, "own_k", "k", "params.T", "(LOG2E * scale)"),
    ...stageOwn(head, "own_v", "v", "params.T"),
    ...declareSums(head, "dK"),
    ...declareSums(head, "dV"),
    "for (var first_query = first_own; first_query < params.T; first_query += OTHER) {",
    ...keyValueBlock(head, [
      `if (local < ${head.other / 4}u) {`,
      "  let four = min(first_query / 4u + local, fours - 1u);",
      "  other_lse[local] = LOG2E * scratch[group * fours + four];",
      "  other_delta[local] = scratch[(heads + group) * fours + four];",
      "}",
    ]),
    ...whereOther(head, [
      ...weightedOwn(head, "dQ", "own_k", seenFours),
      // The keys are staged times LOG2E and the scale. The own block's queries see no later keys.
      ...forEachOtherSum(head, "dQ", { from: "first_query", end: "params.T" }, (row, vector, value) => [
        `let at = sums + (${row}) * ${head.vectors}u + ${vector};`,
        "if (first_own > 0u) {",
        `  ${value} += scratch[at];`,
        "}",
        "if (first_query < first_own + OWN) {",
        `  write_dQ((b * params.T + ${row}) * params.H + h, ${vector}, ${value} * LN2, params.accumulateQuery);`,
        "} else {",
        `  scratch[at] = ${value};`,
        "}",
      ]),
    ]),
    "}",
    ...writeSums(head, "dK", "dK", { size: "params.T", factor: () => "scale", accumulate: "params.accumulateKey" }),
    ...writeSums(head, "dV", "dV", { size: "params.T", factor: () => "1.0", accumulate: "params.accumulateValue" }),
  ];
}
