// What was found out about a device, remembered so that not every start pays for it. In the storage that Deno keeps for each
// project: no permission to write files is needed.

/** What something was found out about. */
export interface KnownDevice {
  /** What was found out, and the adapter, in words. */
  readonly name: string;
  /** Of what was run there: with an edited kernel, nothing is known any more. */
  readonly fingerprint: string;
}

/** What was noted of a device, unless it is older than `validMs`: a driver can be updated without a trace in WebGPU. */
export function recall(device: KnownDevice, validMs: number): unknown {
  try {
    const noted = localStorage.getItem(keyOf(device));
    if (noted === null) return undefined;
    const { at, value } = JSON.parse(noted) as { at: number; value: unknown };
    const age = Date.now() - at;
    // A clock that was set back would make a note count for years.
    return age >= 0 && age < validMs ? value : undefined;
  } catch (error) {
    ignoreNoStorage(error);
    return undefined;
  }
}

/** Notes something of a device. Where there is no place to note it, it is found out again next time. */
export function note(device: KnownDevice, value: unknown): void {
  try {
    localStorage.setItem(keyOf(device), JSON.stringify({ at: Date.now(), value }));
  } catch (error) {
    ignoreNoStorage(error);
  }
}

/** An entry is valid for a device, its kernels, and a version of Deno, which contains the shader compiler. */
function keyOf({ name, fingerprint }: KnownDevice): string {
  return `${name}, kernels ${fingerprint}, Deno ${Deno.version.deno}`;
}

/** Deno's directory may be full or read-only, and what it holds may be another version's. */
function ignoreNoStorage(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}
