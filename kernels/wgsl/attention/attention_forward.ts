import { attentionConstants, firstBlock, inWindow } from "./attention_groups.ts";
import {
  accumulate,
  attentionBindings,
  attentionPrelude,
  declareSums,
  dotProducts,
  entryPoint,
  type HeadLayout,
  placement,
  readFunction,
  writeFunction,
  writeSums,
} from "./attention_source.ts";
import { LANES, range } from "../matmul/matmul_source.ts";

/** The source of attention_forward for one head size. */
export function attentionForwardSource(head: HeadLayout): string {
  const keys = { from: "first_key", end: "end_key", size: "params.S" };
  const rowOf = (name: string, r: number) => `${name}${r >> 2}.${LANES[r & 3]}`;
  const perRow = range(head.rows / 4);
  return `// attention_forward, head size ${head.headDim}: y[t] = sum_j p[t,j] v[j], p[t,j] = exp(scale q[t].k[j] - lse[t]), j <= start[0] + t,
// scale = 1 / sqrt(head size), lse[t] = log(sum_j exp(scale q[t].k[j])), each batch and head alike
// q, y: (B, T, H, head size); k, v: (B, S, H, head size); start: (1); lse: (B, H, T), kept for backward
// One workgroup per 32 queries of a head, the last queries (the longest) first; it goes through the keys 32 at a time,
// keeping the maximum and the sum of each row of scores, and rescales the output where the maximum grows.
// Dispatch B * H * ceil(T / 32), folded into two dimensions. Overwrites y and lse.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

const WORKGROUP = 64u;
const BLOCK = 32u;
const HEAD_DIM = ${head.headDim}u;
// Stands for minus infinity, which WGSL may assume never occurs.
const LOWEST = -1e30;

${
    attentionBindings(head, {
      constants: attentionConstants(head, ["B", "T", "S"]),
      reads: [["q", "head"], ["k", "head"], ["v", "head"], ["start", "u32"]],
      writes: [["y", "head"], ["lse", "f32"]],
    })
  }

${attentionPrelude(head)}
// What each own row's output is to be multiplied by, four to a vector.
var<workgroup> factors: array<vec4f, 8>;

${["q", "k", "v"].map((array) => readFunction(head, array)).join("\n\n")}

${writeFunction(head, "y")}

${
    entryPoint([
      ...placement(head, "(blocks - 1u - group / heads)", "params.T", "q"),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      // Where the queries would lie beyond the keys, they are taken for the last ones.
      "let position = min(start[0], params.S - params.T);",
      "let last_key = vec4u(position + first_own + 4u * ty) + vec4u(0u, 1u, 2u, 3u);",
      "let end_key = position + min(first_own + BLOCK, params.T);",
      "var maximum = vec4f(LOWEST);",
      "var sum = vec4f();",
      ...declareSums(head, "y"),
      `for (var first_key = ${
        firstBlock(head, "position + first_own", "BLOCK")
      }; first_key < end_key; first_key += BLOCK) {`,
      ...[
        ...dotProducts(head, "score", "q", "k", keys),
        ...range(4).map((j) =>
          `score${j} = select(vec4f(LOWEST), score${j} * scale, ${visible(head, `vec4u(first_key + tx + ${8 * j}u)`)});`
        ),
        "shares[ty][tx] = max(max(score0, score1), max(score2, score3));",
        "workgroupBarrier();",
        "let previous = maximum;",
        ...range(8).map((i) => `maximum = max(maximum, shares[ty][${i}]);`),
        "let factor = exp(previous - maximum);",
        ...range(4).map((j) => `score${j} = exp(score${j} - maximum);`),
        "sum = sum * factor + ((score0 + score1) + (score2 + score3));",
        ...range(4).map((j) => `scores[${j}][tx][ty] = score${j};`),
        "if (tx == 0u) {",
        "  factors[ty] = factor;",
        "}",
        "workgroupBarrier();",
        ...perRow.map((g) => `let factor${g} = factors[${head.rows / 4}u * down + ${g}u];`),
        ...head.chunks.flatMap((_, c) => range(head.rows).map((r) => `y${c}_${r} *= ${rowOf("factor", r)};`)),
        ...accumulate(head, "y", "v", keys, false),
      ].map((line) => `  ${line}`),
      "}",
      "shares[ty][tx] = sum;",
      "workgroupBarrier();",
      `let total = ${range(8).map((i) => `shares[ty][${i}]`).join(" + ")};`,
      "if (tx == 0u) {",
      "  factors[ty] = 1.0 / total;",
      "  let row_lse = maximum + log(total);",
      ...LANES.flatMap((lane, i) => [
        `  if (first_own + 4u * ty + ${i}u < params.T) {`,
        `    lse[(b * params.H + h) * params.T + own${i}_t] = row_lse.${lane};`,
        "  }",
      ]),
      "}",
      "workgroupBarrier();",
      ...perRow.map((g) => `let over_sum${g} = factors[${head.rows / 4}u * down + ${g}u];`),
      ...writeSums(head, "y", "y", { end: "params.T", factor: (r) => rowOf("over_sum", r), accumulate: "0u" }),
    ])
  }`;
}

/** That the queries at `last_key` see a key. */
function visible(head: HeadLayout, key: string): string {
  return inWindow(head, `${key} <= last_key`, "last_key", key, "vec4u(params.window)");
}
