// Remembers which devices have passed the self-test, so that not every start pays for it. In the storage that Deno keeps for
// each project: no permission to write files is needed.

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
export function hasPassed(device: TestedDevice): boolean {
  try {
    const passed = localStorage.getItem(keyOf(device));
    const age = passed === null ? NaN : Date.now() - Number(passed);
    // A clock that was set back would make a pass count for years.
    return age >= 0 && age < VALID_MS;
  } catch (error) {
    ignoreNoStorage(error);
    return false;
  }
}

/** Notes that a device passed. Where there is no place to note it, it is tested again next time. */
export function notePassed(device: TestedDevice): void {
  try {
    localStorage.setItem(keyOf(device), String(Date.now()));
  } catch (error) {
    ignoreNoStorage(error);
  }
}

/** A pass holds for a device, the kernels that were tried, and a version of Deno, which brings the shader compiler. */
function keyOf({ name, fingerprint }: TestedDevice): string {
  return `${name}, kernels ${fingerprint}, Deno ${Deno.version.deno}`;
}

/** Deno's directory may be full or read-only. */
function ignoreNoStorage(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
