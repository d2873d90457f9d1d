import { attentionConstants, endQuery, forSharers, inWindow } from "./attention_groups.ts";
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
import { range } from "../matmul/matmul_source.ts";

/** The source of attention_backward_key_value for one head size. */
export function attentionBackwardKeyValueSource(head: HeadLayout): string {
  const queries = { from: "first_query", end: "params.T", size: "params.T" };
  return `// attention_backward_key_value, head size ${head.headDim}: dV[j] = sum_t p[t,j] dY[t],
// dK[j] = scale sum_t p[t,j] (dY[t].v[j] - delta[t]) q[t], both over t >= j,
// p[t,j] = exp(scale q[t].k[j] - lse[t]), scale = 1 / sqrt(head size), each batch and head alike
// q, k, v, dY, dK, dV: (B, T, H, head size); lse, delta: (B, H, T)
// One workgroup per 32 keys of a head, the first keys (the longest) first; it goes through the queries 32 at a time.
// Dispatch B * H * ceil(T / 32), folded into two dimensions.
// Overwrites dK and dV, or adds to them where accumulateKey and accumulateValue are 1.
// Source: Dao 2023, arXiv:2307.08691 (FlashAttention-2)

const WORKGROUP = 64u;
const BLOCK = 32u;
const HEAD_DIM = ${head.headDim}u;
// Stands for minus infinity, which WGSL may assume never occurs.
const LOWEST = -1e30;

${
    attentionBindings(head, {
      constants: attentionConstants(head, ["B", "T"], ["accumulateKey", "accumulateValue"]),
      reads: [["q", "head"], ["k", "head"], ["v", "head"], ["lse", "f32"], ["delta", "f32"], ["dY", "head"]],
      writes: [["dK", "head"], ["dV", "head"]],
    })
  }

${attentionPrelude(head)}

${["q", "k", "v", "dY"].map((array) => readFunction(head, array)).join("\n\n")}

${["dK", "dV"].map((array) => writeFunction(head, array)).join("\n\n")}

${
    entryPoint([
      ...placement(head, "(group / heads)", "params.T", "k"),
      "let scale = 1.0 / sqrt(f32(HEAD_DIM));",
      "let key = vec4u(first_own + 4u * ty) + vec4u(0u, 1u, 2u, 3u);",
      ...declareSums(head, "dK"),
      ...declareSums(head, "dV"),
      ...forSharers(head, [
        "let statistics = (b * params.H + h) * params.T;",
        `for (var first_query = first_own; first_query < ${
          endQuery(head, "first_own + BLOCK - 1u")
        }; first_query += BLOCK) {`,
        ...[
          ...dotProducts(head, "score", "k", "q", queries),
          ...dotProducts(head, "d_score", "v", "dY", queries),
          ...range(4).flatMap((j) => [
            `let query${j} = first_query + tx + ${8 * j}u;`,
            `let at${j} = statistics + min(query${j}, params.T - 1u);`,
            `let visible${j} = ${visible(head, `query${j}`)};`,
            `let p${j} = exp(select(vec4f(LOWEST), score${j} * scale - lse[at${j}], visible${j}));`,
            `scores[${j}][tx][ty] = p${j};`,
          ]),
          ...accumulate(head, "dV", "dY", queries, true),
          "workgroupBarrier();",
          ...range(4).map((j) => `scores[${j}][tx][ty] = p${j} * (d_score${j} - delta[at${j}]);`),
          ...accumulate(head, "dK", "q", queries, false),
          "workgroupBarrier();",
        ].map((line) => `  ${line}`),
        "}",
      ]),
      ...writeSums(head, "dK", "dK", { end: "params.T", factor: () => "scale", accumulate: "params.accumulateKey" }),
      ...writeSums(head, "dV", "dV", { end: "params.T", factor: () => "1.0", accumulate: "params.accumulateValue" }),
    ])
  }`;
}

/** Which of the own keys a query sees. */
function visible(head: HeadLayout, query: string): string {
  const seen = `(key <= vec4u(${query})) & vec4<bool>(${query} < params.T)`;
  return inWindow(head, seen, `vec4u(${query})`, "key", "vec4u(params.window)");
}
