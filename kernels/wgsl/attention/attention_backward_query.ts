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

/** The source of attention_backward_query for one head size. */
export function attentionBackwardQuerySource(head: HeadLayout): string {
  const keys = { from: "first_key", end: "params.T", size: "params.T" };
  return `// attention_backward_query, head size ${head.headDim}: dQ[t] = scale sum_j p[t,j] (dY[t].v[j] - delta[t]) k[j], j <= t,
// p[t,j] = exp(scale q[t].k[j] - lse[t]), delta[t] = dY[t].y[t], scale = 1 / sqrt(head size), each batch and head alike
// q, k, v, y, dY, dQ: (B, T, H, head size); lse, delta: (B, H, T), delta kept for attention_backward_key_value
// One workgroup per 32 queries of a head, the last queries (the longest) first; it goes through the keys 32 at a time.
// Dispatch B * H * ceil(T / 32), folded into two dimensions.
// Overwrites delta; overwrites dQ, or adds to it where accumulate is 1.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

const WORKGROUP = 64u;
const BLOCK = 32u;
const HEAD_DIM = ${head.headDim}u;
// Stands for minus infinity, which WGSL may assume never occurs.
const LOWEST = -1e30;

${
    attentionBindings(head, {
      constants: attentionConstants(head, ["B", "T"], ["accumulate"]),
      reads: [["q", "head"], ["k", "head"], ["v", "head"], ["y", "head"], ["lse", "f32"], ["dY", "head"]],
      writes: [["dQ", "head"], ["delta", "f32"]],
    })
  }

${attentionPrelude(head)}

${["q", "k", "v", "y", "dY"].map((array) => readFunction(head, array)).join("\n\n")}

${writeFunction(head, "dQ")}

${
    entryPoint([
      ...placement(head, "(blocks - 1u - group / heads)", "params.T", "q"),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      "let statistics = (b * params.H + h) * params.T;",
      `let own_lse = vec4f(${range(4).map((i) => `lse[statistics + own${i}_t]`).join(", ")});`,
      "let last_key = vec4u(first_own + 4u * ty) + vec4u(0u, 1u, 2u, 3u);",
      "var share = vec4f();",
      `for (var d = tx; d < ${head.vectors}u; d += 8u) {`,
      ...LANES.map((lane, i) => `  share.${lane} += dot(read_y(own_index${i}, d), read_dY(own_index${i}, d));`),
      "}",
      "shares[ty][tx] = share;",
      "workgroupBarrier();",
      `let own_delta = ${range(8).map((i) => `shares[ty][${i}]`).join(" + ")};`,
      "if (tx == 0u) {",
      ...LANES.flatMap((lane, i) => [
        `  if (first_own + 4u * ty + ${i}u < params.T) {`,
        `    delta[statistics + own${i}_t] = own_delta.${lane};`,
        "  }",
      ]),
      "}",
      ...declareSums(head, "dQ"),
      "let end_key = min(first_own + BLOCK, params.T);",
      `for (var first_key = ${firstBlock(head, "first_own", "BLOCK")}; first_key < end_key; first_key += BLOCK) {`,
      ...[
        ...dotProducts(head, "d_score", "dY", "v", keys),
        ...dotProducts(head, "score", "q", "k", keys),
        ...range(4).flatMap((j) => [
          `let visible${j} = ${visible(head, `vec4u(first_key + tx + ${8 * j}u)`)};`,
          `let p${j} = exp(select(vec4f(LOWEST), score${j} * scale - own_lse, visible${j}));`,
          `scores[${j}][tx][ty] = p${j} * (d_score${j} - own_delta);`,
        ]),
        ...accumulate(head, "dQ", "k", keys, true),
        "workgroupBarrier();",
      ].map((line) => `  ${line}`),
      "}",
      ...writeSums(head, "dQ", "dQ", { end: "params.T", factor: () => "scale", accumulate: "params.accumulate" }),
    ])
  }`;
}

/** That the queries at `last_key` see a key. */
function visible(head: HeadLayout, key: string): string {
  return inWindow(head, `${key} <= last_key`, "last_key", key, "vec4u(params.window)");
}
