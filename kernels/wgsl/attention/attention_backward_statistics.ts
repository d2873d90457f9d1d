import { attentionBindings, entryPoint, type HeadVectors, readFunction } from "./attention_source.ts";
import { range } from "../matmul/matmul_source.ts";

/** Rows of a workgroup. */
export const STATISTICS_ROWS = 32;

/** Invocations that share a row. */
const SHARERS = 8;

/** The source of attention_backward_statistics for one head size. */
export function attentionBackwardStatisticsSource(head: HeadVectors): string {
  return `// attention_backward_statistics, head size ${head.headDim}: delta[t] = dY[t].y[t], each batch and head alike
// y, dY: (B, T, H, head size); lse: (B, H, T); scratch: lse (B, H, whole), then delta (B, H, whole), where whole is T
// rounded up to a multiple of 4, and what lies beyond T is finite
// One workgroup per ${STATISTICS_ROWS} rows of y, ${SHARERS} invocations to a row. Dispatch B * whole * H / ${STATISTICS_ROWS}, rounded up, folded into
// two dimensions. Overwrites lse and delta in scratch.

const WORKGROUP = ${STATISTICS_ROWS * SHARERS}u;
const SHARERS = ${SHARERS}u;
const HEAD_DIM = ${head.headDim}u;

${
    attentionBindings(head, {
      constants: ["B", "T", "H", "headDim", "accumulateQuery", "accumulateKey", "accumulateValue"],
      reads: [["y", "head"], ["lse", "f32"], ["dY", "head"]],
      writes: [["scratch", "f32"]],
    })
  }

var<workgroup> shares: array<array<f32, ${SHARERS + 1}>, ${STATISTICS_ROWS}>;

${["y", "dY"].map((array) => readFunction(head, array)).join("\n\n")}

${
    entryPoint([
      "let group = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
      "let whole = (params.T + 3u) / 4u * 4u;",
      "let rows = params.B * whole * params.H;",
      `let own = min(group * ${STATISTICS_ROWS}u + local / SHARERS, rows - 1u);`,
      "let h = own % params.H;",
      "let b = own / params.H / whole;",
      "let t = min(own / params.H % whole, params.T - 1u);",
      "let row = (b * params.T + t) * params.H + h;",
      "var share = 0.0;",
      `for (var d = local % SHARERS; d < ${head.vectors}u; d += SHARERS) {`,
      "  share += dot(read_y(row, d), read_dY(row, d));",
      "}",
      "shares[local / SHARERS][local % SHARERS] = share;",
      "workgroupBarrier();",
      "if (local % SHARERS == 0u) {",
      "  let at = (b * params.H + h) * whole + own / params.H % whole;",
      "  scratch[at] = lse[(b * params.H + h) * params.T + t];",
      `  scratch[rows + at] = ${range(SHARERS).map((i) => `shares[local / SHARERS][${i}]`).join(" + ")};`,
      "}",
    ])
  }`;
}
