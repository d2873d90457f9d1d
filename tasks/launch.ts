/**
 * What is installed as the command `bytelm`: starts a task with the permissions that deno.json gives it, in the user's
 * directory.
 *
 *   deno install --global --name bytelm --allow-run=deno tasks/launch.ts
 *
 * It imports nothing by name: what deno.json says of names does not hold for programs that are installed.
 */
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The words after `deno` that run a task as `bytelm NAME …`. */
export function launchWords(args: readonly string[]): string[] {
  const tasks: Readonly<Record<string, { readonly command: string }>> = project.tasks;
  const [name = ""] = args;
  const declared = Object.hasOwn(tasks, name) ? tasks[name].command.split(" ") : [];
  const permissions = declared.filter((word) => word.startsWith("--allow-"));
  const files = [`--config=${ROOT}deno.json`, `--lock=${ROOT}deno.lock`];
  return ["run", "--quiet", ...files, ...permissions, `${ROOT}tasks/bytelm.ts`, ...args];
}

/** Runs it, and passes on the signals that this process gets. Returns its exit code. */
export async function launch(args: readonly string[]): Promise<number> {
  const child = new Deno.Command("deno", { args: launchWords(args) }).spawn();
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, () => passOn(child, signal));
  return (await child.status).code;
}

/** A terminal signals the whole group of processes; a task counts two signals at once as one. */
function passOn(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) Deno.exit(await launch(Deno.args));
