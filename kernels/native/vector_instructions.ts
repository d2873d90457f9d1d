// The vector instructions that kernels use, as the tables of Intel's Software Developer's Manual, volume 2, give them.

/** How an instruction is encoded. */
export interface VectorInstruction {
  /** The mandatory prefix: 0 none, 1 66, 2 F3, 3 F2. */
  readonly prefix: 0 | 1 | 2 | 3;
  /** The opcode's map: 1 0F, 2 0F 38, 3 0F 3A. */
  readonly map: 1 | 2 | 3;
  readonly opcode: number;
  /** The bit W; where the two encodings differ, that of EVEX. */
  readonly wide?: boolean;
  /**
   * What an operand in memory is, which scales a displacement of one byte under EVEX: a whole vector unless said; one
   * number; 32 or 16 bytes; or a half or a quarter of a vector.
   */
  readonly memory?: "number" | "bytes32" | "bytes16" | "half" | "quarter";
  /** In place of a register, in the field of that name: /6. */
  readonly extension?: number;
  /** The general form has a destination and two sources; these have one source, or store. */
  readonly operands?: "one source" | "store";
  /** Takes a byte behind the operands. */
  readonly immediate?: boolean;
}

function arithmetic(opcode: number): VectorInstruction {
  return { prefix: 0, map: 1, opcode };
}

function fused(opcode: number): VectorInstruction {
  return { prefix: 1, map: 2, opcode };
}

/** By the names that assemblers give them. */
export const VECTOR_INSTRUCTIONS = {
  vaddps: arithmetic(0x58),
  vmulps: arithmetic(0x59),
  vsubps: arithmetic(0x5c),
  vminps: arithmetic(0x5d),
  vdivps: arithmetic(0x5e),
  vmaxps: arithmetic(0x5f),
  vxorps: arithmetic(0x57),
  vandps: arithmetic(0x54),
  vandnps: arithmetic(0x55),
  vorps: arithmetic(0x56),
  vunpcklps: arithmetic(0x14),
  vunpckhps: arithmetic(0x15),
  vshufps: { prefix: 0, map: 1, opcode: 0xc6, immediate: true },
  vmovups: { prefix: 0, map: 1, opcode: 0x10, operands: "one source" },
  vmovups_store: { prefix: 0, map: 1, opcode: 0x11, operands: "store" },
  vmovss_store: { prefix: 2, map: 1, opcode: 0x11, operands: "store", memory: "number" },
  vmovss: { prefix: 2, map: 1, opcode: 0x10, operands: "one source", memory: "number" },
  vbroadcastss: { prefix: 1, map: 2, opcode: 0x18, operands: "one source", memory: "number" },
  vfmadd213ps: fused(0xa8),
  vfmadd231ps: fused(0xb8),
  vfnmadd213ps: fused(0xac),
  vfnmadd231ps: fused(0xbc),
  vpxord: { prefix: 1, map: 1, opcode: 0xef },
  vpaddd: { prefix: 1, map: 1, opcode: 0xfe },
  vpslld: { prefix: 1, map: 1, opcode: 0x72, extension: 6, operands: "one source", immediate: true },
  vpsrad: { prefix: 1, map: 1, opcode: 0x72, extension: 4, operands: "one source", immediate: true },
  vshuff32x4: { prefix: 1, map: 3, opcode: 0x23, immediate: true },
  vperm2f128: { prefix: 1, map: 3, opcode: 0x06, immediate: true },
  vextractf128: { prefix: 1, map: 3, opcode: 0x19, operands: "store", immediate: true, memory: "bytes16" },
  vextractf64x4: {
    prefix: 1,
    map: 3,
    opcode: 0x1b,
    wide: true,
    operands: "store",
    immediate: true,
    memory: "bytes32",
  },
  vpmovzxwd: { prefix: 1, map: 2, opcode: 0x33, operands: "one source", memory: "half" },
  vpmovsxbd: { prefix: 1, map: 2, opcode: 0x21, operands: "one source", memory: "quarter" },
  vcvtdq2ps: { prefix: 0, map: 1, opcode: 0x5b, operands: "one source" },
  vpermw: { prefix: 1, map: 2, opcode: 0x8d, wide: true },
  vcvtne2ps2bf16: { prefix: 3, map: 2, opcode: 0x72 },
  vdpbf16ps: { prefix: 2, map: 2, opcode: 0x52 },
  vmaskmovps: { prefix: 1, map: 2, opcode: 0x2c },
  vmaskmovps_store: { prefix: 1, map: 2, opcode: 0x2e },
} as const satisfies Record<string, VectorInstruction>;

/** A vector instruction's name; `_store` tells the form that writes to its first operand in memory. */
export type VectorInstructionName = keyof typeof VECTOR_INSTRUCTIONS;
