/**
 * Makes variants of a kernel from its one source, by its constants and by how much each element of its arrays holds, and
 * gives it the functions that it shares with other kernels.
 */

import columnSum from "./column_sum.wgsl" with { type: "text" };
import element1 from "./element_1.wgsl" with { type: "text" };
import element4 from "./element_4.wgsl" with { type: "text" };
import geluTanh from "./gelu_tanh.wgsl" with { type: "text" };
import join from "./join.wgsl" with { type: "text" };
import lanes from "./lanes.wgsl" with { type: "text" };
import lanesSum from "./lanes_sum.wgsl" with { type: "text" };
import normal from "./normal.wgsl" with { type: "text" };
import partStart from "./part_start.wgsl" with { type: "text" };
import philox from "./philox.wgsl" with { type: "text" };
import rowSum from "./row_sum.wgsl" with { type: "text" };
import sigmoid from "./sigmoid.wgsl" with { type: "text" };
import sumOfRows from "./sum_of_rows.wgsl" with { type: "text" };
import tanh from "./tanh.wgsl" with { type: "text" };
import workgroupJoin from "./workgroup_join.wgsl" with { type: "text" };
import workgroupSum from "./workgroup_sum.wgsl" with { type: "text" };
import writePart from "./write_part.wgsl" with { type: "text" };

/** Numbers in an `Element`: f32 or vec4f. */
export type Width = 1 | 4;

/**
 * The source with `Element` declared, which it has arrays of. These become arrays of f32 or vec4f, which is what
 * `withHalfStorage` knows.
 */
export function ofWidth(source: string, width: Width): string {
  const [element, prelude] = width === 4 ? ["vec4f", element4] : ["f32", element1];
  return `${source.replaceAll("array<Element>", `array<${element}>`)}\n${prelude}`;
}

/** What several kernels call, by the function's name. Each file says what it takes for declared. */
const FUNCTIONS = {
  column_sum: columnSum,
  gelu_tanh: geluTanh,
  join,
  lanes,
  lanes_sum: lanesSum,
  normal,
  part_start: partStart,
  philox,
  row_sum: rowSum,
  sigmoid,
  sum_of_rows: sumOfRows,
  tanh,
  workgroup_join: workgroupJoin,
  workgroup_sum: workgroupSum,
  write_part: writePart,
} as const;

/** The source with functions declared that kernels share. */
export function withFunctions(source: string, ...names: readonly (keyof typeof FUNCTIONS)[]): string {
  return [source, ...names.map((name) => FUNCTIONS[name])].join("\n");
}

/**
 * The source with other values of constants of type u32, by name.
 * @throws {Error} If it declares no such constant.
 */
export function withConstants(source: string, constants: Readonly<Record<string, number>>): string {
  let changed = source;
  for (const [name, value] of Object.entries(constants)) {
    const declaration = new RegExp(`const ${name} = \\d+u;`);
    if (!declaration.test(changed)) {
      throw new Error(`Cannot set a kernel's ${name}: its source declares no such constant`);
    }
    changed = changed.replace(declaration, `const ${name} = ${value}u;`);
  }
  return changed;
}

/** The width for stretches of so many numbers, all of which must divide by it. */
export function widthFor(...sizes: readonly number[]): Width {
  return sizes.every((size) => size % 4 === 0) ? 4 : 1;
}
