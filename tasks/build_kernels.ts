/**
 * Compiles the AssemblyScript kernels in kernels/simd into the module that the wasm backend loads.
 *
 *   deno task build-kernels
 *
 * The module is committed, so that nobody needs the compiler to run the project; tests/kernels/simd_build_test.ts
 * compiles it again and compares.
 */
import asc from "assemblyscript/asc";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Compiles kernels/simd/*.ts (AssemblyScript) into kernels/simd/kernels.wasm.b64.

  deno task build-kernels
`;

const KERNELS = new URL("../kernels/simd/", import.meta.url);

/** The module's path, and the width of its lines: base64 in lines, so that version control can store changes. */
export const MODULE_FILE = new URL("kernels.wasm.b64", KERNELS);
const LINE_WIDTH = 120;

const COMPILER_FLAGS = [
  ...["--enable", "simd", "--enable", "relaxed-simd", "--enable", "threads"],
  ...["--runtime", "stub", "-O3", "--noAssert"],
  // 4 GiB at most: all that 32-bit pointers reach.
  ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
];

/**
 * AssemblyScript inlines what has the decorator `@inline`, but Deno's formatter, which takes the sources for TypeScript,
 * removes decorators of functions. So the sources carry the tag in the comment, and it becomes a decorator here.
 */
function decorate(source: string): string {
  return source.replaceAll(/@inline\s*\*\/\s*(?=(?:export )?function )/g, (tag) => `${tag}@inline `);
}

/**
 * Compiles the kernels.
 * @throws {Error} With the compiler's messages, if a source is wrong.
 */
export async function compileKernels(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "kernels.wasm", ...COMPILER_FLAGS], {
    readFile: async (name) => {
      try {
        return decorate(await Deno.readTextFile(new URL(name, KERNELS)));
      } catch (cause) {
        // The compiler tries several names for an import.
        if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return null;
        throw cause;
      }
    },
    writeFile: (name, contents) => {
      if (name === "kernels.wasm" && typeof contents !== "string") wasm = new Uint8Array(contents);
    },
    listFiles: () => [],
  });
  if (error || wasm === undefined) throw new Error(`Cannot compile kernels/simd: ${error?.message}\n${stderr}`);
  return wasm;
}

/** The text form of a module: base64 in lines. */
export function encodeModule(wasm: Uint8Array<ArrayBuffer>): string {
  return wasm.toBase64().replaceAll(new RegExp(`.{1,${LINE_WIDTH}}`, "g"), "$&\n");
}

/** Runs the task. */
export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "build-kernels", help: HELP, flags: {} }, args, async () => {
    const wasm = await compileKernels();
    await writeFileAtomically(MODULE_FILE.pathname, encodeModule(wasm));
    console.log(`kernels/simd/kernels.wasm.b64: ${wasm.length} bytes of wasm`);
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
