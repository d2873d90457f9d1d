// Downloads a file over HTTP, surviving broken connections and restarts of the program.
import { Attempts } from "./download_attempt.ts";
import { DownloadError, DownloadInUseError } from "./download_error.ts";
import { readRemoteState } from "./download_state.ts";
import { namingFile, WriteError } from "../../io/write_error.ts";

/** Options for a download. */
export interface DownloadOptions {
  /** Stops the download. What has arrived stays, and another call continues from it. */
  readonly signal?: AbortSignal;
  /** Called with the number of bytes that have arrived, and the total, if it is known. */
  readonly onProgress?: (received: number, total?: number) => void;
  /** Milliseconds before the second attempt; doubles with each consecutive failure. Default: 1000. */
  readonly retryDelayMs?: number;
  /** An attempt that receives nothing for this many milliseconds is abandoned. Default: 60 000. */
  readonly idleMs?: number;
}

/** Options for a download whose size may be known. */
export interface KnownDownloadOptions extends DownloadOptions {
  /** The file's size in bytes: nothing is requested beyond it, and a longer file is refused. */
  readonly bytes?: number;
}

/** The number of consecutive attempts without a byte after which it gives up. */
const MAX_FAILURES = 5;
const PIECE_BYTES = 1 << 20;

/**
 * Downloads `url` into the file `part`, and yields its bytes in order as they arrive: first those that `part` has from
 * an earlier run, then new ones, with a Range request. If a server ignores Range, the file is read from the start, and
 * compared with what is here.
 *
 * To find out whether a server states too short a length, it requests what comes after it. When the last piece has been
 * read, `part` holds the whole file, on disk. Until then, `part` is locked.
 *
 * @throws {DownloadError} If the server refuses or sends a web page, or nothing more arrives after several
 * attempts; what has been received stays in `part`.
 * @throws {DownloadInUseError} If another download is at work on `part`.
 * @throws {RemoteChangedError} If the file on the server changed since `part` was started: remove `part` and start
 *   again.
 */
export async function* download(
  url: string,
  part: string,
  options: KnownDownloadOptions = {},
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(part, { read: true, write: true, create: true });
  await requireLock(file, url, part);
  let state = await readRemoteState(part, url);
  // A part that is longer than the file does not belong to it.
  if (state === undefined || (await file.stat()).size > (options.bytes ?? Infinity)) {
    state = { url };
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
    let problem: unknown;
    try {
      yield* attempts.run();
    } catch (error) {
      if (!(error instanceof Error) || isFinal(error) || options.signal?.aborted) throw error;
      problem = error;
      // Everything that was announced is here, and the server does not tell whether there is more.
      if (before === attempts.state.total && options.bytes === undefined) break;
    }
    if (attempts.isComplete) break;
    failures = attempts.received > before ? 0 : failures + 1;
    if (failures === MAX_FAILURES) {
      const total = options.bytes ?? attempts.state.total ?? "an unknown number of";
      const reason = problem instanceof Error ? `: ${problem.message}` : "";
      throw new DownloadError(
        `Cannot download ${url}: got ${attempts.received} bytes and no more in ${MAX_FAILURES} attempts${reason}, must be ${total} bytes. Run the same command again to continue from here`,
      );
    }
    if (failures > 0) await pause((options.retryDelayMs ?? 1000) * 2 ** (failures - 1), options.signal);
  }
  await namingFile(part, () => file.sync());
}

/** Whether another attempt would fail in the same way: refused by the server, Deno's permissions or the disk. */
function isFinal(error: Error): boolean {
  return [DownloadError, WriteError, Deno.errors.NotCapable].some((kind) => error instanceof kind);
}

async function requireLock(file: Deno.FsFile, url: string, part: string): Promise<void> {
  let isLocked: boolean;
  try {
    isLocked = await file.tryLock(true);
  } catch (error) {
    // Some network file systems have no locks.
    if (!(error instanceof Error)) throw error;
    return;
  }
  if (isLocked) return;
  throw new DownloadInUseError(
    `Cannot download ${url}: another process is downloading into ${part}. Wait until it has finished, or ` +
      "choose another directory",
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
