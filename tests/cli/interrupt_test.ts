import { assertEquals } from "@std/assert";
import { TextLineStream, toText } from "@std/streams";
import { fileURLToPath } from "node:url";

const TASK = fileURLToPath(new URL("interrupted_task.ts", import.meta.url));

/** Starts the task from a shell, sends it some signals at each line that it prints, and returns its exit code and last words. */
async function endAfter(
  signals: readonly (readonly Deno.Signal[])[],
  { before = "", after = "", args = "" } = {},
): Promise<{ readonly code: number; readonly said: string }> {
  const deno = `exec "${Deno.execPath()}" run --quiet --no-check --allow-read --allow-env "${TASK}" ${args}`;
  const process = new Deno.Command("sh", {
    args: ["-c", `${before} ${deno} ${after}`],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = toText(process.stderr);
  let line = 0;
  for await (const _ of process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    for (const signal of signals[line++] ?? []) process.kill(signal);
  }
  const { code, signal } = await process.status;
  // By a signal that it did not hear: then it cannot have said anything.
  assertEquals(signal, null);
  return { code, said: (await stderr).trim() };
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "a signal ends a task in good order, with the exit code that a shell gives it; a second one ends it at once",
  ignore,
  fn: async () => {
    for (
      const [signal, name, code] of [["SIGHUP", "SIGHUP", 129], ["SIGINT", "Ctrl-C", 130], [
        "SIGTERM",
        "SIGTERM",
        143,
      ]] as const
    ) {
      const said = `error: Stopped by ${name}. Nothing is left half-written`;
      assertEquals(await endAfter([[signal]]), { code, said });
    }
    assertEquals(await endAfter([["SIGINT"], ["SIGHUP"]], { args: "--deaf" }), { code: 129, said: "" });
  },
});

Deno.test({
  name: "under nohup the end of the terminal is passed over",
  ignore,
  fn: async () => {
    // What nohup does: the signal is ignored, and standard input is opened for writing.
    const nohup = { before: "trap '' HUP;", after: "0>/dev/null", args: "--deaf" };
    // The second signal that is heard ends the task: that must be the last one.
    assertEquals((await endAfter([["SIGHUP", "SIGINT"], ["SIGTERM"]], nohup)).code, 143);
  },
});
