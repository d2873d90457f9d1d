// What is known about a file on a server while it is being downloaded, kept beside the part that has arrived.
import { UserError } from "../../errors.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import { JsonFields } from "../../io/json_fields.ts";

/** The file a part belongs to. */
export interface RemoteState {
  readonly url: string;
  /** The server's identifier of this version of the file. */
  readonly etag: string | null;
  /** Size in bytes, as the server says. */
  readonly total: number | null;
}

/** Where the state of the download into `part` is kept. */
export function remoteStatePath(part: string): string {
  return `${part}.json`;
}

/**
 * What {@linkcode writeRemoteState} wrote beside `part`. `null` if there is nothing, or it is damaged or of another
 * address: then nobody knows where the part's bytes came from, and the download starts again.
 */
export async function readRemoteState(part: string, url: string): Promise<RemoteState | null> {
  const path = remoteStatePath(part);
  try {
    const state = JsonFields.parse(await Deno.readTextFile(path), { name: path, nextStep: "Delete it" });
    return state.string("url") === url
      ? {
        url,
        etag: textOrNull(state, "etag"),
        total: state.value("total") === null ? null : state.integer("total", { min: 0 }),
      }
      : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof UserError) return null;
    throw error;
  }
}

function textOrNull(fields: JsonFields, name: string): string | null {
  return fields.value(name) === null ? null : fields.string(name);
}

/** Keeps the state of the download into `part`. */
export async function writeRemoteState(part: string, state: RemoteState): Promise<void> {
  await writeFileAtomically(remoteStatePath(part), JSON.stringify(state));
}

/** Reads `bytes 5-9/10`, `bytes 5-9/*` or `bytes *\/10`; `null` for anything else. */
export function parseContentRange(
  header: string | null,
): { readonly start: number | null; readonly total: number | null } | null {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? "");
  if (match === null) return null;
  return {
    start: match[1] === undefined ? null : Number(match[1]),
    total: match[2] === "*" ? null : Number(match[2]),
  };
}
