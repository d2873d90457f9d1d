import type { Constants, DeviceTraits, WgslCall } from "../dispatch.ts";
import { attentionConstants, headIndex } from "./attention_groups.ts";
import { attentionBindings, entryPoint, type HeadLayout, headLayout, readFunction } from "./attention_source.ts";
import { lines, range } from "../matmul/matmul_source.ts";

/** Keys that one workgroup takes, one to an invocation. */
const KEYS = 64;

/**
 * attention_forward for one query per sequence, as in generation: a head's keys are split over workgroups, because one
 * workgroup for each head would leave most of a GPU idle, and a second dispatch puts the parts together.
 * @param lanes Whether each sequence has a start of its own.
 */
export function attentionDecodeCall(
  { B, S, H, headDim, keyHeads }: Constants,
  { software }: DeviceTraits,
  lanes = false,
): WgslCall {
  const head = headLayout(headDim, !software, keyHeads !== undefined);
  const splits = Math.ceil(S / KEYS);
  return {
    scratchBytes: 4 * B * H * splits * (headDim + 2),
    dispatches: [{
      label: `attention_forward ${headDim} for one query`,
      source: partsSource(head, lanes ? "group / parts / params.H" : "0"),
      workgroups: B * H * splits,
      writes: ["scratch"],
      flops: 4 * headDim * B * H * S,
    }, {
      label: `attention_forward ${headDim} sum of parts`,
      source: sumSource(head, lanes ? "head / params.H" : "0"),
      workgroups: B * H,
      reads: ["scratch", 3],
    }],
  };
}

/** A tree over the workgroup's 64 values in `shared_values`. */
function reduction(name: string, combine: (a: string, b: string) => string): string {
  return `// Every invocation's value joined, by a tree: the same order every time.
fn ${name}(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  shared_values[local] = value;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      shared_values[local] = ${combine("shared_values[local]", "shared_values[local + half]")};
    }
  }
  workgroupBarrier();
  return shared_values[0];
}`;
}

const REDUCTIONS = `var<workgroup> shared_values: array<f32, WORKGROUP>;

${reduction("workgroup_max", (a, b) => `max(${a}, ${b})`)}

${reduction("workgroup_sum", (a, b) => `${a} + ${b}`)}`;

