// What is known about a file on a server while it is being downloaded, kept beside the part that has arrived.
import { UserError } from "../../errors.ts";
import { writeFileAtomically } from "../../io/atomic.ts";
import { JsonFields } from "../../io/json_fields.ts";

/** The file a part belongs to. */
export interface RemoteState {
  readonly url: string;
  /** The server's identifier of this version of the file; absent if it gives none. */
  readonly etag?: string;
  /** Size in bytes, as the server says; absent if it does not. */
  readonly total?: number;
}

/** Where the state of the download into `part` is kept. */
export function remoteStatePath(part: string): string {
  return `${part}.json`;
}

/**
 * What {@linkcode writeRemoteState} wrote beside `part`. `undefined` if there is nothing, or it is damaged or of
 * another address: then nobody knows where the part's bytes came from, and the download starts again.
 */
export async function readRemoteState(part: string, url: string): Promise<RemoteState | undefined> {
  const path = remoteStatePath(part);
  try {
    const state = JsonFields.parse(await Deno.readTextFile(path), { name: path, nextStep: "Delete it" });
    return state.string("url") === url
      ? {
        url,
        // The file has null for what the server does not say.
        etag: state.value("etag") === null ? undefined : state.string("etag"),
        total: state.value("total") === null ? undefined : state.integer("total", { min: 0 }),
      }
      : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof UserError) return undefined;
    throw error;
  }
}

/** Keeps the state of the download into `part`. */
export async function writeRemoteState(part: string, { url, etag, total }: RemoteState): Promise<void> {
  const text = JSON.stringify({ url, etag: etag ?? null, total: total ?? null });
  await writeFileAtomically(remoteStatePath(part), text);
}

/** Reads `bytes 5-9/10`, `bytes 5-9/*` or `bytes *\/10`; `undefined` for anything else. */
export function parseContentRange(
  header: string | null,
): { readonly start?: number; readonly total?: number } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header ?? "");
  if (match === null) return undefined;
  return {
    start: match[1] === undefined ? undefined : Number(match[1]),
    total: match[2] === "*" ? undefined : Number(match[2]),
  };
}
