// Instructions drawn at random, each with what a disassembler should say of it.
import fc from "fast-check";
import type { Assembler } from "../../../kernels/native/assembler.ts";
import type { Memory, Vector } from "../../../kernels/native/operands.ts";
import { isMemory } from "../../../kernels/native/operands.ts";
import {
  clearTile,
  loadTile,
  loadTileSizes,
  multiplyTiles,
  releaseTiles,
  storeTile,
} from "../../../kernels/native/tile_instructions.ts";
import {
  VECTOR_INSTRUCTIONS,
  type VectorInstruction,
  type VectorInstructionName,
} from "../../../kernels/native/vector_instructions.ts";

/** An instruction: how to assemble it, and its text in Intel's syntax as `normalized` leaves it. */
export interface Drawn {
  readonly assemble: (assembler: Assembler) => void;
  readonly text: string;
}

const WIDE = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const NARROW = "eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d".split(" ");

const register = fc.nat(15);
/** Around where a displacement needs no byte, one or four, in units or not. */
const displacement = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -130, max: 130 }),
  fc.integer({ min: -130, max: 130 }).map((n) => n * 4),
  fc.integer({ min: -130, max: 130 }).map((n) => n * 16),
  fc.integer({ min: -130, max: 130 }).map((n) => n * 32),
  fc.integer({ min: -130, max: 130 }).map((n) => n * 64),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const memory: fc.Arbitrary<Memory> = fc.record({ base: register, displacement }).chain((plain) =>
  fc.oneof(
    fc.constant(plain),
    fc.record({
      base: fc.constant(plain.base),
      displacement: fc.constant(plain.displacement),
      index: register.filter((number) => number !== 4),
      scale: fc.constantFrom(1, 2, 4, 8),
    }),
  )
);

/** A disassembler's text without spaces, sizes of operands, and what does not matter. */
export function normalized(text: string): string {
  return text.replaceAll(/DWORD BCST (\[[^\]]*\])(?:\{1to16\})?/g, "$1{1to16}")
    .replaceAll(/(?:BYTE|DWORD|QWORD|XMMWORD|YMMWORD|ZMMWORD) PTR /g, "")
    .replaceAll("+0x0]", "]").replaceAll(/\s+#.*$/gm, "").replaceAll(/\s+/g, " ").trim();
}

