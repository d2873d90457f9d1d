import { declarations, LANES, lines, type MatmulKernel, range } from "./matmul_source.ts";

/** Invocations in a workgroup, and columns of C that a workgroup computes. */
const WORKGROUP = 64;
export const SKINNY_COLUMNS = 4;

/** Rows of C at most. */
export const SKINNY_MAX_ROWS = 4;

/**
 * The source of a matrix multiplication with one to four rows, both operands with k last: generating a token. It takes as
 * long as reading B, so the invocations of a workgroup read each row of B side by side, and join their sums at the end.
 */
export function skinnyMatmul(kernel: MatmulKernel, rows: number, vec4: boolean): string {
  const element = vec4 ? "vec4f" : "f32";
  const product = (i: number, j: number) => vec4 ? `dot(a${i}, b${j})` : `a${i} * b${j}`;
  return `// ${kernel.name}, ${rows} rows: ${kernel.formula}
// One workgroup per ${SKINNY_COLUMNS} columns of ${kernel.c}, its invocations side by side along k; their sums are joined by a tree.
// Dispatch ceil(${kernel.sizes.N} / ${SKINNY_COLUMNS}), folded into two dimensions. Overwrites ${kernel.c}.

const WORKGROUP = ${WORKGROUP}u;
const COLUMNS = ${SKINNY_COLUMNS}u;

${declarations(kernel, { aVec4: vec4, bVec4: vec4, cVec4: false, c: kernel.c })}

var<workgroup> sums: array<array<vec4f, WORKGROUP>, ${rows}>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let N = params.${kernel.sizes.N};
  let K = params.${kernel.sizes.K}${vec4 ? " / 4u" : ""};
  let column = (params.first_workgroup + workgroup.y * workgroups.x + workgroup.x) * COLUMNS;
  if (column >= N) {
    return;
  }
${lines(2, range(SKINNY_COLUMNS).map((j) => `let b_at${j} = min(column + ${j}u, N - 1u) * K;`))}
${lines(2, range(rows).map((i) => `var sum${i} = vec4f();`))}
  for (var k = local; k < K; k += WORKGROUP) {
${lines(4, range(SKINNY_COLUMNS).map((j) => `let b${j} = ${kernel.b.name}[b_at${j} + k];`))}
${
    lines(
      4,
      range(rows).flatMap((i) => [
        `let a${i}: ${element} = ${kernel.a.name}[${i}u * K + k];`,
        `sum${i} += vec4f(${range(SKINNY_COLUMNS).map((j) => product(i, j)).join(", ")});`,
      ]),
    )
  }
  }
${lines(2, range(rows).map((i) => `sums[${i}][local] = sum${i};`))}
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
${lines(6, range(rows).map((i) => `sums[${i}][local] += sums[${i}][local + half];`))}
    }
  }
  workgroupBarrier();
  if (local == 0u) {
${
    lines(
      4,
      range(SKINNY_COLUMNS).flatMap((j) => [
        `if (column + ${j}u < N) {`,
        ...range(rows).map((i) => `  ${kernel.c}[${i}u * N + column + ${j}u] = sums[${i}][0].${LANES[j]};`),
        "}",
      ]),
    )
  }
  }
}
`;
}
