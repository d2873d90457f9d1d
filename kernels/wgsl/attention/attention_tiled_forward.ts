import { attentionConstants, firstBlock, inWindow, orBehindWindow } from "./attention_groups.ts";
import {
  addProducts,
  addWeighted,
  declareScores,
  declareSums,
  maskScores,
  otherRow,
  scaleSums,
  scoreAt,
  scoresOf,
  writeSums,
} from "./attention_tiled_products.ts";
import { placement, tiledSource, whereSeen } from "./attention_tiled_source.ts";
import { stage, stageOther, stageOwn } from "./attention_tiled_staging.ts";
import { ACROSS, type TiledHead } from "./attention_tile.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/** The source of attention_forward for one head size, tiled. */
export function tiledForwardSource(head: TiledHead): string {
  const keys = { from: "first_key", end: "end_key", size: "params.S" };
  const fours = range(head.ownFours);
  const ofRows = (g: number) => scoresOf(head).filter((score) => score.g === g).map(({ j }) => `score${g}_${j}`);
  const place = (g: number) => `ty + ${g * head.down}u`;
  const [firstChunk, ...otherChunks] = head.chunks;
  const seen = (statements: readonly string[]) =>
    whereSeen(head, "first_key < position + first_row + SPAN", statements);
  const block = [
    ...declareScores(head, "score"),
    ...head.chunks.flatMap((chunk) => [
      ...stageOther(head, "k", chunk, keys),
      ...seen(addProducts(head, "score", "own_q", chunk)),
    ]),
    ...seen([
      ...maskScores(
        head,
        "score",
        orBehindWindow(
          head,
          "first_key + OTHER > position + first_row + 1u",
          "position + first_row + SPAN - 1u",
          "first_key",
        ),
        (g, j) => {
          const key = `vec4u(first_key + ${otherRow(j)})`;
          return inWindow(head, `${key} <= last_key${g}`, `last_key${g}`, key, "vec4u(params.window)");
        },
      ),
      ...fours.map((g) => `shares[tx][${place(g)}] = ${ofRows(g).reduce((a, b) => `max(${a}, ${b})`)};`),
    ]),
    "workgroupBarrier();",
    ...seen([
      ...fours.flatMap((g) => [
        `let previous${g} = maximum${g};`,
        ...range(ACROSS).map((i) => `maximum${g} = max(maximum${g}, shares[${i}][${place(g)}]);`),
        `let factor${g} = exp2(previous${g} - maximum${g});`,
        ...ofRows(g).map((score) => `${score} = exp2(${score} - maximum${g});`),
        `sum${g} = sum${g} * factor${g} + (${ofRows(g).join(" + ")});`,
      ]),
      ...scoresOf(head).map((score) => `${scoreAt(head, score)} = score${score.g}_${score.j};`),
      ...scaleSums(head, "y", (g, r) => `factor${g}.${LANES[r]}`),
    ]),
    // The barrier before the maxima were read was also the end of what was staged.
    ...stage(head, "other", "v", { rows: head.other, chunk: firstChunk, at: keys }),
    "workgroupBarrier();",
    ...seen(addWeighted(head, "y", firstChunk)),
    ...otherChunks.flatMap((chunk) => [...stageOther(head, "v", chunk, keys), ...seen(addWeighted(head, "y", chunk))]),
  ];
  return tiledSource(head, {
    header:
      `// attention_forward, head size ${head.headDim}, tiled ${head.own} x ${head.other}: y[t] = sum_j p[t,j] v[j],
// p[t,j] = exp(scale q[t].k[j] - lse[t]), j <= start[0] + t, scale = 1 / sqrt(head size),
// lse[t] = log(sum_j exp(scale q[t].k[j])), each batch and head alike
// q, y: (B, T, H, head size); k, v: (B, S, H, head size); start: (1); lse: (B, H, T), kept for backward
// One workgroup per ${head.own} queries of a head, the last queries (the longest) first; it goes through the keys ${head.other} at a
// time, keeping the maximum and the sum of each row of scores, and rescales the output where the maximum grows.
// Dispatch B * H * ceil(T / ${head.own}), folded into two dimensions. Overwrites y and lse.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)`,
    constants: attentionConstants(head, ["B", "T", "S"]),
    reads: [["q", "head"], ["k", "head"], ["v", "head"], ["start", "u32"]],
    writes: [["y", "head"], ["lse", "f32"]],
    own: ["own_q"],
    declarations: `// What the invocations that share own rows found: by tx, then by own row, four to a vector.
var<workgroup> shares: array<array<vec4f, ${head.own / 4}>, ${ACROSS}>;
`,
    statements: [
      ...placement(head, "(blocks - 1u - group / heads)", "params.T", "q"),
      // Where the queries would lie beyond the keys, they are taken for the last ones.
      "let position = min(start[0], params.S - params.T);",
      "let end_key = position + end_own;",
      ...fours.flatMap((g) => [
        `let last_key${g} = vec4u(position) + own${g};`,
        `var maximum${g} = vec4f(LOWEST);`,
        `var sum${g} = vec4f();`,
      ]),
      ...declareSums(head, "y"),
      ...stageOwn(head, "own_q", "q", "params.T", "(LOG2E / sqrt(f32(HEAD_DIM)))"),
      `for (var first_key = ${
        firstBlock(head, "position + first_own", "OTHER")
      }; first_key < end_key; first_key += OTHER) {`,
      ...block.map((line) => `  ${line}`),
      "}",
      ...fours.map((g) => `shares[tx][${place(g)}] = sum${g};`),
      "workgroupBarrier();",
      ...fours.flatMap((g) => [
        `let total${g} = ${range(ACROSS).map((i) => `shares[${i}][${place(g)}]`).join(" + ")};`,
        `let over_sum${g} = 1.0 / total${g};`,
      ]),
      "if (tx == 0u) {",
      ...fours.flatMap((g) => [
        `  let row_lse${g} = LN2 * (maximum${g} + log2(total${g}));`,
        ...LANES.flatMap((lane) => [
          `  if (own${g}.${lane} < params.T) {`,
          `    lse[(b * params.H + h) * params.T + own${g}.${lane}] = row_lse${g}.${lane};`,
          "  }",
        ]),
      ]),
      "}",
      ...writeSums(head, "y", "y", {
        size: "params.T",
        factor: (g, r) => `over_sum${g}.${LANES[r]}`,
        accumulate: "0u",
      }),
    ],
  });
}
