import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Assembler, Label } from "../../../kernels/native/assembler.ts";
import { at, r10, r12, r13, r9, rax, rbx, rcx, rsp, xmm, ymm, zmm } from "../../../kernels/native/operands.ts";
import { clearTile, encodeTileSizes } from "../../../kernels/native/tile_instructions.ts";
import { disassemble, missingObjdump } from "./objdump.ts";
import { anyInstruction, normalized } from "./random_instructions.ts";

const because = missingObjdump === undefined ? "" : ` [${missingObjdump}]`;

Deno.test({
  name: `objdump reads every instruction as it was meant, whatever its registers and displacements${because}`,
  ignore: missingObjdump !== undefined,
  fn: async () => {
    const drawn = fc.sample(anyInstruction, { numRuns: 20_000, seed: 5 });
    const assembler = new Assembler();
    const offsets = drawn.map(({ assemble }) => {
      const offset = assembler.size;
      assemble(assembler);
      return offset;
    });
    const read = await disassemble(assembler.finish());
    for (const [i, { text }] of drawn.entries()) {
      assertEquals([read[i]?.offset, normalized(read[i]?.text ?? "")], [offsets[i], normalized(text)]);
    }
    assertEquals(read.length, drawn.length);
  },
});

Deno.test("encodings that GNU as 2.40 gives", () => {
  const encodings: [string, (a: Assembler) => void][] = [
    ["c4 e2 75 b8 10", (a) => a.vector("vfmadd231ps", [ymm(2), ymm(1), at(rax)])],
    ["62 f2 75 58 b8 50 04", (a) => a.vector("vfmadd231ps", [zmm(2), zmm(1), { ...at(rax, 16), broadcast: true }])],
    ["62 41 7c 4b 11 7d 00", (a) => a.vector("vmovups_store", [at(r13), zmm(31)], { mask: 3 })],
    ["62 82 7d 48 18 4c 8c ff", (a) => {
      a.vector("vbroadcastss", [zmm(17), { base: r12, index: r9, scale: 4, displacement: -4 }]);
    }],
    ["c4 c1 78 92 d1", (a) => a.moveMask(2, r9)],
    ["c4 c2 a8 f5 c1", (a) => a.keepLowBits(rax, r9, r10)],
    ["62 e3 fd 48 1b e1 01", (a) => a.vector("vextractf64x4", [ymm(1), zmm(20)], { immediate: 1 })],
  ];
  for (const [hex, assemble] of encodings) {
    const assembler = new Assembler();
    assemble(assembler);
    assertEquals([...assembler.finish()].map((byte) => byte.toString(16).padStart(2, "0")).join(" "), hex);
  }
});

Deno.test("a displacement takes one byte where it is up to 127 units of what is read, else four", () => {
  const sizeAt = (displacement: number, broadcast = false) => {
    const assembler = new Assembler();
    assembler.vector("vmulps", [zmm(0), zmm(1), { ...at(rax, displacement), broadcast }]);
    return assembler.size;
  };
  assertEquals([0, 64, -64, 127 * 64, -128 * 64].map((n) => sizeAt(n)), [6, 7, 7, 7, 7]);
  assertEquals([32, 1, 128 * 64, -129 * 64].map((n) => sizeAt(n)), [10, 10, 10, 10]);
  assertEquals([4, 127 * 4, 128 * 4, 2].map((n) => sizeAt(n, true)), [7, 7, 10, 10]);
});

Deno.test("jumps go to their labels, forwards and backwards", async () => {
  const assembler = new Assembler();
  const [begin, end] = [new Label(), new Label()];
  assembler.bind(begin);
  assembler.jumpIf("equal", end);
  assembler.jumpIf("below", begin);
  assembler.jump(begin);
  assembler.addressOf(r12, end);
  assembler.bind(end);
  assembler.return();
  const code = assembler.finish();
  const view = new DataView(code.buffer);
  assertEquals([2, 8, 13, 20].map((at) => view.getInt32(at, true) + at + 4), [24, 0, 0, 24]);
  if (missingObjdump !== undefined) return;
  const read = await disassemble(code);
  assertEquals(read.map(({ text }) => text.replaceAll(/\s+/g, " ").replace(/ #.*/, "")), [
    "je 0x18",
    "jb 0x0",
    "jmp 0x0",
    "lea r12,[rip+0x0]",
    "ret",
  ]);
});

Deno.test("what cannot be encoded is refused", () => {
  const assembler = new Assembler();
  assertThrows(() => assembler.load(rax, { base: rbx, index: rsp, displacement: 0 }), RangeError, "rsp as its index");
  assertThrows(() => assembler.load(rax, at(rbx, 2 ** 31)), RangeError, "must fit in 32 bits");
  assertThrows(() => assembler.vector("vaddps", [ymm(0), ymm(1)]), RangeError, "got 2 operands, must be 3");
  assertThrows(() => assembler.vector("vaddps", [ymm(0), at(rcx), ymm(1)]), RangeError, "where only a register");
  assertThrows(() => assembler.vector("vmovss", [at(r13), xmm(1)]), RangeError, "where only a register");
  assertThrows(() => clearTile(assembler, 8), RangeError, "Cannot name tile 8: must be below 8");
  for (const size of [{ rows: 17, bytes: 64 }, { rows: 1, bytes: 6 }, { rows: 0, bytes: 4 }, { rows: 1, bytes: 68 }]) {
    assertThrows(() => encodeTileSizes([size]), RangeError, `got ${size.rows} rows of ${size.bytes} bytes`);
  }
  const label = new Label();
  assembler.jump(label);
  assertThrows(() => assembler.finish(), Error, "a label that is nowhere");
  assembler.bind(label);
  assertThrows(() => assembler.bind(label), Error, "twice");
});
