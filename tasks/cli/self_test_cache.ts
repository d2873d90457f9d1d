// Remembers which adapters have passed the self-test, so that not every start pays for it.
import { writeFileAtomically } from "../../lib/io/atomic.ts";

/** How long a pass counts: a driver can be updated without any trace that WebGPU shows. */
const VALID_MS = 24 * 60 * 60 * 1000;

/** What was tested. */
export interface TestedDevice {
  /** The adapter and what was computed in, in words. */
  readonly name: string;
  /** Of what was run there: an edited kernel is tested again. */
  readonly fingerprint: string;
}

/** Whether a device passed the self-test with these kernels not long ago. */
export async function hasPassed(device: TestedDevice): Promise<boolean> {
  return isRecent((await read())[keyOf(device)]);
}

/** Notes that a device passed. Where there is no place to note it, it is tested again next time. */
export async function notePassed(device: TestedDevice): Promise<void> {
  const path = cachePath();
  if (path === undefined) return;
  const recent = Object.entries(await read()).filter(([, passed]) => isRecent(passed));
  const passes = { ...Object.fromEntries(recent), [keyOf(device)]: Date.now() };
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true }).catch(() => {});
  await writeFileAtomically(path, JSON.stringify(passes, null, 2)).catch(() => {});
}

function isRecent(passed: unknown): boolean {
  const age = typeof passed === "number" ? Date.now() - passed : NaN;
  // A clock that was set back would make a pass count for years.
  return age >= 0 && age < VALID_MS;
}

/** A pass holds for a device, the kernels that were tried, and a version of Deno, which brings the shader compiler. */
function keyOf({ name, fingerprint }: TestedDevice): string {
  return `${name}, kernels ${fingerprint}, Deno ${Deno.version.deno}`;
}

/** When each passed, in milliseconds since 1970; empty where there is no file, or one that cannot be read. */
async function read(): Promise<Record<string, unknown>> {
  const path = cachePath();
  if (path === undefined) return {};
  try {
    const passes: unknown = JSON.parse(await Deno.readTextFile(path));
    return typeof passes === "object" && passes !== null ? passes as Record<string, unknown> : {};
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
