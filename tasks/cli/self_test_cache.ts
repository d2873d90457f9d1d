// Remembers which adapters have passed the self-test, so that not every start pays for it.
import project from "../../deno.json" with { type: "json" };
import { writeFileAtomically } from "../../lib/io/atomic.ts";

/** How long a pass counts: a driver can be updated without any trace that WebGPU shows. */
const VALID_MS = 24 * 60 * 60 * 1000;

/** Whether an adapter passed the self-test of this version not long ago. */
export async function hasPassed(adapter: string): Promise<boolean> {
  const passed = (await read())[keyOf(adapter)];
  return passed !== undefined && Date.now() - passed < VALID_MS;
}

/** Notes that an adapter passed. Where there is no place to note it, it is tested again next time. */
export async function notePassed(adapter: string): Promise<void> {
  const path = cachePath();
  if (path === undefined) return;
  const passes = { ...await read(), [keyOf(adapter)]: Date.now() };
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true }).catch(() => {});
  await writeFileAtomically(path, JSON.stringify(passes, null, 2)).catch(() => {});
}

/** A pass holds for an adapter, a version of this project, and one of Deno, which brings the shader compiler. */
function keyOf(adapter: string): string {
  return `${adapter}, ${project.name} ${project.version}, Deno ${Deno.version.deno}`;
}

/** When each passed, in milliseconds since 1970; empty where there is no file, or one that cannot be read. */
async function read(): Promise<Record<string, number>> {
  const path = cachePath();
  if (path === undefined) return {};
  try {
    const passes: unknown = JSON.parse(await Deno.readTextFile(path));
    return typeof passes === "object" && passes !== null ? passes as Record<string, number> : {};
  } catch {
    return {};
  }
}

function cachePath(): string | undefined {
  const home = Deno.env.get("HOME");
  const directory = {
    darwin: home && `${home}/Library/Caches`,
    windows: Deno.env.get("LOCALAPPDATA"),
  }[Deno.build.os as string] ?? Deno.env.get("XDG_CACHE_HOME") ?? (home && `${home}/.cache`);
  return directory && `${directory}/bytelm/self_test.json`;
}
