// The requests of one download, and how their responses are handled.
import { namingFile } from "../../io/write_error.ts";
import { writeFully } from "../../io/write_fully.ts";
import { DownloadError, RemoteChangedError, WrongFileError } from "./download_error.ts";
import { parseContentRange, type RemoteState, writeRemoteState } from "./download_state.ts";
import { request } from "./http_request.ts";
import { IdleWatch } from "./idle_watch.ts";

/** What a request needs to know. */
export interface AttemptOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (received: number, total?: number) => void;
  readonly idleMs?: number;
  readonly bytes?: number;
}

/** One download and its requests. */
export class Attempts {
  /** Bytes in the file. */
  received = 0;
  state: RemoteState;
  #hasEnded = false;
  readonly #url: string;
  readonly #file: Deno.FsFile;
  readonly #part: string;
  readonly #options: AttemptOptions;

  constructor(url: string, file: Deno.FsFile, part: string, state: RemoteState, options: AttemptOptions) {
    this.#url = url;
    this.#file = file;
    this.#part = part;
    this.state = state;
    this.#options = options;
  }

  get isComplete(): boolean {
    return this.#hasEnded || this.received === this.#options.bytes;
  }

  /** One request: yields what is new. Returns when the body ends, however complete it is. */
  async *run(): AsyncGenerator<Uint8Array> {
    using watch = new IdleWatch(this.#options.idleMs ?? 60_000);
    const hadAll = this.received === this.state.total; // as the server says: this request is to make sure
    const response = await request(this.#url, {
      // Bytes as stored, not compressed for transfer: otherwise positions would mean something else.
      headers: { "accept-encoding": "identity", ...this.received > 0 && { range: `bytes=${this.received}-` } },
      signal: AbortSignal.any([watch.signal, ...this.#options.signal ? [this.#options.signal] : []]),
    });
    const start = await this.#begin(response, hadAll);
    if (start === undefined) return await response.body?.cancel();
    let position = start;
    for await (const bytes of response.body ?? []) {
      watch.touch();
      const fresh = await this.#keep(bytes, position);
      position += bytes.length;
      if (fresh.length === 0) continue;
      this.#options.onProgress?.(this.received, this.#options.bytes ?? this.state.total);
      yield fresh;
      watch.touch();
    }
    const { total } = this.state;
    // The whole file arrived, and it is shorter than what was here before.
    if (position < this.received && (total === undefined || position === total)) {
      this.#refuseChanged(`${position} bytes`, `${this.received} bytes at least`);
    }
    // A body of unknown length is complete when it ends.
    if (total === undefined || (hadAll && position === start)) this.#hasEnded = true;
  }

  /**
   * Judges a response: the position at which its body starts, or `undefined` if there is nothing to read, because all
   * is here.
   */
  async #begin(response: Response, hadAll: boolean): Promise<number | undefined> {
    const { status, headers } = response;
    const range = parseContentRange(headers.get("content-range"));
    if (status === 416 && range?.total === this.received || (hadAll && status !== 206)) {
      this.#hasEnded = true;
      return undefined;
    }
    await this.#requireUsable(response, range?.total);
    const etag = headers.get("etag") ?? undefined;
    if (etag !== undefined && this.state.etag !== undefined && etag !== this.state.etag) {
      await response.body?.cancel();
      this.#refuseChanged(`ETag ${etag}`, this.state.etag);
    }
    if (status === 206 && range?.start !== this.received) {
      await response.body?.cancel();
      throw new Error(`a range that starts at ${range?.start ?? "an unknown byte"}, not at ${this.received}`);
    }
    const length = headers.get("content-length");
    let total = status === 206 ? range?.total : length === null ? undefined : Number(length);
    if (hadAll && total === this.received) total = undefined; // it was said too small, and is still
    await this.#remember({ url: this.#url, etag: etag ?? this.state.etag, total });
    return status === 206 ? this.received : 0;
  }

  /** @throws {DownloadError} For a response that will be the same next time; another error for one that may pass. */
  async #requireUsable(response: Response, total: number | undefined): Promise<void> {
    const { status, statusText, headers, body } = response;
    const isPage = /^text\/html\b/i.test(headers.get("content-type") ?? "");
    if ((status === 200 || status === 206) && !isPage) return;
    await body?.cancel();
    if (status >= 500 || status === 429) throw new Error(`HTTP status ${status}`);
    if (status === 416) this.#refuseChanged(`${total ?? "fewer"} bytes`, `${this.received} bytes at least`);
    const got = isPage && status < 300 ? "a web page" : `HTTP status ${status} ${statusText}`.trim();
    throw new DownloadError(
      `Cannot download ${this.#url}: got ${got}, must be the file. Check the address, or use a mirror`,
    );
  }

  /** Appends the new part of `bytes`, which start at `position`, and compares the rest with the file. */
  async #keep(bytes: Uint8Array<ArrayBuffer>, position: number): Promise<Uint8Array> {
    const numKnown = Math.min(bytes.length, Math.max(0, this.received - position));
    if (numKnown > 0) {
      const known = new Uint8Array(numKnown);
      await this.#file.seek(position, Deno.SeekMode.Start);
      for (let at = 0; at < numKnown;) at += await this.#file.read(known.subarray(at)) ?? numKnown;
      if (known.some((byte, i) => byte !== bytes[i])) this.#refuseChanged("other bytes", "those received before");
    }
    const fresh = bytes.subarray(numKnown);
    const limit = this.#options.bytes ?? Infinity;
    if (this.received + fresh.length > limit) {
      throw new WrongFileError(
        `Cannot download ${this.#url}: got more than ${limit} bytes, must be ${limit}. Check the address, or use a mirror`,
      );
    }
    await this.#file.seek(this.received, Deno.SeekMode.Start);
    await namingFile(this.#part, () => writeFully(this.#file, fresh));
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
      `Cannot continue the download of ${this.#url}: got ${got}, must be ${mustBe}. Delete ${this.#part} and run again`,
    );
  }
}
