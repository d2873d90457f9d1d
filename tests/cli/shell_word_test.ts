import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { shellPath } from "../../tasks/cli/shell_word.ts";

Deno.test("a path that is pasted into a shell is the same path there, and no flag", async () => {
  const paths = fc.sample(fc.string({ minLength: 1 }).filter((text) => !text.includes("\0")), { seed: 4, numRuns: 60 });
  paths.push("out/run", "my run", "it's", "$HOME", "*", "-x", "--force", "a\nb", "`ls`", "é/ü", "~", "#", "a;b");
  const words = paths.map(shellPath).join(" ");
  // Each with a byte after it that no path has.
  const command = new Deno.Command("sh", { args: ["-c", `printf '%s\\0' ${words}`], stdout: "piped" });
  const { stdout } = await command.output();
  const read = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
  assertEquals(read, paths.map((path) => path.startsWith("-") ? `./${path}` : path));
  assertEquals(shellPath("out/run-3_b@4"), "out/run-3_b@4");
});