/** @param sequence Which start is that of the workgroup, an expression. */
function partsSource(head: HeadLayout, sequence: string): string {
  const { headDim, vectors } = head;
  const across = Math.min(KEYS, 2 ** Math.ceil(Math.log2(vectors)));
  const groups = KEYS / across;
  const columns = range(Math.ceil(vectors / across));
  return `// attention_forward, head size ${headDim}, one query per sequence, part by part of ${KEYS} keys: with s[j] = scale q.k[j],
// m = max_j s[j]: partials = m, sum_j exp(s[j] - m), sum_j exp(s[j] - m) v[j], over the part's keys j <= start[${sequence}]
// q: (B, 1, H, head size); k, v: (B, S, H, head size); start: (1) or (B); partials: (B, H, parts, 2 + head size)
// One workgroup per part of a head's keys; an invocation has one key, then ${
    groups === 1 ? "4 dimensions" : `4 dimensions of every ${groups}th key`
  }.
// Dispatch B * H * ceil(S / ${KEYS}), folded into two dimensions. Overwrites partials, but for parts after start.
// Source: Dao et al. 2023, https://crfm.stanford.edu/2023/10/12/flashdecoding.html

const WORKGROUP = ${KEYS}u;
const HEAD_DIM = ${headDim}u;
// Stands for minus infinity, which WGSL may assume never occurs.
const LOWEST = -1e30;

${
    attentionBindings(head, {
      constants: attentionConstants(head, ["B", "T", "S"]),
      reads: [["q", "head"], ["k", "head"], ["v", "head"], ["start", "u32"]],
      writes: [["partials", "f32"]],
    }).replace("  first_workgroup: u32,\n", "")
  }

var<workgroup> query: array<vec4f, ${vectors}>;
var<workgroup> weights: array<f32, WORKGROUP>;
var<workgroup> sums: array<array<vec4f, ${across}>, ${groups}>;
${REDUCTIONS}

${["q", "k", "v"].map((array) => readFunction(head, array)).join("\n\n")}

${
    entryPoint([
      "let parts = (params.S + WORKGROUP - 1u) / WORKGROUP;",
      "let group = workgroup.y * workgroups.x + workgroup.x;",
      `let end = min(start[${sequence}], params.S - 1u) + 1u;`,
      "let first = group % parts * WORKGROUP;",
      ...head.grouped ? ["let begin = max(end, params.window) - params.window;"] : [],
      `if (group >= params.B * params.H * parts || first >= end${
        head.grouped ? " || first + WORKGROUP <= begin" : ""
      }) {`,
      "  return;",
      "}",
      "let head = group / parts;",
      "let b = head / params.H;",
      "let h = head % params.H;",
      ...head.grouped ? ["let key_head = h / (params.H / params.keyHeads);"] : [],
      `for (var d = local; d < ${vectors}u; d += WORKGROUP) {`,
      "  query[d] = read_q(head, d);",
      "}",
      "workgroupBarrier();",
      `let key = ${headIndex(head, "k", "b * params.S + min(first + local, end - 1u)")};`,
      "var score = 0.0;",
      `for (var d = 0u; d < ${vectors}u; d++) {`,
      "  score += dot(query[d], read_k(key, d));",
      "}",
      `let visible = first + local < end${head.grouped ? " && first + local >= begin" : ""};`,
      "score = select(LOWEST, score / sqrt(f32(HEAD_DIM)), visible);",
      "let maximum = workgroup_max(score, local);",
      "let weight = select(0.0, exp(score - maximum), visible);",
      "weights[local] = weight;",
      "let total = workgroup_sum(weight, local);",
      "let target_start = group * (HEAD_DIM + 2u);",
      "if (local == 0u) {",
      "  partials[target_start] = maximum;",
      "  partials[target_start + 1u] = total;",
      "}",
      "let count = min(WORKGROUP, end - first);",
      `let own_group = local / ${across}u;`,
      ...columns.flatMap((c) => [
        "{",
        `  let column = local % ${across}u + ${c * across}u;`,
        "  var sum = vec4f();",
        `  if (column < ${vectors}u) {`,
        `    for (var j = own_group; j < count; j += ${groups}u) {`,
        `      sum += weights[j] * read_v(${headIndex(head, "v", "b * params.S + first + j")}, column);`,
        "    }",
        "  }",
        ...groups === 1 ? ["  let joined = sum;"] : [
          `  sums[own_group][local % ${across}u] = sum;`,
          "  workgroupBarrier();",
          `  let joined = ${range(groups).map((g) => `sums[${g}][local % ${across}u]`).join(" + ")};`,
        ],
        `  if (own_group == 0u && column < ${vectors}u) {`,
        ...range(4).map((i) =>
          `    if (4u * column + ${i}u < HEAD_DIM) { partials[target_start + 2u + 4u * column + ${i}u] = joined[${i}]; }`
        ),
        "  }",
        "}",
      ]),
    ])
  }`;
}

/** @param sequence Which start is that of the workgroup, an expression. */
function sumSource(head: HeadLayout, sequence: string): string {
  const { headDim, grouped } = head;
  return `// attention_forward, head size ${headDim}, one query per sequence, the sum of parts: with m = max_p m[p] and
// w[p] = exp(m[p] - m): y = sum_p w[p] out[p] / sum_p w[p] sum[p], lse = m + log(sum_p w[p] sum[p])
// partials: (B, H, parts, 2 + head size) = m, sum, out; start: (1) or (B); y: (B, 1, H, head size); lse: (B, H, 1)
// One workgroup per head; dispatch B * H, folded into two dimensions. Overwrites y and lse.

const WORKGROUP = ${KEYS}u;
const HEAD_DIM = ${headDim}u;
const LOWEST = -1e30;

struct Params {
${lines(2, attentionConstants(head, ["B", "T", "S"]).map((name) => `${name}: u32,`))}
}

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read> start: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

${REDUCTIONS}

${
    entryPoint([
      "let head = workgroup.y * workgroups.x + workgroup.x;",
      "if (head >= params.B * params.H) {",
      "  return;",
      "}",
      "let parts = (params.S + WORKGROUP - 1u) / WORKGROUP;",
      `let filled = min(start[${sequence}], params.S - 1u) / WORKGROUP + 1u;`,
      // Parts behind the window are left as they were.
      `let begin = ${
        grouped ? `(max(min(start[${sequence}], params.S - 1u) + 1u, params.window) - params.window) / WORKGROUP` : "0u"
      };`,
      "let first = head * parts * (HEAD_DIM + 2u);",
      "var own_maximum = LOWEST;",
      "for (var p = begin + local; p < filled; p += WORKGROUP) {",
      "  own_maximum = max(own_maximum, partials[first + p * (HEAD_DIM + 2u)]);",
      "}",
      "let maximum = workgroup_max(own_maximum, local);",
      "var own_sum = 0.0;",
      "for (var p = begin + local; p < filled; p += WORKGROUP) {",
      "  let at = first + p * (HEAD_DIM + 2u);",
      "  own_sum += exp(partials[at] - maximum) * partials[at + 1u];",
      "}",
      "let total = workgroup_sum(own_sum, local);",
      "if (local == 0u) {",
      "  lse[head] = maximum + log(total);",
      "}",
      "for (var d = local; d < HEAD_DIM; d += WORKGROUP) {",
      "  var sum = 0.0;",
      "  for (var p = begin; p < filled; p++) {",
      "    let at = first + p * (HEAD_DIM + 2u);",
      "    sum += exp(partials[at] - maximum) * partials[at + 2u + d];",
      "  }",
      "  y[head * HEAD_DIM + d] = sum / total;",
      "}",
    ])
  }`;
}
