// Code for Microsoft's calling convention, called on any system: from a function that keeps to System V's.
import { assert, assertEquals } from "@std/assert";
import { Assembler, Label } from "../../../kernels/native/assembler.ts";
import { type CallingConvention, enter, leave, PARAMETER_BYTES } from "../../../kernels/native/calling.ts";
import {
  at,
  r12,
  r13,
  r14,
  r15,
  r8,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  type Register,
  rsi,
  xmm,
} from "../../../kernels/native/operands.ts";
import { assembleProduct } from "../../../kernels/native/product.ts";
import { PRODUCT_PARAMETERS } from "../../../kernels/native/product_shape.ts";
import { assembleSwigluForward, SWIGLU_PARAMETERS } from "../../../kernels/native/swiglu.ts";
import { ExecutableMemory } from "../../../lib/backend/native/executable_memory.ts";
import { openFunctionMaker, pointerTo } from "../../../lib/backend/native/native_function.ts";
import type { CallingSystem } from "../../../lib/backend/native/system_library.ts";
import { Random } from "../../harness/random.ts";
import { forEachSet, type Machine } from "./machine.ts";

/** What Microsoft's convention has a function keep. */
const KEPT: readonly Register[] = [rbx, rbp, rdi, rsi, r12, r13, r14, r15];
const KEPT_VECTORS = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** Where the caller below reads and writes, behind the parameters: vectors before, registers and vectors after. */
const BEFORE = Math.ceil(PARAMETER_BYTES / 64) * 64;
const AFTER = BEFORE + KEPT_VECTORS.length * 16;
const VECTORS_AFTER = AFTER + KEPT.length * 8;
const BYTES = VECTORS_AFTER + KEPT_VECTORS.length * 16;

const valueOf = (register: Register) => 0x1234_5678_9abc_0000n + BigInt(register);

/** Calls code of Microsoft's convention with known values in the registers that it must keep, and notes them afterwards. */
function assembleCaller(target: bigint, convention: CallingConvention): Uint8Array<ArrayBuffer> {
  const assembler = new Assembler();
  const back = new Label();
  enter(assembler, convention);
  for (const [i, number] of KEPT_VECTORS.entries()) {
    assembler.vector("vmovups", [xmm(number), at(rdi, BEFORE + i * 16)]);
  }
  assembler.push(rdi);
  assembler.move(rcx, rdi);
  for (const register of KEPT) assembler.moveNumber(register, valueOf(register));
  // A call: the address to come back to, then a return into the code.
  assembler.addressOf(rax, back);
  assembler.push(rax);
  assembler.moveNumber(rax, target);
  assembler.push(rax);
  assembler.return();
  assembler.bind(back);
  assembler.pop(r8);
  KEPT.forEach((register, i) => assembler.store64(at(r8, AFTER + i * 8), register));
  for (const [i, number] of KEPT_VECTORS.entries()) {
    assembler.vector("vmovups_store", [at(r8, VECTORS_AFTER + i * 16), xmm(number)]);
  }
  leave(assembler, convention);
  return assembler.finish();
}

/** Runs code of Microsoft's convention on parameters, and asserts that it kept what it must. */
function callAsWindows(code: Uint8Array<ArrayBuffer>, machine: Machine, words: readonly number[]): void {
  using memory = new ExecutableMemory();
  const caller = assembleCaller(memory.place(code), machine.convention);
  const call = openFunctionMaker(Deno.build.os as CallingSystem)(memory.place(caller));
  // The parameters as the machine has them, with room behind.
  const bytes = new Uint8Array(BYTES);
  bytes.set(new Uint8Array(machine.memory.buffer, 0, 8));
  new Uint32Array(bytes.buffer, 8).set(words);
  const before = new Random(3).integers(KEPT_VECTORS.length * 4, 2 ** 32);
  new Uint32Array(bytes.buffer, BEFORE, before.length).set(before);
  call(pointerTo(bytes));
  assertEquals(
    [...new BigUint64Array(bytes.buffer, AFTER, KEPT.length)],
    KEPT.map(valueOf),
    "registers that the caller needs are changed",
  );
  assertEquals(
    [...new Uint32Array(bytes.buffer, VECTORS_AFTER, before.length)],
    [...before],
    "vectors that the caller needs are changed",
  );
}

/** Runs code of this system's convention on the same parameters. */
function callHere(code: Uint8Array<ArrayBuffer>, machine: Machine, words: readonly number[]): void {
  machine.parameters.words.set(words);
  machine.place(code)(machine.parameters.pointer);
}

forEachSet("code for Windows keeps what the caller needs, and computes the same bits", (set, machine) => {
  const random = new Random(1);
  const fill = (size: number) => {
    const array = machine.array(size);
    array.values.set(random.normal(size));
    return array;
  };
  const [gate, up] = [fill(77), fill(77)];
  const results = (["systemV", "windows"] as const).map((convention) => {
    const y = machine.array(77);
    const words = Array<number>(4).fill(0);
    words[SWIGLU_PARAMETERS.gate] = gate.address;
    words[SWIGLU_PARAMETERS.up] = up.address;
    words[SWIGLU_PARAMETERS.y] = y.address;
    words[SWIGLU_PARAMETERS.count] = 77;
    const call = convention === machine.convention ? callHere : callAsWindows;
    if (convention === "windows" || convention === machine.convention) {
      call(assembleSwigluForward(set, convention), machine, words);
    }
    y.check("y");
    return y.values;
  });
  if (machine.convention === "systemV") assertEquals(results[1], results[0]);

  const shape = {
    ...{ layoutOfA: "across", aRowBytes: 20, cRowBytes: 12, edge: 3 } as const,
    heights: [set.tileRows, 0] as const,
  };
  const [a, b] = [fill(set.tileRows * 5), fill(5 * set.lanes)];
  const products = (["systemV", "windows"] as const).map((convention) => {
    const c = machine.array(set.tileRows * 3);
    const words = Array<number>(11).fill(0);
    words[PRODUCT_PARAMETERS.a] = a.address;
    words[PRODUCT_PARAMETERS.b] = b.address;
    words[PRODUCT_PARAMETERS.c] = c.address;
    words[PRODUCT_PARAMETERS.copy] = machine.scratch;
    words[PRODUCT_PARAMETERS.depth] = 5;
    words[PRODUCT_PARAMETERS.firstTiles] = 1;
    words[PRODUCT_PARAMETERS.hasEdge] = 1;
    const call = convention === machine.convention ? callHere : callAsWindows;
    if (convention === "windows" || convention === machine.convention) {
      call(assembleProduct(set, convention, shape), machine, words);
    }
    c.check("c");
    return c.values;
  });
  if (machine.convention === "systemV") assertEquals(products[1], products[0]);
  assert(products[1].every(Number.isFinite));
});
