import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { RemoteChangedError } from "../../lib/dataset/download.ts";
import { fetchDataset, type FetchDatasetOptions } from "../../lib/dataset/fetch_dataset.ts";
import { UserError } from "../../lib/errors.ts";
import { Philox } from "../../lib/random/philox.ts";
import { type Fault, UnreliableServer } from "./unreliable_server.ts";

const random = new Philox(11, 0);
const TEXT = Uint8Array.from({ length: 300_000 }, (_, i) => 97 + Math.floor(random.uniform(i) * 26));
const PACKED = new Uint8Array(gzipSync(TEXT));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const names = (dir: string) => Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();

interface Run {
  readonly dir: string;
  readonly server: UnreliableServer;
  readonly fetch: (sha256?: string, options?: FetchDatasetOptions) => ReturnType<typeof fetchDataset>;
}

/** Serves `body` as text.txt (or text.txt.gz) with these faults. */
async function serving(isGzip: boolean, faults: readonly Fault[], body: (run: Run) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await using server = new UnreliableServer(isGzip ? PACKED : TEXT, faults);
    const remote = isGzip ? "text.txt.gz" : "text.txt";
    const fetch = (sha256?: string, options: FetchDatasetOptions = {}) =>
      fetchDataset({ baseUrl: "http://unused", files: [{ remote, name: "text.txt", sha256 }] }, dir, {
        baseUrl: server.url,
        retryDelayMs: 1,
        ...options,
      });
    await body({ dir, server, fetch });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const SURVIVED: Record<string, readonly Fault[]> = {
  "no fault": [],
  "the connection drops, and drops again": [{ dropAfter: 100_000 }, { dropAfter: 1 }, { dropAfter: 50_000 }],
  "nothing comes for a while": [{ dropAfter: 0 }, { status: 503 }, { dropAfter: 0 }, { status: 429 }],
  "Range is ignored after a drop": [{ dropAfter: 70_000 }, { ignoresRange: true, dropAfter: 90_000 }, {
    ignoresRange: true,
  }, { ignoresRange: true }],
  "a range starts at the wrong place": [{ dropAfter: 70_000 }, { rangeShift: 5 }, { rangeShift: -5 }],
  "a size claimed too large": [{ claimedSize: 900_000 }],
  "a size claimed too small": [{ claimedSize: 120_000 }],
  "a size claimed too small, twice": [{ claimedSize: 120_000 }, { claimedSize: 160_000 }],
  "the file changes on the server while it is fetched": [
    { body: PACKED.map((byte) => byte ^ 1), etag: '"2"', dropAfter: 1000 },
    { body: TEXT.slice(0, 2000), etag: '"3"' },
  ],
};

for (const [name, faults] of Object.entries(SURVIVED)) {
  for (const isGzip of [false, true]) {
    if (name.startsWith("the file changes") && isGzip) continue;
    Deno.test(`fetchDataset() brings ${isGzip ? "a packed" : "the"} file whole: ${name}`, () =>
      serving(isGzip, faults, async ({ dir, server, fetch }) => {
        const changes = name.startsWith("the file changes");
        const [file] = await fetch();
        const expected = changes ? TEXT.slice(0, 2000) : TEXT;
        const got = await Deno.readFile(`${dir}/text.txt`);
        assertEquals(sha256(got), sha256(expected));
        assertEquals([file.bytes, file.sha256], [expected.length, sha256(expected)]);
        if (isGzip) assertEquals(file.downloaded, { bytes: PACKED.length, sha256: sha256(PACKED) });
        assertEquals(names(dir), ["dataset.json", "text.txt"]);
        assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/dataset.json`)), { files: [file] });
        const numRequests = server.seen.length;
        assertEquals(await fetch(), [file], "a second run fetches nothing");
        assertEquals(server.seen.length, numRequests);
      }));
  }
}

Deno.test("fetchDataset() goes on where an earlier run was cut off", async () => {
  for (const isGzip of [false, true]) {
    await serving(isGzip, [{ dropAfter: 100_000 }, ...Array(5).fill({ status: 500 })], async (run) => {
      await assertRejects(() => run.fetch(), UserError, "got 100000 bytes and no more in 5 attempts");
      assert(!names(run.dir).includes("text.txt"));
      const numBefore = run.server.seen.length;
      await run.fetch();
      assertEquals(run.server.seen[numBefore].range, "bytes=100000-");
      assertEquals(await Deno.readFile(`${run.dir}/text.txt`), TEXT);
    });
  }
});

Deno.test("fetchDataset() gives up, and says why", async (t) => {
  await t.step("no such file", () =>
    serving(false, [{ status: 404 }], async ({ dir, fetch, server }) => {
      await assertRejects(() => fetch(), UserError, `${server.url}/text.txt: got HTTP status 404`);
      assert(!names(dir).includes("text.txt"));
    }));
  await t.step(
    "the size is claimed too large, and Range ignored, for ever",
    () =>
      serving(false, Array(9).fill({ claimedSize: 400_000, ignoresRange: true }), async ({ fetch }) => {
        await assertRejects(() => fetch(), UserError, "got 300000 bytes and no more in 5 attempts");
      }),
  );
  await t.step("another hash than it must have", () =>
    serving(true, [], async ({ dir, fetch }) => {
      await assertRejects(() => fetch("00"), UserError, `must be 00`);
      assertEquals(names(dir), []);
    }));
  await t.step("damaged gzip", () =>
    serving(true, [{ body: PACKED.slice(0, -9) }], async ({ dir, fetch }) => {
      await assertRejects(() => fetch(), UserError, "damaged gzip data");
      assertEquals(names(dir), []);
    }));
  await t.step("a file that changes all the time", () =>
    serving(
      false,
      Array.from({ length: 12 }, (_, i) => ({
        body: TEXT.map((byte) => byte ^ (i % 2)),
        dropAfter: 1000,
        ignoresRange: true,
      })),
      async ({ fetch }) => {
        await assertRejects(() => fetch(), RemoteChangedError, "must be those received before");
      },
    ));
  await t.step("aborted", () =>
    serving(false, [{ dropAfter: 1000 }, { dropAfter: 0 }], async ({ fetch }) => {
      const stop = new AbortController();
      const reason = new Error("enough");
      const options = { signal: stop.signal, retryDelayMs: 60_000, onProgress: () => stop.abort(reason) };
      await assertRejects(() => fetch(undefined, options), Error, "enough");
    }));
});
