/** Checks that a kernel's declaration does not contradict itself. */

import type { ConstantType, Kernel, KernelTry, KernelWrite } from "./kernel.ts";

/** @throws {RangeError} If the declaration contradicts itself; the message names the kernel and the field. */
export function requireConsistent(kernel: Kernel): void {
  const { inputs, outputs, integers = [], halves = [], writes = {}, tries = [] } = kernel;
  const arrays = [...inputs, ...outputs];
  const twice = arrays.find((name, i) => arrays.indexOf(name) !== i);
  if (twice !== undefined) refuse(kernel, "inputs and outputs", `${twice} twice`, "one name for each array");
  requireNames(kernel, "integers", integers, arrays);
  requireNames(kernel, "halves", halves, arrays);
  const both = halves.find((name) => integers.includes(name));
  if (both !== undefined) {
    refuse(kernel, "halves", `${both}, which holds integers`, "an array of floating-point numbers");
  }
  requireNames(kernel, "writes", Object.keys(writes), outputs);
  for (const [output, write] of Object.entries(writes)) requireFlag(kernel, output, write);
  tries.forEach((sample, i) => requireTry(kernel, `tries[${i}]`, sample, arrays));
}

function requireFlag(kernel: Kernel, output: string, write: KernelWrite | undefined): void {
  if (typeof write !== "object" || kernel.constants[write.addedIf] === "u32") return;
  const flags = Object.keys(kernel.constants).filter((name) => kernel.constants[name] === "u32");
  refuse(kernel, `writes.${output}.addedIf`, write.addedIf, `a constant of type u32${among(flags)}`);
}

/** A try also shows whether the formulas cover every array and use only names that exist. */
function requireTry(kernel: Kernel, field: string, { constants, inputs = {} }: KernelTry, arrays: string[]): void {
  const { integers = [] } = kernel;
  const types = Object.entries<ConstantType>(kernel.constants);
  requireSame(kernel, `${field}.constants`, Object.keys(constants), types.map(([name]) => name));
  for (const [name, type] of types) {
    const value = constants[name];
    const isRight = type === "u32" ? isWhole(value) : Number.isFinite(value);
    if (!isRight) refuse(kernel, `${field}.constants.${name}`, value, type === "u32" ? "a whole number" : "finite");
  }

  const sizes = kernel.sizes?.(constants) ?? {};
  requireSame(kernel, "sizes", Object.keys(sizes), arrays);
  for (const [name, size] of Object.entries(sizes)) {
    if (!isWhole(size) || size === 0) refuse(kernel, `sizes.${name}`, size, "a whole number above 0");
  }
  const touched = kernel.touched?.(constants) ?? {};
  requireNames(kernel, "touched", Object.keys(touched), arrays);
  for (const [name, count = NaN] of Object.entries(touched)) {
    if (!(isWhole(count) && count <= sizes[name])) refuse(kernel, `touched.${name}`, count, `at most ${sizes[name]}`);
  }

  const below = kernel.below?.(constants) ?? {};
  requireNames(kernel, "below", Object.keys(below), integers);
  for (const [name, bound = NaN] of Object.entries(below)) {
    if (!isWhole(bound) || bound === 0) refuse(kernel, `below.${name}`, bound, "a whole number above 0");
  }
  requireNames(kernel, `${field}.inputs`, Object.keys(inputs), kernel.inputs);
  for (const [name, values = []] of Object.entries(inputs)) {
    if (values.length !== sizes[name]) {
      refuse(kernel, `${field}.inputs.${name}`, values.length, `${sizes[name]} numbers`);
    }
  }
  const unbound = kernel.inputs.find((name) => integers.includes(name) && !(name in below) && !(name in inputs));
  if (unbound !== undefined) refuse(kernel, "below", "nothing", `a bound for ${unbound}, or tries that give it`);

  for (const [name, flops] of Object.entries(kernel.flops?.(constants) ?? {})) {
    if (!(Number.isFinite(flops) && flops >= 0)) refuse(kernel, `flops.${name}`, flops, "a number from 0");
  }
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function requireNames(kernel: Kernel, field: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) refuse(kernel, field, unknown, `one of its${among(known)}`);
}

function requireSame(kernel: Kernel, field: string, names: readonly string[], wanted: readonly string[]): void {
  requireNames(kernel, field, names, wanted);
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined) refuse(kernel, field, `nothing for ${missing}`, `told for each of${among(wanted)}`);
}

function among(names: readonly string[]): string {
  return names.length === 0 ? " none" : ` ${names.join(", ")}`;
}

function refuse(kernel: Kernel, field: string, got: unknown, must: string): never {
  throw new RangeError(`Cannot define kernel ${kernel.name}: ${field}: got ${got}, must be ${must}`);
}
