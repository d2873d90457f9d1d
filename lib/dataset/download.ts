// A file fetched over HTTP, through broken connections and restarts of the program.
import { UserError } from "../errors.ts";
import { parseContentRange, readRemoteState, type RemoteState, writeRemoteState } from "./download_state.ts";

/** How a download behaves. */
export interface DownloadOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes that are here, and how many there will be, if the server says so. */
  readonly onProgress?: (received: number, total: number | null) => void;
  /** Before the second attempt; doubles with each failure in a row. Default: 1000. */
  readonly retryDelayMs?: number;
  /** An attempt that receives nothing for this long is given up. Default: 60 000. */
  readonly idleMs?: number;
}

/** Attempts in a row that bring no byte before it gives up. */
const MAX_FAILURES = 5;
const PIECE_BYTES = 1 << 20;

/** The file on the server is not the one that the bytes at hand came from. */
export class RemoteChangedError extends UserError {
  override readonly name = "RemoteChangedError";
}

/**
 * Downloads `url` into the file `part`, and yields its bytes in order as they come: first those that `part` has from an
 * earlier run, then new ones, asked for with a Range request. A server that ignores Range is read from the start again, and
 * what comes is compared with what is here.
 *
 * A length that a server states too short is found out by asking for what comes after it. When the last piece has been
 * read, `part` holds the whole file.
 *
 * @throws {UserError} if the server refuses, or the connection brings nothing more after several attempts; what has been
 * received stays in `part`.
 * @throws {RemoteChangedError} if the file changed on the server since `part` was begun: remove `part` and start anew.
 */
export async function* download(url: string, part: string, options: DownloadOptions = {}): AsyncGenerator<Uint8Array> {
  const state = await readRemoteState(part, url);
  using file = await Deno.open(part, { read: true, write: true, create: true, truncate: state === null });
  const attempt = new Attempts(url, file, part, state ?? { url, etag: null, total: null }, options);
  const piece = new Uint8Array(PIECE_BYTES);
  for (let count = await file.read(piece); count !== null; count = await file.read(piece)) {
    attempt.received += count;
    yield piece.slice(0, count);
  }
  for (let failures = 0; !attempt.isComplete;) {
    const before = attempt.received;
    let problem: unknown = null;
    try {
      yield* attempt.run();
    } catch (error) {
      if (error instanceof UserError || options.signal?.aborted) throw error;
      problem = error;
      // All that was said to come is here, and the server does not answer whether there is more.
      if (before === attempt.state.total) return;
    }
    if (attempt.isComplete) return;
    failures = attempt.received > before ? 0 : failures + 1;
    if (failures === MAX_FAILURES) {
      const total = attempt.state.total === null ? "an unknown number of" : attempt.state.total;
      const reason = problem instanceof Error ? `: ${problem.message}` : "";
      throw new UserError(
        `Cannot download ${url}: got ${attempt.received} bytes and no more in ${MAX_FAILURES} attempts${reason}, must be ${total} bytes. Run the same command again to go on from here`,
      );
    }
    if (failures > 0) await pause((options.retryDelayMs ?? 1000) * 2 ** (failures - 1), options.signal);
  }
}

/** One download and its requests. */
class Attempts {
  received = 0;
  isComplete = false;
  state: RemoteState;
  readonly #url: string;
  readonly #file: Deno.FsFile;
  readonly #part: string;
  readonly #options: DownloadOptions;

  constructor(url: string, file: Deno.FsFile, part: string, state: RemoteState, options: DownloadOptions) {
    this.#url = url;
    this.#file = file;
    this.#part = part;
    this.state = state;
    this.#options = options;
  }

