import { keyValueBlock, otherStatistics } from "./attention_tiled_backward_key_value.ts";
import { declareSums, forEachOtherSum, weightedOwn, writeSums } from "./attention_tiled_products.ts";
import { invocationPlace, ownRows, tiledSource } from "./attention_tiled_source.ts";
import { stageOwn } from "./attention_tiled_staging.ts";
import type { TiledHead } from "./attention_tile.ts";

/** The source of attention_backward for one head size, tiled, with a workgroup for each head. */
export function tiledBackwardWholeSource(head: TiledHead): string {
  return tiledSource(head, {
    header: `// attention_backward, head size ${head.headDim}, tiled ${head.own} x ${head.other}, a head at once:
// dQ[t] = scale sum_j ds[t,j] k[j], dK[j] = scale sum_t ds[t,j] q[t], dV[j] = sum_t p[t,j] dY[t], over j <= t,
// ds[t,j] = p[t,j] (dY[t].v[j] - delta[t]), p[t,j] = exp(scale q[t].k[j] - lse[t]), scale = 1 / sqrt(head size)
// q, k, v, dY, dQ, dK, dV: (B, T, H, head size)
// scratch: lse (B, H, T), delta (B, H, T), then after a whole vector sums of dQ (B, H, T, head size)
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
      "let rows = params.B * params.H * params.T;",
      "if (group >= params.B * params.H) {",
      "  return;",
      "}",
      "let b = group / params.H;",
      "let h = group % params.H;",
      ...invocationPlace(),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      "let statistics = group * params.T;",
      "let sums = (2u * rows + 3u) / 4u;",
      "for (var first_own = 0u; first_own < params.T; first_own += OWN) {",
      ...ownBlock(head).map((line) => `  ${line}`),
      "}",
    ],
  });
}

/** Statements for the keys from `first_own` on. */
function ownBlock(head: TiledHead): string[] {
  const element = (index: string) => `scratch[(${index}) / 4u][(${index}) % 4u]`;
  return [
    ...ownRows(head, "params.T"),
    "workgroupBarrier();",
    ...stageOwn(head, "own_k", "k", "params.T", "(LOG2E * scale)"),
    ...stageOwn(head, "own_v", "v", "params.T"),
    ...declareSums(head, "dK"),
    ...declareSums(head, "dV"),
    "for (var first_query = first_own; first_query < params.T; first_query += OTHER) {",
    ...keyValueBlock(head, { lse: element("at"), delta: element("rows + at") }),
    ...weightedOwn(head, "dQ", "own_k"),
    // The keys are staged times LOG2E and the scale. These queries see no later keys than the first block's.
    ...forEachOtherSum(head, "dQ", { from: "first_query", end: "params.T" }, (row, vector, value) => [
      `let at = sums + (statistics + ${row}) * ${head.vectors}u + ${vector};`,
      "if (first_own > 0u) {",
      `  ${value} += scratch[at];`,
      "}",
      "if (first_query == first_own) {",
      `  write_dQ((b * params.T + ${row}) * params.H + h, ${vector}, ${value} * LN2, params.accumulateQuery);`,
      "} else {",
      `  scratch[at] = ${value};`,
      "}",
    ]),
    "}",
    ...writeSums(head, "dK", "dK", { size: "params.T", factor: () => "scale", accumulate: "params.accumulateKey" }),
    ...writeSums(head, "dV", "dV", { size: "params.T", factor: () => "1.0", accumulate: "params.accumulateValue" }),
  ];
}
