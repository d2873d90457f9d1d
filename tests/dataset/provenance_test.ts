import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { encodePartsToNpy, wholeInputs } from "../../lib/corpus/encode/encode_parts.ts";
import { encodeShards } from "../../lib/corpus/encode/encode_shards.ts";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { provenancePath, writeProvenance } from "../../lib/dataset/provenance.ts";
import { openTokens } from "../../lib/dataset/sharded_tokens.ts";
import { expandInputs } from "../../lib/corpus/expand_inputs.ts";

import { tokensInMemory } from "../../lib/dataset/token_source.ts";
import { identifyTokenizer, requireOneTokenizer } from "../../lib/dataset/tokenizer_id.ts";
import { UserError } from "../../lib/errors.ts";
import { saveTokenizer, Tokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { formatTokenizerJson } from "../../lib/tokenizer/vocabulary/tokenizer_json.ts";
import { recordOf, requireSameData } from "../../lib/run/data_record.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, the dog sat on the log. ".repeat(50);
const english = await trainBpe(TEXT, { vocabSize: 265 });
const other = await trainBpe(TEXT.replaceAll("t", "x"), { vocabSize: 265 });

/** The SHA-256 of the tokenizer.json that is saved of a tokenizer, by the browser's own function. */
async function hashOfFile(dir: string): Promise<string> {
  await saveTokenizer(english, `${dir}/tokenizer`);
  const bytes = await Deno.readFile(`${dir}/tokenizer/tokenizer.json`);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("token files know their tokenizer and their text, whatever they were encoded from", () =>
  inTemporaryDirectory(async (dir) => {
    const sha256 = await hashOfFile(dir);
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    await Deno.writeTextFile(`${dir}/b.jsonl`, `${JSON.stringify({ text: TEXT })}\n`);
    for (const file of ["a.txt", "b.jsonl"]) {
      const inputs = await expandInputs([`${dir}/${file}`]);
      const options = { tokenizerName: "out/english", separatorId: 0, specials: "text" } as const;
      await encodePartsToNpy(english, wholeInputs(inputs), `${dir}/ids.npy`, options);
      using tokens = await openTokens(`${dir}/ids.npy`);
      const { tokenizer, text, specials, separatorId, date } = tokens.provenance!;
      assertEquals(tokenizer, { sha256, vocabSize: 265, name: "out/english" });
      assertEquals([text?.bytes, text?.inputs, text?.paths], [TEXT.length, 1, [`${dir}/${file}`]]);
      assertMatch(text!.fingerprint!, /^[0-9a-f]{64}$/);
      assertEquals([specials, separatorId], ["text", 0]);
      assertEquals(new Date(date!).toISOString(), date);
    }
    const stdin = [{ path: "-", isGzip: false, isJsonLines: false }];
    const bytes = ReadableStream.from([new TextEncoder().encode(TEXT)]);
    await encodePartsToNpy(english, wholeInputs(stdin), `${dir}/ids.npy`, { stdin: bytes });
    using tokens = await openTokens(`${dir}/ids.npy`);
    const { text, separatorId } = tokens.provenance!;
    assertEquals(text, { inputs: 1, paths: ["-"], bytes: TEXT.length, fingerprint: null });
    assertEquals(separatorId, null);
  }));

Deno.test("a tokenizer that no file can hold has an identity too, and another one has another", () => {
  const { vocabulary } = english;
  // Spelled like the token of the space.
  const special = (id: number) => new Tokenizer({ ...vocabulary, specials: [{ text: "Ġ", id }] });
  const [a, b] = [264, 263].map((id) => identifyTokenizer(special(id)));
  assertThrows(() => formatTokenizerJson(special(264).vocabulary), UserError);
  assertMatch(a.sha256, /^[0-9a-f]{64}$/);
  assertEquals(identifyTokenizer(special(264)), a);
  assert(a.sha256 !== b.sha256 && a.sha256 !== identifyTokenizer(english).sha256);
});

Deno.test("shards and their index know the same", () =>
  inTemporaryDirectory(async (dir) => {
    const sha256 = await hashOfFile(dir);
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    const inputs = await expandInputs([`${dir}/a.txt`]);
    await encodeShards(english, inputs, `${dir}/ids`, { size: { numShards: 2 } });
    using shards = await openTokens(`${dir}/ids.index.json`);
    using shard = await openTokens(`${dir}/ids-00001-of-00002.npy`);
    for (const { provenance } of [shards, shard]) assertEquals(provenance!.tokenizer, { sha256, vocabSize: 265 });
    assertEquals(shards.provenance!.text?.bytes, TEXT.length);
    assert(shard.provenance!.text!.bytes! < TEXT.length);

    // As an early version wrote it.
    const index = JSON.parse(await Deno.readTextFile(`${dir}/ids.index.json`));
    const { provenance: _, ...early } = index;
    await Deno.writeTextFile(`${dir}/ids.index.json`, JSON.stringify(early));
    using again = await openTokens(`${dir}/ids.index.json`);
    assertEquals(again.provenance, { tokenizer: { sha256 } });

    // A shard of another tokenizer among them.
    const path = `${dir}/ids-00000-of-00002.npy`;
    await writeProvenance(path, { tokenizer: identifyTokenizer(other) });
    await assertRejects(() => openTokens(`${dir}/ids.index.json`), UserError, `Cannot use ${path} with the tokenizer`);
    const more = encodeShards(english, inputs, `${dir}/ids`, { size: { numShards: 2 } });
    await assertRejects(() => more, UserError, `Cannot use ${path} with the tokenizer`);
  }));

Deno.test("the same text has the same fingerprint, and a changed one another: shards do not go on with it", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    const encode = async (options = {}) =>
      (await encodeShards(english, await expandInputs([`${dir}/a.txt`]), `${dir}/ids`, {
        size: { numShards: 2 },
        ...options,
      })).provenance!.text!.fingerprint;
    const before = await encode();
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT);
    assertEquals(await encode({ replace: true }), before);
    await Deno.writeTextFile(`${dir}/a.txt`, TEXT.replace("dog", "fog"));
    await assertRejects(() => encode(), UserError, "got another text than the one they were made with");
    assert(await encode({ replace: true }) !== before);
  }));