  /** One request: yields what is new. Returns when the body ends, however complete it is. */
  async *run(): AsyncGenerator<Uint8Array> {
    const idle = new AbortController();
    const watch = new IdleWatch(idle, this.#options.idleMs ?? 60_000);
    try {
      const hadAll = this.received === this.state.total; // as the server says: this request is to make sure
      const response = await fetch(this.#url, {
        // Bytes as they are stored, not packed for the way: else positions would mean something else.
        headers: { "accept-encoding": "identity", ...this.received > 0 && { range: `bytes=${this.received}-` } },
        signal: AbortSignal.any([idle.signal, ...this.#options.signal ? [this.#options.signal] : []]),
      });
      const start = await this.#begin(response, hadAll);
      if (start === null) return await response.body?.cancel();
      let position = start;
      for await (const bytes of response.body ?? []) {
        watch.touch();
        const fresh = await this.#keep(bytes, position);
        position += bytes.length;
        if (fresh.length === 0) continue;
        this.#options.onProgress?.(this.received, this.state.total);
        yield fresh;
        watch.touch();
      }
      // A body of unknown length has ended where it ends.
      this.isComplete = this.state.total === null;
      if (hadAll && position === start) this.isComplete = true;
    } finally {
      watch.stop();
    }
  }

  /** Judges a response: the position its body starts at, or `null` if there is nothing to read (then `isComplete` says why). */
  async #begin(response: Response, hadAll: boolean): Promise<number | null> {
    const { status, headers } = response;
    const range = parseContentRange(headers.get("content-range"));
    if (status === 416 && range?.total === this.received || (hadAll && status !== 206)) {
      this.isComplete = true;
      return null;
    }
    if (status >= 500 || status === 429) {
      await response.body?.cancel();
      throw new Error(`HTTP status ${status}`);
    }
    if (status === 416) this.#refuseChanged(`${range?.total ?? "fewer"} bytes`, `${this.received} bytes at least`);
    if (status !== 200 && status !== 206) {
      await response.body?.cancel();
      throw new UserError(
        `Cannot download ${this.#url}: got HTTP status ${status} ${response.statusText}, must be 200. Check the address, or name a mirror with --base-url`,
      );
    }
    const etag = headers.get("etag");
    if (etag !== null && this.state.etag !== null && etag !== this.state.etag) {
      this.#refuseChanged(`ETag ${etag}`, this.state.etag);
    }
    if (status === 206 && range?.start !== this.received) {
      await response.body?.cancel();
      throw new Error(`a range that starts at ${range?.start ?? "an unknown byte"}, not at ${this.received}`);
    }
    const length = headers.get("content-length");
    let total = status === 206 ? range?.total ?? null : length === null ? null : Number(length);
    if (hadAll && total === this.received) total = null; // it was said too small, and is still
    await this.#remember({ url: this.#url, etag: etag ?? this.state.etag, total });
    return status === 206 ? this.received : 0;
  }

  /** Appends what is new of `bytes`, which start at `position`; compares the rest with the file. */
  async #keep(bytes: Uint8Array<ArrayBuffer>, position: number): Promise<Uint8Array> {
    const numKnown = Math.min(bytes.length, Math.max(0, this.received - position));
    if (numKnown > 0) {
      const known = new Uint8Array(numKnown);
      await this.#file.seek(position, Deno.SeekMode.Start);
      for (let at = 0; at < numKnown;) at += await this.#file.read(known.subarray(at)) ?? numKnown;
      if (known.some((byte, i) => byte !== bytes[i])) this.#refuseChanged("other bytes", "those received before");
    }
    const fresh = bytes.subarray(numKnown);
    await this.#file.seek(this.received, Deno.SeekMode.Start);
    for (let at = 0; at < fresh.length;) at += await this.#file.write(fresh.subarray(at));
    this.received += fresh.length;
    return fresh;
  }

  async #remember(state: RemoteState): Promise<void> {
    if (state.etag !== this.state.etag || state.total !== this.state.total || this.received === 0) {
      await writeRemoteState(this.#part, state);
    }
    this.state = state;
  }

  #refuseChanged(got: string, mustBe: string): never {
    throw new RemoteChangedError(
      `Cannot go on with the download of ${this.#url}: got ${got}, must be ${mustBe}. Delete ${this.#part} and run again`,
    );
  }
}

/** Aborts when not touched for a while. */
class IdleWatch {
  readonly #idle: AbortController;
  readonly #ms: number;
  #timer: ReturnType<typeof setTimeout>;

  constructor(idle: AbortController, ms: number) {
    this.#idle = idle;
    this.#ms = ms;
    this.#timer = this.#start();
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #start(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#idle.abort(new Error(`nothing came for ${this.#ms / 1000} s`)), this.#ms);
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
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
