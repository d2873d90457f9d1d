import { assert, assertEquals, assertRejects } from "@std/assert";
import { lookup } from "node:dns/promises";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { CatalogFile } from "../../../lib/corpus/download/catalog.ts";
import { DownloadError, DownloadInUseError, RemoteChangedError } from "../../../lib/corpus/download/download_error.ts";
import { fetchDataset, type FetchDatasetOptions } from "../../../lib/corpus/download/fetch_dataset.ts";
import { UserError } from "../../../lib/errors.ts";
import { Philox } from "../../../lib/random/philox.ts";
import { type Fault, UnreliableServer } from "../../dataset/unreliable_server.ts";

const random = new Philox(11, 0);
const TEXT = Uint8Array.from({ length: 300_000 }, (_, i) => 97 + Math.floor(random.uniform(i) * 26));
const PACKED = new Uint8Array(gzipSync(TEXT));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const names = (dir: string) => Array.from(Deno.readDirSync(dir), ({ name }) => name).sort();

interface Run {
  readonly dir: string;
  readonly server: UnreliableServer;
  readonly fetch: (file?: Partial<CatalogFile>, options?: FetchDatasetOptions) => ReturnType<typeof fetchDataset>;
}

/** Serves TEXT as text.txt (or text.txt.gz) with these faults. */
async function serving(isGzip: boolean, faults: readonly Fault[], body: (run: Run) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await using server = new UnreliableServer(isGzip ? PACKED : TEXT, faults);
    const remote = isGzip ? "text.txt.gz" : "text.txt";
    const right = { remote, name: "text.txt", bytes: TEXT.length, sha256: sha256(TEXT) };
    const fetch = (file: Partial<CatalogFile> = {}, options: FetchDatasetOptions = {}) =>
      fetchDataset({ baseUrl: "http://unused", files: [{ ...right, ...file }] }, dir, {
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
        const expected = changes ? TEXT.slice(0, 2000) : TEXT;
        const asked = { bytes: expected.length, sha256: sha256(expected) };
        const [file] = await fetch(asked);
        const got = await Deno.readFile(`${dir}/text.txt`);
        assertEquals(sha256(got), sha256(expected));
        assertEquals([file.bytes, file.sha256], [expected.length, sha256(expected)]);
        if (isGzip) assertEquals(file.downloaded, { bytes: PACKED.length, sha256: sha256(PACKED) });
        assertEquals(names(dir), ["dataset.json", "text.txt"]);
        assertEquals(JSON.parse(await Deno.readTextFile(`${dir}/dataset.json`)), { files: [file] });
        const numRequests = server.seen.length;
        assertEquals(await fetch(asked), [file], "a second run fetches nothing");
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
      serving(true, Array(9).fill({ claimedSize: 400_000, ignoresRange: true }), async ({ fetch }) => {
        await assertRejects(() => fetch(), UserError, `got ${PACKED.length} bytes and no more in 5 attempts`);
      }),
  );
  await t.step("another hash than it must have", () =>
    serving(true, [], async ({ dir, fetch }) => {
      await assertRejects(() => fetch({ sha256: "00" }), DownloadError, `must be 00`);
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
      await assertRejects(() => fetch({}, options), Error, "enough");
    }));
});

Deno.test("fetchDataset() recovers from a state that is damaged", async (t) => {
  const states = [
    "null",
    "[]",
    "5",
    "",
    "{",
    '{"url":5}',
    '{"url":"URL","etag":1,"total":3}',
    '{"url":"URL","total":-1}',
  ];
  for (const state of states) {
    await t.step(state, () =>
      serving(false, [], async ({ dir, server, fetch }) => {
        await Deno.writeTextFile(`${dir}/text.txt.part`, "something else");
        await Deno.writeTextFile(`${dir}/text.txt.part.json`, state.replace("URL", `${server.url}/text.txt`));
        await fetch();
        assertEquals(await Deno.readFile(`${dir}/text.txt`), TEXT);
        assertEquals(names(dir), ["dataset.json", "text.txt"]);
      }));
  }
});

Deno.test("fetchDataset() recovers from a part that is longer than the file, and from a file half unpacked", async (t) => {
  for (const isGzip of [false, true]) {
    for (const faults of [[], [{ ignoresRange: true }]]) {
      await t.step(
        `${isGzip ? "packed" : "plain"}, ${faults.length === 0 ? "Range" : "no Range"}`,
        () =>
          serving(isGzip, faults, async ({ dir, server, fetch }) => {
            const body = isGzip ? PACKED : TEXT;
            const remote = isGzip ? "text.txt.gz" : "text.txt";
            const longer = new Uint8Array(body.length + 10);
            longer.set(body);
            await Deno.writeFile(`${dir}/${remote}.part`, longer);
            const state = { url: `${server.url}/${remote}`, etag: '"1"', total: body.length };
            await Deno.writeTextFile(`${dir}/${remote}.part.json`, JSON.stringify(state));
            await Deno.writeFile(`${dir}/text.txt.unpacked`, longer);
            await fetch();
            assertEquals(await Deno.readFile(`${dir}/text.txt`), TEXT);
            assertEquals(names(dir).filter((name) => name.includes(".part")), []);
            if (isGzip) assertEquals(names(dir), ["dataset.json", "text.txt"]);
          }),
      );
    }
  }
});

