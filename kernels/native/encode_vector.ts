// The prefixes VEX and EVEX, and the operands behind them.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, sections 2.3 and 2.7.
import { isMemory, type Memory, type Vector } from "./operands.ts";
import type { VectorInstruction } from "./vector_instructions.ts";

/** What an instruction is given beside its operands. */
export interface VectorOptions {
  /** The number of the mask register, 1 to 7: only its lanes are written (or read). Of AVX-512. */
  readonly mask?: number;
  /** Lanes outside of the mask become 0, where they else stay. */
  readonly zero?: boolean;
  /** The byte behind the operands. */
  readonly immediate?: number;
}

/** Three fields of an instruction: what it names as `reg`, as `vvvv`, and as `rm`. */
export interface VectorFields {
  readonly register: number;
  readonly second: number;
  readonly last: Vector | Memory;
  readonly bits: 128 | 256 | 512;
}

/** The bytes of a vector instruction: with VEX where that can say it, else with EVEX. */
export function encodeVector(
  instruction: VectorInstruction,
  fields: VectorFields,
  options: VectorOptions = {},
): number[] {
  const { register, second, last, bits } = fields;
  const needsEvex = bits === 512 || options.mask !== undefined || register > 15 || second > 15 ||
    (isMemory(last) ? last.broadcast === true : last.number > 15);
  const prefix = needsEvex ? evex(instruction, fields, options) : vex(instruction, fields);
  const unit = needsEvex ? displacementUnit(instruction, last, bits) : 1;
  const operands = isMemory(last) ? encodeMemory(register, last, unit) : [0xc0 | (register & 7) << 3 | last.number & 7];
  const immediate = instruction.immediate ? [options.immediate! & 0xff] : [];
  return [...prefix, instruction.opcode, ...operands, ...immediate];
}

function vex({ map, prefix }: VectorInstruction, { register, second, last, bits }: VectorFields): number[] {
  const { x, b } = highBits(last);
  return [
    0xc4,
    inverted(register >> 3) << 7 | inverted(x) << 6 | inverted(b) << 5 | map,
    (~second & 15) << 3 | (bits === 256 ? 1 : 0) << 2 | prefix,
  ];
}

function evex(
  { map, prefix, wide }: VectorInstruction,
  { register, second, last, bits }: VectorFields,
  { mask = 0, zero = false }: VectorOptions,
): number[] {
  const { x, b } = highBits(last);
  const broadcast = isMemory(last) && last.broadcast ? 1 : 0;
  return [
    0x62,
    inverted(register >> 3) << 7 | inverted(x) << 6 | inverted(b) << 5 | inverted(register >> 4) << 4 | map,
    (wide ? 1 : 0) << 7 | (~second & 15) << 3 | 1 << 2 | prefix,
    (zero ? 1 : 0) << 7 | Math.log2(bits / 128) << 5 | broadcast << 4 | inverted(second >> 4) << 3 | mask,
  ];
}

/** The bits that extend the last operand's registers: of its index, or the fifth bit of a vector; and of its base. */
function highBits(last: Vector | Memory): { x: number; b: number } {
  return isMemory(last)
    ? { x: (last.index ?? 0) >> 3, b: last.base >> 3 }
    : { x: last.number >> 4, b: last.number >> 3 };
}

function inverted(bit: number): number {
  return ~bit & 1;
}

/** Under EVEX a displacement of one byte counts in units of what is read. */
function displacementUnit({ memory }: VectorInstruction, last: Vector | Memory, bits: number): number {
  if (isMemory(last) && last.broadcast) return 4;
  return memory === undefined
    ? bits / 8
    : { number: 4, bytes16: 16, bytes32: 32, half: bits / 16, quarter: bits / 32 }[memory];
}

/**
 * The bytes ModRM and SIB, and the displacement: none, one byte where it is so many units, or four.
 * @param register What goes into the field `reg`.
 */
export function encodeMemory(register: number, { base, index, scale = 1, displacement }: Memory, unit = 1): number[] {
  if (index === 4) throw new RangeError("Cannot encode an address: got rsp as its index, must be another register");
  if (displacement !== (displacement | 0)) {
    throw new RangeError(`Cannot encode an address: got a displacement of ${displacement}, must fit in 32 bits`);
  }
  const units = displacement / unit;
  // Without a displacement, rbp and r13 mean something else.
  const mode = displacement === 0 && (base & 7) !== 5
    ? 0
    : Number.isInteger(units) && units >= -128 && units < 128
    ? 1
    : 2;
  const reg = (register & 7) << 3;
  const bytes = index === undefined && (base & 7) !== 4
    ? [mode << 6 | reg | base & 7]
    : [mode << 6 | reg | 4, Math.log2(scale) << 6 | ((index ?? 4) & 7) << 3 | base & 7];
  if (mode === 1) bytes.push(units & 0xff);
  if (mode === 2) bytes.push(...littleEndian(displacement));
  return bytes;
}

/** Four bytes, the lowest first. */
export function littleEndian(value: number): number[] {
  return [value & 0xff, value >> 8 & 0xff, value >> 16 & 0xff, value >> 24 & 0xff];
}
