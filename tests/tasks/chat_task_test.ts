import { assertEquals, assertMatch } from "@std/assert";
import { writeSafetensors } from "../../lib/formats/safetensors.ts";
import { saveTokenizer } from "../../lib/formats/tokenizer_dir.ts";
import { parameterSpecs } from "../../lib/model/parameters.ts";
import { initialWeights } from "../../lib/model/weights.ts";
import { trainBpe } from "../../lib/tokenizer/mod.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";
import { runTaskProcess } from "../harness/run_task.ts";
import { SPECIALS } from "./chat/scripted_model.ts";

const SHAPE = { contextLength: 96, dModel: 12, numLayers: 1, numHeads: 2, dFf: 20, ropeTheta: 10000 };
const TURNS = ["hello", "/retry", '"""', "two", "lines", '"""', "/save DIR/chat.jsonl", "/exit", "never read"];

/** Writes a run whose weights were not trained, without a chat template. */
async function writeRun(run: string): Promise<void> {
  const tokenizer = await trainBpe("the cat sat on the mat", { vocabSize: 270, specialTokens: SPECIALS });
  await saveTokenizer(tokenizer, run);
  const model = { ...SHAPE, vocabSize: tokenizer.vocabSize };
  await Deno.writeTextFile(`${run}/config.json`, JSON.stringify({ model }));
  const weights = initialWeights(model, 3);
  const tensors = parameterSpecs(model).map(({ name, shape }) => ({
    name,
    dtype: "F32" as const,
    shape,
    data: async () => await weights(name, shape),
  }));
  await writeSafetensors(`${run}/model.safetensors`, tensors);
}

Deno.test("chat: turns come from a pipe, answers go to stdout and nothing else does; a base model completes text", async () => {
  await inTemporaryDirectory(async (dir) => {
    await writeRun(dir);
    const chat = async (stdin: string, ...args: string[]) =>
      await runTaskProcess("chat", ["--run", dir, "--backend", "wasm", "--max-tokens", "4", ...args], stdin);

    const asked = TURNS.map((line) => `${line.replace("DIR", dir)}\n`).join("");
    const { code, stdout, stderr } = await chat(asked, "--chat-template", "chatml", "--system", "S", "--timings");
    assertEquals(code, 0, stderr);
    const { messages } = JSON.parse(await Deno.readTextFile(`${dir}/chat.jsonl`)) as {
      messages: { role: string; content: string }[];
    };
    assertEquals(messages.map(({ role }) => role), ["system", "user", "assistant", "user", "assistant"]);
    assertEquals(messages[3].content, "two\nlines");
    const [, , second, , third] = messages;
    assertEquals(stdout.endsWith(`\n${second.content}\n${third.content}\n`), true, stdout);
    const rate = String.raw`first token after \d+\.\d\d s, then \d+\.\d tokens/s`;
    assertMatch(stderr, new RegExp(String.raw`^\(\d+ tokens, 0 of them kept: ${rate}\)$`, "m"));
    assertMatch(stderr, /^Saved: .*chat\.jsonl$/m);
    assertEquals(/[>…] /.test(stderr), false, stderr);

    const base = await chat("the cat\n/nothing\nnever\n");
    assertEquals(base.code, 1);
    assertMatch(base.stderr, /^.* has no chat template: it continues each text by itself\.\n/);
    assertMatch(base.stderr, /\nerror: Cannot do \/nothing: got no such command/);
    assertEquals(base.stdout.length > 1 && base.stdout.endsWith("\n"), true);
    const refused = await chat("", "--system", "S");
    assertEquals(refused.code, 2);
    assertMatch(refused.stderr, /^error: Cannot chat with .*: got --system, must be for a model with a chat template/);
  });
});