Deno.test("fetchDataset() takes nothing else for the file", async (t) => {
  const refused: Record<string, readonly [boolean, Fault, string]> = {
    "a web page": [false, { type: "text/html" }, "got a web page, must be the file"],
    "a short answer": [false, { body: TEXT.slice(0, 18) }, "got a file of 18 bytes, must be of 300000"],
    "a longer file": [false, { body: new Uint8Array(300_001) }, "got more than 300000 bytes, must be 300000"],
    "other text of the same size": [false, { body: TEXT.map((byte) => byte ^ 1) }, "got a file with SHA-256"],
    "what is not packed": [true, { body: TEXT }, "got damaged gzip data"],
    "little that unpacks to much": [
      true,
      { body: new Uint8Array(gzipSync(new Uint8Array(1 << 24))) },
      "got more than 300000",
    ],
  };
  for (const [name, [isGzip, fault, says]] of Object.entries(refused)) {
    await t.step(name, () =>
      serving(isGzip, [fault], async ({ dir, fetch }) => {
        await assertRejects(() => fetch(), UserError, says);
        assertEquals(names(dir), []);
      }));
  }
});

Deno.test("fetchDataset() follows redirects to the same host, and to no other that is not secure", async () => {
  await serving(
    false,
    [{ status: 302, location: "/elsewhere/text.txt" }, { dropAfter: 10 }],
    async ({ server, fetch }) => {
      await fetch();
      assertEquals(server.seen.slice(0, 2).map(({ path }) => path), ["/text.txt", "/elsewhere/text.txt"]);
    },
  );
  await serving(false, [{ status: 301, location: "http://example.com/text.txt" }], async ({ server, fetch }) => {
    await assertRejects(() => fetch(), DownloadError, 'got a redirect to "http://example.com/text.txt"');
    assertEquals(server.seen.length, 1);
  });
  await serving(false, Array(30).fill({ status: 307, location: "/text.txt" }), async ({ fetch }) => {
    await assertRejects(() => fetch(), DownloadError, "redirects");
  });
});

Deno.test("fetchDataset() keeps what is there: the file itself, or another that is not to be replaced", async () => {
  await serving(false, [], async ({ dir, server, fetch }) => {
    await Deno.writeFile(`${dir}/text.txt`, TEXT);
    const [file] = await fetch();
    assertEquals([file.bytes, file.sha256, server.seen.length], [TEXT.length, sha256(TEXT), 0]);
    // An older version took what a server sent, and wrote it down.
    const page = { ...file, bytes: 4, sha256: sha256(TEXT.slice(0, 4)) };
    for (const record of [JSON.stringify({ files: [page] }), JSON.stringify({ files: [file] })]) {
      await Deno.writeTextFile(`${dir}/dataset.json`, record);
      await Deno.writeFile(`${dir}/text.txt`, TEXT.slice(0, 4));
      await assertRejects(() => fetch(), UserError, "of 4 bytes, must be the dataset's, of 300000");
      assertEquals(await Deno.readFile(`${dir}/text.txt`), TEXT.slice(0, 4));
    }
    await fetch({}, { replace: true });
    assertEquals(await Deno.readFile(`${dir}/text.txt`), TEXT);
    await Deno.writeTextFile(`${dir}/dataset.json`, '{"files":[{"name":"text.txt"}]}');
    await assertRejects(() => fetch(), UserError, "dataset.json");
  });
});

Deno.test("of two downloads into one directory, the second is refused, and leaves the first alone", async (t) => {
  for (const isGzip of [false, true]) {
    await t.step(
      isGzip ? "packed" : "plain",
      () =>
        serving(isGzip, [{ hangAfter: isGzip ? 150_000 : 1000 }], async ({ dir, server, fetch }) => {
          const stop = new AbortController();
          const started = Promise.withResolvers<void>();
          const first = fetch({}, { signal: stop.signal, onProgress: () => started.resolve() });
          await Promise.all([server.hangs, started.promise]);
          const before = names(dir);
          await assertRejects(() => fetch(), DownloadInUseError, "another process is downloading into");
          assertEquals(before.filter((name) => !names(dir).includes(name)), []);
          stop.abort(new Error("enough"));
          await assertRejects(() => first, Error, "enough");
        }),
    );
  }
});

const isUnknown = await lookup("no-such-host.invalid").then(() => false, ({ code }) => code === "ENOTFOUND");

Deno.test({
  name: "fetchDataset() asks once for a host that does not exist",
  ignore: !isUnknown,
  fn: () =>
    serving(false, [], async ({ fetch }) => {
      const options = { baseUrl: "http://no-such-host.invalid", retryDelayMs: 1e9 };
      await assertRejects(() => fetch({}, options), DownloadError, "got no host named no-such-host.invalid");
    }),
});
