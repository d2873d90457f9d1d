import { assert, assertEquals, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
import { trainBpe } from "../../lib/corpus/train_bpe.ts";

const TEXT = "the cat sat on the mat, naïve 你好 🙃. ".repeat(50);
const tokenizer = await trainBpe(TEXT, { vocabSize: 280 });
const PIECE = new TextEncoder().encode(TEXT);

/** Lets everything run that is ready to run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** A source without end that counts what was asked of it. */
function endless<T>(piece: T): { stream: ReadableStream<T>; pulled: () => number; isCancelled: () => boolean } {
  let pulled = 0, isCancelled = false;
  const stream = new ReadableStream<T>({
    pull(controller) {
      pulled++;
      controller.enqueue(piece);
    },
    cancel() {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  return { stream, pulled: () => pulled, isCancelled: () => isCancelled };
}

/** Each stream with input for it that never ends. */
const STREAMS = {
  encodeStream: () => {
    const source = endless(PIECE);
    return { source, output: source.stream.pipeThrough(tokenizer.encodeStream()) as ReadableStream<unknown> };
  },
  decodeStream: () => {
    const source = endless(tokenizer.encode(PIECE));
    return { source, output: source.stream.pipeThrough(tokenizer.decodeStream()) as ReadableStream<unknown> };
  },
};

for (const [name, open] of Object.entries(STREAMS)) {
  Deno.test(`Tokenizer.${name}() reads no further ahead of a slow reader, however long it runs`, async () => {
    const { source, output } = open();
    await settle();
    assert(source.pulled() <= 2, `${source.pulled()} pieces before anybody reads`);
    const reader = output.getReader();
    for (let read = 1; read <= 30; read++) {
      assertEquals((await reader.read()).done, false);
      await settle();
      // One piece under way in the stream, and one waiting at either side of it.
      assert(source.pulled() <= read + 3, `${source.pulled()} pieces pulled when ${read} were read`);
    }
    await reader.cancel();
    await settle();
    assert(source.isCancelled(), "a reader that goes away ends the source");
  });
}

Deno.test("a signal ends a stream of ids, and its source", async () => {
  const stop = new AbortController();
  const source = endless(PIECE);
  let ids = 0;
  const sink = new WritableStream<Uint32Array>({
    write(piece) {
      ids += piece.length;
      if (ids > 10_000) stop.abort(new Error("enough"));
    },
  });
  const piped = source.stream.pipeThrough(tokenizer.encodeStream()).pipeTo(sink, { signal: stop.signal });
  await assertRejects(() => piped, Error, "enough");
  assert(source.isCancelled());
});

Deno.test("what decodeStream() has given is always a beginning of the text, without half a character", async () => {
  // Characters that it was not trained on take a token per byte.
  const all = `${TEXT}日本語 ξ 🦊`;
  const ids = tokenizer.encode(all);
  let text = "", given = 0;
  const oneByOne = ReadableStream.from(Array.from(ids, (id) => [id]));
  for await (const part of oneByOne.pipeThrough(tokenizer.decodeStream())) {
    text += part;
    given++;
    assert(all.startsWith(text) && text.isWellFormed() && !text.includes("\ufffd"), `after ${text.length}`);
  }
  assertEquals(text, all);
  assert(given < ids.length, "no token ended inside a character: the test shows nothing");
  // What is not complete in the end is not UTF-8.
  const half = tokenizer.encode(new TextEncoder().encode("🙃").subarray(0, 2));
  assertEquals(await toText(ReadableStream.from([half]).pipeThrough(tokenizer.decodeStream())), "\ufffd");
});
