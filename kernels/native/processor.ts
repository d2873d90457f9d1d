// Asks the processor what it can do.
import { Assembler } from "./assembler.ts";
import type { Bf16Unit } from "./bf16/product_shape.ts";
import { type CallingConvention, enter, leave } from "./calling.ts";
import { at, rax, rbx, rcx, rdi, rdx } from "./operands.ts";

/** Numbers that `assembleCpuid` reads and writes, each of 32 bits. */
export const CPUID_WORDS = { leaf: 0, part: 1, eax: 2, ebx: 3, ecx: 4, edx: 5 } as const;

/** CPUID: of a leaf and a part of it, what comes back in four registers. Takes the address of `CPUID_WORDS`. */
export function assembleCpuid(convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const word = (index: number) => at(rdi, index * 4);
  enter(assembler, convention, "general registers alone");
  assembler.load(rax, word(CPUID_WORDS.leaf));
  assembler.load(rcx, word(CPUID_WORDS.part));
  assembler.cpuid();
  assembler.store(word(CPUID_WORDS.eax), rax);
  assembler.store(word(CPUID_WORDS.ebx), rbx);
  assembler.store(word(CPUID_WORDS.ecx), rcx);
  assembler.store(word(CPUID_WORDS.edx), rdx);
  leave(assembler, convention, "general registers alone");
  return assembler.finish();
}

/** XGETBV: which registers the operating system saves. Only where CPUID says that it exists. */
export function assembleXgetbv(convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  enter(assembler, convention, "general registers alone");
  assembler.moveNumber(rcx, 0n);
  assembler.xgetbv();
  assembler.store(at(rdi, CPUID_WORDS.eax * 4), rax);
  leave(assembler, convention, "general registers alone");
  return assembler.finish();
}

/** What CPUID's leaves 1 and 7, the latter's part 1, and XGETBV say. */
export interface ProcessorWords {
  readonly leaf1Ecx: number;
  readonly leaf7Ebx: number;
  readonly leaf7Edx?: number;
  readonly leaf7Part1Eax?: number;
  /** 0 where there is no XGETBV. */
  readonly savedRegisters: number;
}

/** Bits of CPUID, by what lacks where they are not set. Source: Intel's manual, volume 2, CPUID. */
const LEAF_1 = { FMA: 12, XGETBV: 27, AVX: 28 };
const LEAF_7_AVX2 = { AVX2: 5, BMI2: 8 };
const LEAF_7_AVX512 = { AVX512F: 16, AVX512DQ: 17, AVX512BW: 30, AVX512VL: 31 };
const LEAF_7_AMX = { AMX_BF16: 22, AMX_TILE: 24 };
const LEAF_7_PART_1 = { AVX512_BF16: 5 };
/** Of XGETBV: SSE and AVX; and beside them masks, upper halves and upper registers. */
const SAVED_AVX = 0b110;
const SAVED_AVX512 = 0b11100110;
/** AMX's tiles and their sizes, which the system saves only for programs that ask it. */
const SAVED_TILES = 0b11 << 17;

/** Whether XGETBV may be asked. */
export function hasXgetbv(leaf1Ecx: number): boolean {
  return (leaf1Ecx >>> LEAF_1.XGETBV & 1) === 1;
}

/** What is missing for kernels of 256 bits, and for those of 512; nothing where it is `undefined`. */
export function missingInstructions(
  { leaf1Ecx, leaf7Ebx, savedRegisters }: ProcessorWords,
): { readonly avx2?: string; readonly avx512?: string } {
  const unsaved = (mask: number, what: string) =>
    (savedRegisters & mask) === mask ? undefined : `a system that saves the registers of ${what}`;
  const avx2 = lacking(leaf1Ecx, LEAF_1) ?? lacking(leaf7Ebx, LEAF_7_AVX2) ?? unsaved(SAVED_AVX, "AVX");
  return { avx2, avx512: avx2 ?? lacking(leaf7Ebx, LEAF_7_AVX512) ?? unsaved(SAVED_AVX512, "AVX-512") };
}

/**
 * What can multiply numbers of bf16, the fastest first: nothing where there are no vectors of 512 bits. AMX may be used only
 * when the system has permitted it.
 */
export function bf16Units(words: ProcessorWords): readonly Bf16Unit[] {
  if (missingInstructions(words).avx512 !== undefined) return [];
  const { leaf7Edx = 0, leaf7Part1Eax = 0, savedRegisters } = words;
  // What packs numbers for AMX is of AVX512_BF16.
  if (lacking(leaf7Part1Eax, LEAF_7_PART_1) !== undefined) return [];
  const hasTiles = lacking(leaf7Edx, LEAF_7_AMX) === undefined && (savedRegisters & SAVED_TILES) === SAVED_TILES;
  return hasTiles ? ["amx", "avx512"] : ["avx512"];
}

/** The first of some bits that is not set, by its name. */
function lacking(word: number, bits: Readonly<Record<string, number>>): string | undefined {
  return Object.entries(bits).find(([, bit]) => (word >>> bit & 1) === 0)?.[0];
}
