import { assert, assertEquals, assertMatch } from "@std/assert";
import { assembleCpuid, bf16Units, CPUID_WORDS, missingInstructions } from "../../../kernels/native/processor.ts";
import { AVX2 } from "../../../kernels/native/instruction_set.ts";
import { CodeCache } from "../../../lib/backend/native/code_cache.ts";
import { callingConvention, ExecutableMemory } from "../../../lib/backend/native/executable_memory.ts";
import { openFunctionMaker, pointerTo } from "../../../lib/backend/native/native_function.ts";
import { findNativeSupport } from "../../../lib/backend/native/support.ts";

const { unsupported } = findNativeSupport();
const isLinux = Deno.build.os === "linux";

/** What Linux says of the page at an address. */
function mapping(address: bigint): string | undefined {
  return Deno.readTextFileSync("/proc/self/maps").split("\n").find((line) => {
    const [, begin, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [, "0", "0"];
    return BigInt(`0x${begin}`) <= address && address < BigInt(`0x${end}`);
  });
}

Deno.test({
  name: "code lies in pages that can be executed and not written, and is gone when its memory is disposed of",
  ignore: unsupported !== undefined || !isLinux,
  sanitizeResources: false,
  fn: () => {
    const memory = new ExecutableMemory();
    const addresses = [1, 70_000].map((bytes) => memory.place(new Uint8Array(bytes).fill(0xc3)));
    for (const address of addresses) assertMatch(mapping(address)!, /^\S+ r-xp /);
    const end = addresses[1] + 69_999n;
    assertMatch(mapping(end)!, /^\S+ r-xp /);
    openFunctionMaker("linux")(end)(pointerTo(new Uint8Array(1)));
    memory[Symbol.dispose]();
    for (const address of addresses) assert(!mapping(address)?.includes("r-xp"));
    memory[Symbol.dispose]();
  },
});

Deno.test({
  name: "the processor names the same maker to machine code as to Linux",
  ignore: unsupported !== undefined || !isLinux,
  sanitizeResources: false,
  fn: () => {
    using memory = new ExecutableMemory();
    const words = new Uint32Array(6);
    openFunctionMaker("linux")(memory.place(assembleCpuid("systemV")))(pointerTo(new Uint8Array(words.buffer)));
    const { ebx, edx, ecx } = CPUID_WORDS;
    const name = new TextDecoder().decode(Uint32Array.of(words[ebx], words[edx], words[ecx]));
    assertEquals(/vendor_id\s*: (.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1], name);
  },
});

Deno.test({
  name: "instructions are found as Linux lists them",
  ignore: unsupported !== undefined || !isLinux,
  sanitizeResources: false,
  fn: () => {
    const flags = /^flags\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))![1].split(" ");
    const has = (...names: string[]) => names.every((name) => flags.includes(name));
    const set = has("avx512f", "avx512dq", "avx512bw", "avx512vl") ? "avx512" : "avx2";
    assert(has("avx", "avx2", "fma", "bmi2"));
    assertEquals(findNativeSupport().set?.name, set);
    assertEquals(findNativeSupport("avx2").set?.name, "avx2");
  },
});

Deno.test("what a processor or its system lacks is named", () => {
  const [all, saved] = [0xffffffff, 0b11100111];
  const words = { leaf1Ecx: all, leaf7Ebx: all, savedRegisters: saved };
  assertEquals(missingInstructions(words), { avx2: undefined, avx512: undefined });
  const without = (bit: number) => (all & ~(1 << bit)) >>> 0;
  assertEquals(missingInstructions({ ...words, leaf1Ecx: without(12) }), { avx2: "FMA", avx512: "FMA" });
  assertEquals(missingInstructions({ ...words, leaf7Ebx: without(5) }), { avx2: "AVX2", avx512: "AVX2" });
  assertEquals(missingInstructions({ ...words, leaf7Ebx: without(8) }), { avx2: "BMI2", avx512: "BMI2" });
  assertEquals(missingInstructions({ ...words, leaf7Ebx: without(31) }), { avx2: undefined, avx512: "AVX512VL" });
  const unsaved = "a system that saves the registers of";
  assertEquals(missingInstructions({ ...words, savedRegisters: 7 }), { avx2: undefined, avx512: `${unsaved} AVX-512` });
  assertEquals(missingInstructions({ ...words, savedRegisters: 0 }).avx2, `${unsaved} AVX`);
});

Deno.test("what can multiply numbers of bf16 is what the processor has and the system saves", () => {
  const all = 2 ** 32 - 1;
  const words = { leaf1Ecx: all, leaf7Ebx: all, leaf7Edx: all, leaf7Part1Eax: all, savedRegisters: all };
  const without = (...bits: number[]) => bits.reduce((rest, bit) => rest - 2 ** bit, all);
  assertEquals(bf16Units(words), ["amx", "avx512"]);
  for (const bit of [22, 24]) assertEquals(bf16Units({ ...words, leaf7Edx: without(bit) }), ["avx512"]);
  for (const bit of [17, 18]) assertEquals(bf16Units({ ...words, savedRegisters: without(bit) }), ["avx512"]);
  assertEquals(bf16Units({ ...words, leaf7Part1Eax: without(5) }), []);
  assertEquals(bf16Units({ ...words, leaf7Ebx: without(16) }), []);
  assertEquals(bf16Units({ leaf1Ecx: all, leaf7Ebx: all, savedRegisters: all }), []);
});

Deno.test({
  name: "functions of one name that assemble other code do not share it, and calls of one shape do",
  ignore: unsupported !== undefined,
  sanitizeResources: false,
  fn: () => {
    using code = new CodeCache(AVX2, callingConvention(Deno.build.os)!, 1);
    const [first, second] = [0xc3, 0x90].map((byte) => {
      return function assemble(): Uint8Array<ArrayBuffer> {
        return new Uint8Array(8).fill(byte);
      };
    });
    assertEquals(first.name, second.name);
    const shape = { rowBytes: 4 };
    const address = code.addressOf(first, shape);
    assertEquals(code.addressOf(first, { ...shape }), address);
    assert(code.addressOf(first, { rowBytes: 8 }) !== address);
    assert(code.addressOf(second, shape) !== address);
  },
});