function hex(value: number): string {
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function memoryText({ base, index, scale = 1, displacement }: Memory): string {
  const parts = [WIDE[base]];
  if (index !== undefined) parts.push(`${WIDE[index]}*${scale}`);
  const sign = displacement < 0 ? "" : "+";
  return `[${parts.join("+")}${sign}${hex(displacement)}]`;
}

function vectorText({ bits, number }: Vector): string {
  return `${{ 128: "x", 256: "y", 512: "z" }[bits]}mm${number}`;
}

/** Instructions that exist in one of the encodings alone, or whose name depends on it. */
const ONLY_VEX = new Set(["vmaskmovps", "vmaskmovps_store", "vperm2f128", "vextractf128"]);
const ONLY_512 = new Set(["vpxord", "vshuff32x4", "vextractf64x4", "vpermw", "vcvtne2ps2bf16", "vdpbf16ps"]);
/** Words have no broadcast, and those that are made of numbers have a mask for each. */
const WORDS = new Set(["vpermw", "vcvtne2ps2bf16"]);
const SCALAR = new Set(["vmovss", "vmovss_store"]);

/** A vector instruction of any kind. */
const vectorInstruction: fc.Arbitrary<Drawn> = fc.constantFrom(
  ...Object.keys(VECTOR_INSTRUCTIONS) as VectorInstructionName[],
).chain((name) => {
  const instruction: VectorInstruction = VECTOR_INSTRUCTIONS[name];
  const store = name.endsWith("_store") || instruction.operands === "store";
  const widths = ONLY_VEX.has(name) ? [256] : ONLY_512.has(name) ? [512] : SCALAR.has(name) ? [128] : [256, 512];
  const takesMemory = instruction.extension === undefined;
  const needsMemory = SCALAR.has(name) || ONLY_VEX.has(name) && name.startsWith("vmask") || name === "vbroadcastss";
  return fc.record({
    bits: fc.constantFrom(...widths as Vector["bits"][]),
    numbers: fc.tuple(fc.nat(31), fc.nat(31), fc.nat(31)),
    memory: takesMemory ? needsMemory ? memory : fc.option(memory, { nil: undefined }) : fc.constant(undefined),
    broadcast: fc.boolean(),
    mask: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
    zero: fc.boolean(),
    immediate: fc.nat(255),
  }).map(({ bits, numbers, memory, broadcast, mask, zero, immediate }) => {
    const isVex = bits !== 512;
    const vector = (i: number): Vector => ({ number: isVex ? numbers[i] & 15 : numbers[i], bits });
    const canBroadcast = bits === 512 && instruction.operands === undefined && instruction.memory === undefined &&
      !WORDS.has(name);
    const isBroadcast = memory !== undefined && broadcast && canBroadcast;
    const last = memory === undefined ? smaller(name, vector(2)) : isBroadcast ? { ...memory, broadcast } : memory;
    const others = instruction.operands === undefined ? [vector(0), vector(1)] : [vector(0)];
    const operands = store ? [last, ...others] : [...others, last];
    const isMasked = !isVex && mask !== undefined;
    // To memory, lanes outside of the mask can only stay as they are.
    const zeroes = isMasked && zero && !(store && isMemory(last));
    const options = { ...isMasked ? { mask, zero: zeroes } : {}, immediate };
    const texts = operands.map((operand) =>
      isMemory(operand) ? memoryText(operand) + (operand.broadcast ? "{1to16}" : "") : vectorText(operand)
    );
    if (isMasked) texts[0] += `{k${mask}}${zeroes ? "{z}" : ""}`;
    if (instruction.immediate) texts.push(hex(immediate));
    return {
      assemble: (assembler: Assembler) => assembler.vector(name, operands, options),
      text: `${name.replace("_store", "")} ${texts.join(",")}`,
    };
  });
});

/** What is extracted is smaller than what it is extracted from, and what is widened than what it becomes. */
function smaller(name: string, vector: Vector): Vector {
  if (name === "vpmovzxwd") return { ...vector, bits: vector.bits === 512 ? 256 : 128 };
  if (name === "vpmovsxbd") return { ...vector, bits: 128 };
  if (name === "vextractf128") return { ...vector, bits: 128 };
  return name === "vextractf64x4" ? { ...vector, bits: 256 } : vector;
}

/** An instruction on general registers. */
const generalInstruction: fc.Arbitrary<Drawn> = fc.oneof(
  fc.tuple(register, register).map(([to, from]) => ({
    assemble: (a: Assembler) => a.move(to, from),
    text: `mov ${WIDE[to]},${WIDE[from]}`,
  })),
  fc.tuple(register, fc.bigInt(1n << 32n, (1n << 63n) - 1n)).map(([to, value]) => ({
    assemble: (a: Assembler) => a.moveNumber(to, value),
    text: `movabs ${WIDE[to]},0x${value.toString(16)}`,
  })),
  fc.tuple(register, memory).map(([to, from]) => ({
    assemble: (a: Assembler) => a.load(to, from),
    text: `mov ${NARROW[to]},${memoryText(from)}`,
  })),
  fc.tuple(register, memory).map(([to, from]) => ({
    assemble: (a: Assembler) => a.load64(to, from),
    text: `mov ${WIDE[to]},${memoryText(from)}`,
  })),
  fc.tuple(register, memory).map(([from, to]) => ({
    assemble: (a: Assembler) => a.store(to, from),
    text: `mov ${memoryText(to)},${NARROW[from]}`,
  })),
  fc.tuple(register, memory).map(([from, to]) => ({
    assemble: (a: Assembler) => a.store64(to, from),
    text: `mov ${memoryText(to)},${WIDE[from]}`,
  })),
  fc.tuple(register, memory).map(([to, from]) => ({
    assemble: (a: Assembler) => a.addMemory(to, from),
    text: `add ${WIDE[to]},${memoryText(from)}`,
  })),
  fc.tuple(memory, fc.nat(2 ** 31 - 1)).map(([place, value]) => ({
    assemble: (a: Assembler) => a.compareMemory(place, value),
    text: `cmp ${memoryText(place)},${hex(value)}`,
  })),
  fc.tuple(register, memory).map(([to, of]) => ({
    assemble: (a: Assembler) => a.address(to, of),
    text: `lea ${WIDE[to]},${memoryText(of)}`,
  })),
  fc.tuple(fc.constantFrom("add", "or", "and", "sub", "xor", "cmp"), register, register).map(([name, to, from]) => ({
    assemble: (a: Assembler) => a.operate(name as "add", to, from),
    text: `${name} ${WIDE[to]},${WIDE[from]}`,
  })),
  fc.tuple(fc.constantFrom("add", "or", "and", "sub", "xor", "cmp"), register, fc.integer({ min: -300, max: 70000 }))
    .map(([name, to, value]) => ({
      assemble: (a: Assembler) => a.operateNumber(name as "add", to, value),
      text: `${name} ${WIDE[to]},${value < 0 ? `0x${(BigInt(value) + (1n << 64n)).toString(16)}` : hex(value)}`,
    })),
  fc.tuple(register, register, fc.nat(2 ** 31 - 1)).map(([to, from, value]) => ({
    assemble: (a: Assembler) => a.multiply(to, from, value),
    text: `imul ${WIDE[to]},${WIDE[from]},${hex(value)}`,
  })),
  fc.tuple(register, fc.integer({ min: 2, max: 63 })).map(([to, bits]) => ({
    assemble: (a: Assembler) => a.shift("left", to, bits),
    text: `shl ${WIDE[to]},${hex(bits)}`,
  })),
  fc.tuple(register, fc.integer({ min: 2, max: 63 })).map(([to, bits]) => ({
    assemble: (a: Assembler) => a.shift("right", to, bits),
    text: `shr ${WIDE[to]},${hex(bits)}`,
  })),
  fc.tuple(register, register, register).map(([to, from, index]) => ({
    assemble: (a: Assembler) => a.keepLowBits(to, from, index),
    text: `bzhi ${WIDE[to]},${WIDE[from]},${WIDE[index]}`,
  })),
  fc.tuple(fc.integer({ min: 1, max: 7 }), register).map(([mask, from]) => ({
    assemble: (a: Assembler) => a.moveMask(mask, from),
    text: `kmovw k${mask},${NARROW[from]}`,
  })),
  memory.map((from) => ({
    assemble: (a: Assembler) => a.prefetch(from),
    text: `prefetcht0 ${memoryText(from)}`,
  })),
  register.map((number) => ({ assemble: (a: Assembler) => a.push(number), text: `push ${WIDE[number]}` })),
  register.map((number) => ({ assemble: (a: Assembler) => a.pop(number), text: `pop ${WIDE[number]}` })),
  fc.constantFrom<Drawn>(
    { assemble: (a) => a.return(), text: "ret" },
    { assemble: (a) => a.cpuid(), text: "cpuid" },
    { assemble: (a) => a.xgetbv(), text: "xgetbv" },
    { assemble: (a) => a.zeroUpper(), text: "vzeroupper" },
  ),
);

const tile = fc.nat(7);
/** What a tile's rows are found by. */
const rows: fc.Arbitrary<Memory> = fc.record({
  base: register,
  displacement,
  index: register.filter((number) => number !== 4),
  scale: fc.constant(1 as const),
});

/** An instruction of AMX. */
const tileInstruction: fc.Arbitrary<Drawn> = fc.oneof(
  fc.tuple(tile, rows).map(([to, from]) => ({
    assemble: (a: Assembler) => loadTile(a, to, from),
    text: `tileloadd tmm${to},${memoryText(from)}`,
  })),
  fc.tuple(tile, rows).map(([from, to]) => ({
    assemble: (a: Assembler) => storeTile(a, to, from),
    text: `tilestored ${memoryText(to)},tmm${from}`,
  })),
  // The three must differ.
  fc.uniqueArray(tile, { minLength: 3, maxLength: 3 }).map(([sums, left, right]) => ({
    assemble: (a: Assembler) => multiplyTiles(a, sums, left, right),
    text: `tdpbf16ps tmm${sums},tmm${left},tmm${right}`,
  })),
  tile.map((number) => ({ assemble: (a: Assembler) => clearTile(a, number), text: `tilezero tmm${number}` })),
  memory.map((from) => ({ assemble: (a: Assembler) => loadTileSizes(a, from), text: `ldtilecfg ${memoryText(from)}` })),
  fc.constant<Drawn>({ assemble: releaseTiles, text: "tilerelease" }),
);

/** Any instruction. */
export const anyInstruction: fc.Arbitrary<Drawn> = fc.oneof(
  { arbitrary: vectorInstruction, weight: 3 },
  { arbitrary: generalInstruction, weight: 1 },
  { arbitrary: tileInstruction, weight: 1 },
);
