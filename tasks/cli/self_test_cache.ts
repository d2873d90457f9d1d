// Remembers which adapters have passed the self-test, so that not every start pays for it. In the storage that Deno keeps for
// each project: no permission to write files is needed.
import project from "../../deno.json" with { type: "json" };

/** How long a pass counts: a driver can be updated without any trace that WebGPU shows. */
const VALID_MS = 24 * 60 * 60 * 1000;

/** Whether an adapter passed the self-test of this version not long ago. */
export function hasPassed(adapter: string): boolean {
  try {
    const passed = localStorage.getItem(keyOf(adapter));
    return passed !== null && Date.now() - Number(passed) < VALID_MS;
  } catch (error) {
    ignoreNoStorage(error);
    return false;
  }
}

/** Notes that an adapter passed. Where there is no place to note it, it is tested again next time. */
export function notePassed(adapter: string): void {
  try {
    localStorage.setItem(keyOf(adapter), String(Date.now()));
  } catch (error) {
    ignoreNoStorage(error);
  }
}

/** A pass holds for an adapter, a version of this project, and one of Deno, which brings the shader compiler. */
function keyOf(adapter: string): string {
  return `${adapter}, ${project.name} ${project.version}, Deno ${Deno.version.deno}`;
}

/** Deno's directory may be full or read-only. */
function ignoreNoStorage(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
