// Subgroup matrices in plain WGSL, for devices that have none. Operands stay where they are loaded from, which nothing
// overwrites before the next barrier; of a result each invocation of a subgroup holds a row, and the second half of the
// subgroup does what the first does.
import { MATRIX, MATRIX_DIRECTIVES, matrixType } from "../../kernels/wgsl/matmul/subgroup_matrix.ts";

const LOAD = /subgroupMatrixLoad<subgroup_matrix_(left|right|result)<f\d+, \d+, \d+>, (row|col)_major>\(&(\w+), /g;
const STORE = /subgroupMatrixStore<row_major>\(&(\w+), /g;

/**
 * The source of a kernel without subgroup matrices.
 * @param source Its syntax must be the newer one, with the order as a template argument.
 * @param lanes Invocations in a subgroup.
 */
export function emulateMatrices(source: string, lanes: number): string {
  // Where elements of the operands are, by what they are: one array and one order each.
  const elements = new Map<string, string>();
  const functions = new Map<string, string>();
  const plain = source
    .replace(MATRIX_DIRECTIVES, "enable f16;")
    .replaceAll(`${matrixType("result")}()`, `array<f32, ${MATRIX}>()`)
    .replace(LOAD, (_, use: string, order: string, array: string) => {
      if (use === "result") {
        functions.set(`load_${array}`, loadFunction(array, lanes));
        return `load_${array}(local, `;
      }
      elements.set(use, `${array}[${use}.x + ${order === "row" ? "r * $.y + c" : "c * $.y + r"}]`.replace("$", use));
      return "vec2u(";
    })
    .replace(STORE, (_, array: string) => {
      functions.set(`store_${array}`, storeFunction(array, lanes));
      return `store_${array}(local, `;
    })
    .replaceAll("subgroupMatrixMultiplyAccumulate(", "multiply_accumulate(local, ")
    .replace(/ *@builtin\(subgroup_id\).*\n/, "")
    .replace(/ *@builtin\(subgroup_invocation_id\).*\n/, "")
    .replace(") {\n", `) {\n  let subgroup = local / ${lanes}u;\n  let lane = local % ${lanes}u;\n`);
  return [plain, ...functions.values(), multiplyFunction(elements.get("left")!, elements.get("right")!, lanes)].join(
    "\n",
  );
}

function rowOf(lanes: number): string {
  return `local % ${lanes}u % ${MATRIX}u`;
}

function loadFunction(array: string, lanes: number): string {
  return `fn load_${array}(local: u32, at: u32, stride: u32) -> array<f32, ${MATRIX}> {
  var matrix = array<f32, ${MATRIX}>();
  for (var i = 0u; i < ${MATRIX}u; i++) {
    matrix[i] = ${array}[at + ${rowOf(lanes)} * stride + i];
  }
  return matrix;
}
`;
}

function storeFunction(array: string, lanes: number): string {
  return `fn store_${array}(local: u32, at: u32, matrix: array<f32, ${MATRIX}>, stride: u32) {
  var values = matrix;
  if (local % ${lanes}u < ${MATRIX}u) {
    for (var i = 0u; i < ${MATRIX}u; i++) {
      ${array}[at + ${rowOf(lanes)} * stride + i] = values[i];
    }
  }
}
`;
}

/** f16 times f16 is exact in f32, as on the units that this stands for. */
function multiplyFunction(left: string, right: string, lanes: number): string {
  const element = (text: string, r: string, c: string) => `f32(${text.replace(/\br\b/, r).replace(/\bc\b/, c)})`;
  return `fn multiply_accumulate(local: u32, left: vec2u, right: vec2u, sum: array<f32, ${MATRIX}>) -> array<f32, ${MATRIX}> {
  var sums = sum;
  let row = ${rowOf(lanes)};
  for (var k = 0u; k < ${MATRIX}u; k++) {
    let a = ${element(left, "row", "k")};
    for (var j = 0u; j < ${MATRIX}u; j++) {
      sums[j] += a * ${element(right, "k", "j")};
    }
  }
  return sums;
}
`;
}
