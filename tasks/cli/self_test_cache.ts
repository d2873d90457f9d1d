// Remembers which devices have passed the self-test, so that not every start pays for it.
import { type KnownDevice, note, recall } from "./device_cache.ts";

/** How long a pass counts. */
const VALID_MS = 24 * 60 * 60 * 1000;

/** Whether a device passed the self-test with these kernels not long ago. */
export function hasPassed(device: KnownDevice): boolean {
  return recall(device, VALID_MS) === "passed";
}

/** Notes that a device passed. */
export function notePassed(device: KnownDevice): void {
  note(device, "passed");
}
