// A web server on this machine that does what bad connections and bad servers do.

/** How the answer to one request deviates from what it should be. */
export interface Fault {
  /** The connection breaks after this many bytes of the body. */
  readonly dropAfter?: number;
  /** The whole file comes, whatever range was asked for. */
  readonly ignoresRange?: boolean;
  /** What is said to be the file's size. */
  readonly claimedSize?: number;
  /** This status, and no body. */
  readonly status?: number;
  /** With a status: where to look instead. */
  readonly location?: string;
  /** What the body is said to be. */
  readonly type?: string;
  /** After so many bytes of the body nothing comes any more. */
  readonly hangAfter?: number;
  /** A range that starts elsewhere. */
  readonly rangeShift?: number;
  /** Another version of the file from now on. */
  readonly body?: Uint8Array;
  /** The server's name for that version. */
  readonly etag?: string;
}

/** What the server was asked. */
export interface SeenRequest {
  readonly path: string;
  readonly range: string | null;
}

/** Serves one body at every path; each request takes the next fault, and none when they are used up. */
export class UnreliableServer implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly url: string;
  /** Resolved by the first answer that hangs. */
  readonly hangs: Promise<void>;
  readonly #notifyHangs: () => void;
  readonly #listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  readonly #faults: Fault[];
  readonly #serving: Promise<void>;
  #body: Uint8Array;
  #etag = '"1"';

  constructor(body: Uint8Array, faults: readonly Fault[]) {
    this.#body = body;
    this.#faults = [...faults];
    ({ promise: this.hangs, resolve: this.#notifyHangs } = Promise.withResolvers<void>());
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#serving = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      try {
        await this.#answer(connection);
      } catch {
        // the client has gone
      } finally {
        connection.close();
      }
    }
  }

  async #answer(connection: Deno.Conn): Promise<void> {
    let head = "";
    const piece = new Uint8Array(4096);
    while (!head.includes("\r\n\r\n")) {
      const count = await connection.read(piece);
      if (count === null) return;
      head += new TextDecoder().decode(piece.subarray(0, count));
    }
    const path = /^GET (\S+)/.exec(head)![1];
    const range = /^range: (.*)\r$/im.exec(head)?.[1] ?? null;
    this.seen.push({ path, range });
    const fault = this.#faults.shift() ?? {};
    this.#body = fault.body ?? this.#body;
    this.#etag = fault.etag ?? this.#etag;
    const asked = range === null || fault.ignoresRange ? 0 : Number(/bytes=(\d+)-/.exec(range)![1]);
    const size = fault.claimedSize ?? this.#body.length;
    let status = fault.status ?? 200;
    const fields = [`etag: ${this.#etag}`, "connection: close"];
    if (fault.location !== undefined) fields.push(`location: ${fault.location}`);
    if (fault.type !== undefined) fields.push(`content-type: ${fault.type}`);
    let body = new Uint8Array(0);
    if (fault.status === undefined) {
      if (asked > 0 && asked >= this.#body.length) {
        status = 416;
        fields.push(`content-range: bytes */${this.#body.length}`);
      } else {
        const start = asked + (fault.rangeShift ?? 0);
        if (asked > 0) fields.push(`content-range: bytes ${start}-${size - 1}/${size}`);
        status = asked > 0 ? 206 : 200;
        body = this.#body.slice(start);
      }
    }
    fields.push(`content-length: ${status === 200 || status === 206 ? Math.max(0, size - asked) : 0}`);
    const answer = new TextEncoder().encode(`HTTP/1.1 ${status} X\r\n${fields.join("\r\n")}\r\n\r\n`);
    await writeAll(connection, answer);
    await writeAll(connection, body.subarray(0, fault.dropAfter ?? fault.hangAfter ?? body.length));
    if (fault.hangAfter === undefined) return;
    this.#notifyHangs();
    await connection.read(piece); // until the client goes
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
