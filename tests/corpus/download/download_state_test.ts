import { assertEquals } from "@std/assert";
import {
  parseContentRange,
  readRemoteState,
  remoteStatePath,
  writeRemoteState,
} from "../../../lib/corpus/download/download_state.ts";
import { inTemporaryDirectory } from "../../harness/temporary_directory.ts";

const URL = "https://example.com/a.txt";

Deno.test("the state of a download has null for what the server does not say, and is read as absent", () =>
  inTemporaryDirectory(async (directory) => {
    const part = `${directory}/a.part`;
    for (const etag of [null, '"x"']) {
      for (const total of [null, 0, 5]) {
        const written = JSON.stringify({ url: URL, etag, total });
        await Deno.writeTextFile(remoteStatePath(part), written);
        const state = await readRemoteState(part, URL);
        assertEquals([state?.url, state?.etag, state?.total], [URL, etag ?? undefined, total ?? undefined]);
        await Deno.remove(remoteStatePath(part));
        await writeRemoteState(part, state!);
        assertEquals(await Deno.readTextFile(remoteStatePath(part)), written);
      }
    }
    // A field that is left out is not one that the server did not say: the file is not one of ours.
    await Deno.writeTextFile(remoteStatePath(part), JSON.stringify({ url: URL }));
    assertEquals(await readRemoteState(part, URL), undefined);
  }));

Deno.test("a content range without a start or a total has none", () => {
  const of = (header: string | null) => {
    const range = parseContentRange(header);
    return range && [range.start, range.total];
  };
  assertEquals(of("bytes 5-9/10"), [5, 10]);
  assertEquals(of("bytes 0-0/*"), [0, undefined]);
  assertEquals(of("bytes */0"), [undefined, 0]);
  for (const other of [null, "", "bytes", "bytes 5-9", "lines 5-9/10", "bytes -/10"]) {
    assertEquals(of(other), undefined);
  }
});
