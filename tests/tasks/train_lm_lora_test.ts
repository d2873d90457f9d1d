import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { Safetensors } from "../../lib/formats/safetensors.ts";
import { readRunConfig } from "../../lib/run/run_directory.ts";
import { saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { main as exportTask } from "../../tasks/export.ts";
import { main as trainLm } from "../../tasks/train_lm.ts";
import { capture } from "../cli/capture.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const TEXT = "the cat sat on the mat, and the dog on the log. ".repeat(20);
const SHAPE = "--context-length 16 --d-model 16 --num-layers 1 --num-heads 2 --d-ff 24".split(" ");
const QUICK = "--steps 2 --batch-size 2 --backend wasm".split(" ");
const UNKNOWN = "--lora-rank 2 --lora-targets o_proj".split(" ");
const NEW_TOKENS = "--lora-rank 2 --chat-template chatml".split(" ");

Deno.test("--lora-rank trains adapters of a run, which are written for PEFT and merged for all else", async () => {
  await inTemporaryDirectory(async (dir) => {
    const tokenizer = await trainBpe(TEXT, { vocabSize: 262, specialTokens: ["<|endoftext|>"] });
    await saveTokenizer(tokenizer, `${dir}/tokenizer`);
    await writeNpy(`${dir}/train.npy`, tokenizer.encode(TEXT));
    await Deno.writeTextFile(`${dir}/chats.jsonl`, `${JSON.stringify({ prompt: "the cat", completion: "sat" })}\n`);
    const train = ["--train", `${dir}/train.npy`];
    const base = ["--tokenizer", `${dir}/tokenizer`, "--out", `${dir}/base`, ...SHAPE, ...QUICK];
    assertEquals((await capture(trainLm, ...train, ...base)).code, 0);

    const from = ["--from", `${dir}/base`, "--out", `${dir}/tuned`, ...QUICK];
    const refused: [code: number, message: string, ...flags: string[]][] = [
      [2, "--lora-rank needs --from", ...train, "--out", `${dir}/tuned`, "--lora-rank", "2"],
      [2, "--lora-alpha needs --lora-rank", ...train, ...from, "--lora-alpha", "2"],
      [
        2,
        "got --lora-rank and --freeze, must be only one",
        ...train,
        ...from,
        "--lora-rank",
        "2",
        "--freeze",
        "layers",
      ],
      [2, "got --lora-rank 0, must be a whole number of at least 1", ...train, ...from, "--lora-rank", "0"],
      [2, "got --lora-rank 17, must be at most 16", ...train, ...from, "--lora-rank", "17"],
      [2, 'got --lora-targets "o_proj", must be one or more of q_proj', ...train, ...from, ...UNKNOWN],
      [2, "2 new special tokens, must be none", "--sft", `${dir}/chats.jsonl`, ...from, ...NEW_TOKENS],
    ];
    for (const [code, message, ...flags] of refused) {
      const result = await capture(trainLm, ...flags);
      assertStringIncludes(result.stderr.replaceAll(/\s+/g, " "), message);
      assertEquals(result.code, code, message);
    }

    const lora = "--lora-rank 3 --lora-alpha 6 --lora-targets q_proj,w2 --lr 0.1 --warmup-steps 0".split(" ");
    const trained = await capture(trainLm, ...train, ...from, ...lora);
    assertEquals(trained.code, 0, trained.stderr);
    assertStringIncludes(trained.stderr, "adapters of rank 3");
    const { training } = await readRunConfig(`${dir}/tuned`);
    assertEquals([training.loraRank, training.loraAlpha, training.loraTargets], [3, 6, ["q_proj", "w2"]]);
    using before = await Safetensors.open(`${dir}/base/model.safetensors`);
    using after = await Safetensors.open(`${dir}/tuned/model.safetensors`);
    for (const name of before.tensors.keys()) {
      const [own, now] = [before.readFloats(name), after.readFloats(name)];
      assertEquals(own.some((value, i) => value !== now[i]), /q_proj|w2/.test(name), name);
    }
    using adapter = await Safetensors.open(`${dir}/tuned/adapter_model.safetensors`);
    assert(adapter.tensors.has("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
    const exported = await capture(exportTask, "--run", `${dir}/tuned`, "--format", "hf", "--out", `${dir}/hf`);
    assertEquals(exported.code, 0, exported.stderr);
    using hf = await Safetensors.open(`${dir}/hf/model.safetensors`);
    assertEquals(hf.readFloats("model.layers.0.mlp.down_proj.weight"), after.readFloats("layers.0.ffn.w2.weight"));
  });
});
