import { attentionConstants, firstBlock, inWindow, orBehindWindow } from "./attention_groups.ts";
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
import { forEachShare, readFour, stageOther, stageOwn } from "./attention_tiled_staging.ts";
import type { TiledHead } from "./attention_tile.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/** The source of attention_backward_query for one head size, tiled. */
export function tiledBackwardQuerySource(head: TiledHead): string {
  const keys = { from: "first_key", end: "end_own", size: "params.T" };
  const fours = range(head.ownFours);
  const lastChunk = head.chunks.at(-1)!;
  const seen = (statements: readonly string[]) => whereSeen(head, "first_key < first_row + SPAN", statements);
  const block = [
    // The sums begin with what would be taken off them at their end.
    ...declareScores(head, "d_score", (g) => `-own_delta${g}`),
    ...head.chunks.flatMap((chunk) => [
      ...stageOther(head, "v", chunk, keys),
      ...seen(addProducts(head, "d_score", "own_dY", chunk)),
    ]),
    ...declareScores(head, "score", (g) => `-own_lse${g}`),
    ...head.chunks.flatMap((chunk) => [
      ...stageOther(head, "k", chunk, keys),
      ...seen(addProducts(head, "score", "own_q", chunk)),
    ]),
    ...seen([
      ...maskScores(
        head,
        "score",
        orBehindWindow(head, "first_key + OTHER > first_row + 1u", "first_row + SPAN - 1u", "first_key"),
        (g, j) => {
          const key = `vec4u(first_key + ${otherRow(j)})`;
          return inWindow(head, `${key} <= own${g}`, `own${g}`, key, "vec4u(params.window)");
        },
      ),
      ...scoresOf(head).map(({ g, j }) => `${scoreAt(head, { g, j })} = exp2(score${g}_${j}) * d_score${g}_${j};`),
    ]),
    "workgroupBarrier();",
    // The last chunk of keys is in place.
    ...seen(addWeighted(head, "dQ", lastChunk)),
    ...head.chunks.slice(0, -1).flatMap((chunk) => [
      ...stageOther(head, "k", chunk, keys),
      ...seen(addWeighted(head, "dQ", chunk)),
    ]),
  ];
  return tiledSource(head, {
    header: `// attention_backward_query, head size ${head.headDim}, tiled ${head.own} x ${head.other}:
// dQ[t] = scale sum_j p[t,j] (dY[t].v[j] - delta[t]) k[j], j <= t, p[t,j] = exp(scale q[t].k[j] - lse[t]),
// delta[t] = dY[t].y[t], scale = 1 / sqrt(head size), each batch and head alike
// q, k, v, y, dY, dQ: (B, T, H, head size); lse, delta: (B, H, T), delta kept for attention_backward_key_value
// One workgroup per ${head.own} queries of a head, the last queries (the longest) first; it goes through the keys ${head.other} at a
// time. Dispatch B * H * ceil(T / ${head.own}), folded into two dimensions.
// Overwrites delta; overwrites dQ, or adds to it where accumulate is 1.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)`,
    constants: attentionConstants(head, ["B", "T"], ["accumulate"]),
    reads: [["q", "head"], ["k", "head"], ["v", "head"], ["y", "head"], ["lse", "f32"], ["dY", "head"]],
    writes: [["dQ", "head"], ["delta", "f32"]],
    own: ["own_q", "own_dY"],
    declarations: "",
    statements: [
      ...placement(head, "(blocks - 1u - group / heads)", "params.T", "q"),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      "let statistics = (b * params.H + h) * params.T;",
      ...stageOwn(head, "own_q", "q", "params.T", "(LOG2E * scale)"),
      ...stageOwn(head, "own_dY", "dY", "params.T"),
      ...ownDelta(head),
      ...fours.map((g) =>
        `let own_lse${g} = LOG2E * vec4f(${
          LANES.map((lane) => `lse[statistics + min(own${g}.${lane}, end_own - 1u)]`).join(", ")
        });`
      ),
      ...declareSums(head, "dQ"),
      `for (var first_key = ${firstBlock(head, "first_own", "OTHER")}; first_key < end_own; first_key += OTHER) {`,
      ...block.map((line) => `  ${line}`),
      "}",
      ...writeSums(head, "dQ", "dQ", { size: "params.T", factor: () => "scale", accumulate: "params.accumulate" }),
    ],
  });
}

/** Statements that find the own rows' dY·y, and leave them in memory: sums over dimensions pass through `scores`. */
function ownDelta(head: TiledHead): string[] {
  const whole = { first: 0, count: head.vectors };
  const rows = { from: "first_own", end: "end_own", size: "params.T" };
  const fours = range(head.ownFours);
  return [
    ...forEachShare(head, head.own, whole, [
      ...readFour(head, "y_row", "y", whole, rows),
      ...readFour(head, "dY_row", "dY", whole, rows),
      `scores[d % 4u][d / 4u][group] = vec4f(${range(4).map((r) => `dot(y_row${r}, dY_row${r})`).join(", ")});`,
    ]),
    "workgroupBarrier();",
    ...fours.map((g) =>
      `let own_delta${g} = ${
        range(head.vectors).map((d) => `scores[${d & 3}][${d >> 2}][ty + ${g * head.down}u]`).join(" + ")
      };`
    ),
    "if (tx == 0u) {",
    ...fours.flatMap((g) =>
      LANES.flatMap((lane) => [
        `  if (own${g}.${lane} < params.T) {`,
        `    delta[statistics + own${g}.${lane}] = own_delta${g}.${lane};`,
        "  }",
      ])
    ),
    "}",
  ];
}
