import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { textPieces } from "../../lib/corpus/text_source.ts";
import { type TextInput, textSourceOf } from "../../lib/corpus/text_inputs.ts";
import { textsOf } from "../../lib/corpus/texts.ts";

/** Makes the bytes of a file. */
export const encode = (text: string) => new TextEncoder().encode(text);
export const gzip = (bytes: Uint8Array | string) => new Uint8Array(gzipSync(bytes));
export const zstd = (bytes: Uint8Array | string) => new Uint8Array(zstdCompressSync(bytes));
/** UTF-16 with a byte order mark. */
export const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"));

/** Files by their paths, as bytes or text. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** Runs `body` in a directory with these files. */
export async function withFiles(files: Files, body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    for (const [path, content] of Object.entries(files)) {
      await Deno.mkdir(`${dir}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeFile(`${dir}/${path}`, typeof content === "string" ? encode(content) : content);
    }
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** All text of inputs, each in brackets. */
export async function readAll(inputs: readonly TextInput[], stdin?: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for (const input of inputs) {
    for await (const text of textsOf(textSourceOf(input, { stdin }))) {
      const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
      all += "[";
      for await (const piece of textPieces(text)) all += decoder.decode(piece, { stream: true });
      all += "]";
    }
  }
  return all;
}
