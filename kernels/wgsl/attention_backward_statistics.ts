import { attentionBindings, entryPoint, type HeadVectors, readFunction } from "./attention_source.ts";
import { range } from "./matmul_source.ts";

/** Rows of a workgroup. */
export const STATISTICS_ROWS = 32;

/** Invocations that share a row. */
const SHARERS = 8;

/** The source of attention_backward_statistics for one head size. */
export function attentionBackwardStatisticsSource(head: HeadVectors): string {
  return `// attention_backward_statistics, head size ${head.headDim}: delta[t] = dY[t].y[t], each batch and head alike
// y, dY: (B, T, H, head size); lse: (B, H, T); scratch: lse (B, H, T), then delta (B, H, T)
// One workgroup per ${STATISTICS_ROWS} rows of y, ${SHARERS} invocations to a row. Dispatch B * T * H / ${STATISTICS_ROWS}, rounded up, folded into two
// dimensions. Overwrites lse and delta in scratch.

const WORKGROUP = ${STATISTICS_ROWS * SHARERS}u;
const ROWS = ${STATISTICS_ROWS}u;
const HEAD_DIM = ${head.headDim}u;

${
    attentionBindings(head, {
      constants: ["B", "T", "H", "headDim", "accumulateQuery", "accumulateKey", "accumulateValue"],
      reads: [["y", "head"], ["lse", "f32"], ["dY", "head"]],
      writes: [["scratch", "f32"]],
    })
  }

var<workgroup> shares: array<array<f32, ${SHARERS + 1}>, ROWS>;

${["y", "dY"].map((array) => readFunction(head, array)).join("\n\n")}

${
    entryPoint([
      "let group = params.first_workgroup + workgroup.y * workgroups.x + workgroup.x;",
      "let rows = params.B * params.T * params.H;",
      `let row = min(group * ROWS + local / ${SHARERS}u, rows - 1u);`,
      "var share = 0.0;",
      `for (var d = local % ${SHARERS}u; d < ${head.vectors}u; d += ${SHARERS}u) {`,
      "  share += dot(read_y(row, d), read_dY(row, d));",
      "}",
      `shares[local / ${SHARERS}u][local % ${SHARERS}u] = share;`,
      "workgroupBarrier();",
      "let own = group * ROWS + local;",
      "if (local < ROWS && own < rows) {",
      "  let at = (own / (params.T * params.H) * params.H + own % params.H) * params.T + own / params.H % params.T;",
      "  scratch[at] = lse[at];",
      `  scratch[rows + at] = ${range(SHARERS).map((i) => `shares[local][${i}]`).join(" + ")};`,
      "}",
    ])
  }`;
}
