// A file fetched over HTTP, through broken connections and restarts of the program.
import { Attempts } from "./download_attempt.ts";
import { DownloadError, DownloadInUseError } from "./download_error.ts";
import { readRemoteState } from "./download_state.ts";
import { namingFile, WriteError } from "../../io/write_error.ts";

/** How a download behaves. */
export interface DownloadOptions {
  /** Stops the download; what is here stays, and another call goes on from it. */
  readonly signal?: AbortSignal;
  /** Called with the bytes that are here, and how many there will be, if that is known. */
  readonly onProgress?: (received: number, total: number | null) => void;
  /** Before the second attempt; doubles with each failure in a row. Default: 1000. */
  readonly retryDelayMs?: number;
  /** An attempt that receives nothing for this long is given up. Default: 60 000. */
  readonly idleMs?: number;
}

/** A download whose file's size may be known. */
export interface KnownDownloadOptions extends DownloadOptions {
  /** The file's size in bytes: nothing is asked for after it, and a longer file is refused. */
  readonly bytes?: number;
}

/** Attempts in a row that bring no byte before it gives up. */
const MAX_FAILURES = 5;
const PIECE_BYTES = 1 << 20;

/**
 * Downloads `url` into the file `part`, and yields its bytes in order as they come: first those that `part` has from an
 * earlier run, then new ones, asked for with a Range request. A server that ignores Range is read from the start again, and
 * what comes is compared with what is here.
 *
 * A length that a server states too short is found out by asking for what comes after it. When the last piece has been
 * read, `part` holds the whole file, on disk. Meanwhile `part` is locked.
 *
 * @throws {DownloadError} If the server refuses or sends a web page, or the connection brings nothing more after several
 * attempts; what has been received stays in `part`.
 * @throws {DownloadInUseError} If another download is at work on `part`.
 * @throws {RemoteChangedError} If the file changed on the server since `part` was begun: remove `part` and start anew.
 */
export async function* download(
  url: string,
  part: string,
  options: KnownDownloadOptions = {},
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(part, { read: true, write: true, create: true });
  await requireLock(file, url, part);
  let state = await readRemoteState(part, url);
  // A part that is longer than the file is none of it.
  if (state === null || (await file.stat()).size > (options.bytes ?? Infinity)) {
    state = { url, etag: null, total: null };
    await file.truncate();
  }
  const attempts = new Attempts(url, file, part, state, options);
  const piece = new Uint8Array(PIECE_BYTES);
  for (let count = await file.read(piece); count !== null; count = await file.read(piece)) {
    options.signal?.throwIfAborted();
    attempts.received += count;
    yield piece.slice(0, count);
  }
  for (let failures = 0; !attempts.isComplete;) {
    const before = attempts.received;
    let problem: unknown = null;
    try {
      yield* attempts.run();
    } catch (error) {
      if (!(error instanceof Error) || isFinal(error) || options.signal?.aborted) throw error;
      problem = error;
      // All that was said to come is here, and the server does not answer whether there is more.
      if (before === attempts.state.total && options.bytes === undefined) break;
    }
    if (attempts.isComplete) break;
    failures = attempts.received > before ? 0 : failures + 1;
    if (failures === MAX_FAILURES) {
      const total = options.bytes ?? attempts.state.total ?? "an unknown number of";
      const reason = problem instanceof Error ? `: ${problem.message}` : "";
      throw new DownloadError(
        `Cannot download ${url}: got ${attempts.received} bytes and no more in ${MAX_FAILURES} attempts${reason}, must be ${total} bytes. Run the same command again to go on from here`,
      );
    }
    if (failures > 0) await pause((options.retryDelayMs ?? 1000) * 2 ** (failures - 1), options.signal);
  }
  await namingFile(part, () => file.sync());
}

/** Whether the next attempt would fail in the same way: refused by the server, by Deno's permissions, by the disk. */
function isFinal(error: Error): boolean {
  return [DownloadError, WriteError, Deno.errors.NotCapable].some((kind) => error instanceof kind);
}

async function requireLock(file: Deno.FsFile, url: string, part: string): Promise<void> {
  let isLocked: boolean;
  try {
    isLocked = await file.tryLock(true);
  } catch (error) {
    // Some network file systems know no locks.
    if (!(error instanceof Error)) throw error;
    return;
  }
  if (isLocked) return;
  throw new DownloadInUseError(
    `Cannot download ${url}: got ${part}, which another process is downloading into, must be left to it. Wait for its end, ` +
      "or choose another directory",
  );
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
