import { assertEquals } from "@std/assert";

const PROGRAM = (body: string) => `
  import { runTask } from "./tasks/cli/run.ts";
  import { writeOut } from "./tasks/cli/standard_output.ts";
  Deno.exit(await runTask({ name: "t", help: "", flags: {} }, [], async () => { ${body} }));`;

/** Runs the body of a task with its output sent somewhere by the shell. */
async function run(body: string, to: string): Promise<{ readonly code: number; readonly said: string }> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", `{ "$0" eval "$1"; echo "code $?" >&2; } ${to}`, Deno.execPath(), PROGRAM(body)],
    cwd: new URL("../..", import.meta.url),
  }).output();
  assertEquals(code, 0);
  const [, said, exit] = /^([^]*)code (\d+)\n$/.exec(new TextDecoder().decode(stderr))!;
  return { code: Number(exit), said };
}

Deno.test({
  name: "what cannot be written to standard output is said of it, and of a reader that has gone away nothing",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const nested = 'Deno.exit(await runTask({ name: "u", help: "", flags: {} }, [], () => console.log("x")));';
    for (
      const body of [
        'console.log("x");',
        nested,
        "await writeOut(new Uint8Array(9)); await writeOut(new Uint8Array(9));",
      ]
    ) {
      assertEquals(await run(body, ">/dev/full"), {
        code: 1,
        said: 'error: Cannot write standard output: got "No space left on device (os error 28)", must have room. ' +
          "Free some space on that disk\n",
      });
      if (body === nested) continue;
      // Long enough for any pipe.
      assertEquals(await run(`for (let i = 0; i < 1e6; i++) { ${body} }`, "| true"), { code: 0, said: "" });
    }
  },
});
