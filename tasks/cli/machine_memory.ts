// How much memory a run may take here.
import type { Backend } from "../../lib/backend/backend.ts";
import type { TokenSource } from "../../lib/dataset/token_source.ts";
import type { RoomOptions } from "../../lib/run/require_room.ts";

/** Bytes of memory that the machine has; `undefined` where the task may not ask. */
function machineMemory(): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo().total : undefined;
}

/** What is known of the room for a run. */
export function roomFor(backend: Backend, valid: TokenSource | undefined): RoomOptions {
  return { validates: valid !== undefined, hostBytes: backend.capabilities.onHost ? machineMemory() : undefined };
}
