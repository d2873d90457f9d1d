// GNU objdump, an independent reader of machine code.

/** Why this machine has none that can be used, if so. */
export const missingObjdump: string | undefined = await findProblem();

async function findProblem(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("objdump", { args: ["--version"], stdout: "null" }).output();
    return success ? undefined : "objdump does not work";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "objdump is not installed";
    throw error;
  }
}

/** An instruction that was read: where it begins, and its text in Intel's syntax. */
export interface Disassembled {
  readonly offset: number;
  readonly text: string;
}

/** Reads x86-64 machine code. */
export async function disassemble(code: Uint8Array): Promise<Disassembled[]> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, code);
    const args = ["-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", file];
    const { stdout } = await new Deno.Command("objdump", { args }).output();
    const lines = new TextDecoder().decode(stdout).matchAll(/^\s*([0-9a-f]+):\s+(.*)$/gm);
    return [...lines].map(([, offset, text]) => ({ offset: parseInt(offset, 16), text }));
  } finally {
    await Deno.remove(file);
  }
}