Deno.test("what stands beside another file than it was written for is refused, not believed", () =>
  inTemporaryDirectory(async (dir) => {
    const path = `${dir}/ids.npy`;
    await writeNpy(path, Uint16Array.of(1, 2, 3));
    await writeProvenance(path, { tokenizer: identifyTokenizer(english) });
    using tokens = await openTokens(path);
    assertEquals(tokens.provenance, { tokenizer: identifyTokenizer(english) });
    for (const ids of [Uint16Array.of(1, 2, 4), Uint16Array.of(1, 2)]) {
      await writeNpy(path, ids);
      const says = `Cannot use ${path}: got another file than the one that ${provenancePath(path)} describes`;
      await assertRejects(() => openTokens(path), UserError, says);
    }
    await Deno.remove(provenancePath(path));
    using bare = await openTokens(path);
    assertEquals(bare.provenance, undefined);
  }));

Deno.test("a link to a token file, or a chain of them, says what the file says; beside the link another's is not believed", () =>
  inTemporaryDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/deep`);
    const path = `${dir}/deep/ids.npy`;
    await writeNpy(path, Uint16Array.of(1, 2, 3));
    await writeProvenance(path, { tokenizer: identifyTokenizer(english) });
    await Deno.symlink("deep/ids.npy", `${dir}/link.npy`);
    await Deno.symlink(`${dir}/link.npy`, `${dir}/deep/chain.npy`);
    for (const link of ["link.npy", "deep/chain.npy"]) {
      using tokens = await openTokens(`${dir}/${link}`);
      assertEquals(tokens.provenance, { tokenizer: identifyTokenizer(english) });
    }
    // What is wrong beside the file is wrong by any name.
    await Deno.writeTextFile(provenancePath(path), "{}");
    await assertRejects(() => openTokens(`${dir}/link.npy`), UserError, "ids.npy.provenance.json");
    await writeNpy(`${dir}/other.npy`, Uint16Array.of(4));
    await writeProvenance(`${dir}/other.npy`, { tokenizer: identifyTokenizer(other) });
    await Deno.rename(provenancePath(`${dir}/other.npy`), provenancePath(`${dir}/link.npy`));
    await assertRejects(() => openTokens(`${dir}/link.npy`), UserError, "got another file than");
  }));

Deno.test("sources of different tokenizers are refused together, with both named", async () => {
  const source = (name: string, tokenizer = english) =>
    tokensInMemory([1, 2, 3], name, { tokenizer: identifyTokenizer(tokenizer, `tok/${name}`) });
  const bare = tokensInMemory([1, 2, 3], "bare");
  requireOneTokenizer([source("a"), bare, source("b"), undefined], english);
  requireOneTokenizer([source("a", other), bare, source("b", other)]);
  const [a, b] = [english, other].map((tokenizer) => identifyTokenizer(tokenizer).sha256.slice(0, 12));
  assert(a !== b);
  const together = new RegExp(`^Cannot use x and y together: got .*"tok/x" .*${a}.*"tok/y" .*${b}.*, must be`);
  assertMatch(
    assertThrows(() => requireOneTokenizer([bare, source("x"), source("y", other)]), UserError).message,
    together,
  );
  const given = new RegExp(`^Cannot use y with the tokenizer .*${a}.*: got .*"tok/y" .*${b}.*, must be`);
  assertMatch(
    assertThrows(() => requireOneTokenizer([source("x"), source("y", other)], english), UserError).message,
    given,
  );

  const record = await recordOf(source("x"));
  assertEquals(record.tokenizer, identifyTokenizer(english, "tok/x"));
  await requireSameData(source("moved"), record);
  await requireSameData(bare, record);
  await assertRejects(() => requireSameData(source("y", other), record), UserError, "Cannot use y with the tokenizer");
});
