/**
 * Compiles the AssemblyScript kernels in kernels/simd into the modules that the wasm backend and the tokenizer load.
 *
 *   deno task build-kernels
 *
 * The modules are committed, so that nobody needs the compiler to run the project; tests/kernels/simd_build_test.ts
 * compiles them again and compares.
 */
import asc from "assemblyscript/asc";
import { writeFileAtomically } from "../lib/io/atomic.ts";
import { runProgram } from "./cli/program.ts";
import { runTask } from "./cli/run.ts";

const HELP = `
Compiles kernels/simd/*.ts (AssemblyScript) into kernels/simd/kernels.wasm.b64, and kernels/simd/tokenizer/*.ts into
kernels/simd/tokenizer.wasm.b64.

  deno task build-kernels
`;

const KERNELS = new URL("../kernels/simd/", import.meta.url);

/** Width of the lines of base64: in lines, so that version control can store changes. */
const LINE_WIDTH = 120;

/** A module to compile: from `index.ts` in the directory `source`, into the text file `file`. */
export interface KernelModule {
  readonly source: URL;
  readonly file: URL;
  readonly flags: readonly string[];
}

const COMMON_FLAGS = [
  ...["--enable", "simd", "--runtime", "stub", "-O3", "--noAssert", "--initialMemory", "1"],
  // Warnings about 64-bit memory, and about v128 as a parameter of functions that are not exported.
  ...["--disableWarning", "201", "--disableWarning", "112"],
];

/** The modules of this project. */
export const KERNEL_MODULES: readonly KernelModule[] = [
  {
    source: KERNELS,
    file: new URL("kernels.wasm.b64", KERNELS),
    flags: [
      ...["--enable", "relaxed-simd", "--enable", "threads"],
      // 4 GiB at most: all that 32-bit pointers reach.
      ...["--importMemory", "--sharedMemory", "--maximumMemory", "65536"],
    ],
  },
  {
    // Each thread that counts or encodes has an instance and a memory of its own.
    source: new URL("tokenizer/", KERNELS),
    file: new URL("tokenizer.wasm.b64", KERNELS),
    flags: [],
  },
];

/**
 * AssemblyScript inlines what has the decorator `@inline`, but Deno's formatter, which takes the sources for TypeScript,
 * removes decorators of functions. So the sources carry the tag in the comment, and it becomes a decorator here.
 */
function decorate(source: string): string {
  return source.replaceAll(/@inline\s*\*\/\s*(?=(?:export )?function )/g, (tag) => `${tag}@inline `);
}

/**
 * Compiles a module.
 * @throws {Error} With the compiler's messages, if a source is wrong.
 */
export async function compileKernels({ source, flags }: KernelModule): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main(["index.ts", "--outFile", "kernels.wasm", ...COMMON_FLAGS, ...flags], {
    readFile: async (name) => {
      try {
        return decorate(await Deno.readTextFile(new URL(name, source)));
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
  if (error || wasm === undefined) throw new Error(`Cannot compile ${source.pathname}: ${error?.message}\n${stderr}`);
  return wasm;
}

/** The text form of a module: base64 in lines. */
export function encodeModule(wasm: Uint8Array<ArrayBuffer>): string {
  return wasm.toBase64().replaceAll(new RegExp(`.{1,${LINE_WIDTH}}`, "g"), "$&\n");
}

/** Runs the task. */
export async function main(args: string[]): Promise<number> {
  return await runTask({ name: "build-kernels", help: HELP, flags: {} }, args, async () => {
    for (const module of KERNEL_MODULES) {
      const wasm = await compileKernels(module);
      await writeFileAtomically(module.file.pathname, encodeModule(wasm));
      console.log(`${module.file.pathname.split("/").at(-1)}: ${wasm.length} bytes of wasm`);
    }
  });
}

if (import.meta.main) await runProgram(main);
