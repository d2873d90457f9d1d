/** Makes variants of a kernel from its one source, by its constants and by how much each element of its arrays holds. */

/** What a variant is made of; what is left out stays as the source has it. */
export interface Specialization {
  /** Numbers in an `Element`: 1, which is f32, or 4, which is vec4f. A constant WIDTH says the same to the source. */
  readonly width?: 1 | 4;
  /** Values of constants of type u32, by name. */
  readonly constants?: Readonly<Record<string, number>>;
}

/**
 * The source with other constants, and with arrays of `Element` as arrays of f32 or vec4f, which is what
 * `withHalfStorage` knows.
 * @throws {Error} If the source lacks what is to be changed.
 */
export function specialize(source: string, { width = 1, constants = {} }: Specialization): string {
  let special = source.replaceAll("array<Element>", width === 4 ? "array<vec4f>" : "array<f32>");
  if (width === 4) {
    special = replaced(special, "alias Element = f32;", "alias Element = vec4f;");
    special = special.replace("const WIDTH = 1u;", "const WIDTH = 4u;");
  }
  for (const [name, value] of Object.entries(constants)) {
    special = replaced(special, new RegExp(`const ${name} = \\d+u;`), `const ${name} = ${value}u;`);
  }
  return special;
}

function replaced(source: string, part: string | RegExp, by: string): string {
  const changed = source.replace(part, by);
  if (changed === source && !source.includes(by)) {
    throw new Error(`Cannot specialize a kernel: its source lacks "${typeof part === "string" ? part : part.source}"`);
  }
  return changed;
}

/** 4 where all of these numbers divide by 4, so that vec4f can hold what lies in stretches of them, or else 1. */
export function widthFor(...sizes: readonly number[]): 1 | 4 {
  return sizes.every((size) => size % 4 === 0) ? 4 : 1;
}
