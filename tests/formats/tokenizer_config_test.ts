import { assertEquals, assertRejects } from "@std/assert";
import { UserError } from "../../lib/errors.ts";
import { loadTokenizer, saveTokenizer, trainBpe } from "../../lib/tokenizer/mod.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const made = await trainBpe("low low lower lowest 12345 ".repeat(9), { vocabSize: 265 });

Deno.test("what is beside a tokenizer is kept, given as text, and saved again", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(made, dir);
    const settings = {
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: { content: "<|endoftext|>", lstrip: false },
      added_tokens_decoder: { "0": {} },
      chat_template: [{ name: "tool_use", template: "{{ tools }}" }, { name: "default", template: "{{ one }}" }, 7],
    };
    await Deno.writeTextFile(`${dir}/tokenizer_config.json`, JSON.stringify(settings));
    assertEquals((await loadTokenizer(dir)).chatTemplates, { tool_use: "{{ tools }}", default: "{{ one }}" });
    await Deno.writeTextFile(`${dir}/chat_template.jinja`, "{{ two }}");
    const tokenizer = await loadTokenizer(dir);
    assertEquals(tokenizer.chatTemplates, { tool_use: "{{ tools }}", default: "{{ two }}" });
    await saveTokenizer(tokenizer, `${dir}/again`);
    const again = await loadTokenizer(`${dir}/again`);
    assertEquals(again.vocabulary.config, { settings, chatTemplate: "{{ two }}" });
    assertEquals(made.chatTemplates, {});
    await Deno.writeTextFile(`${dir}/tokenizer_config.json`, "[]");
    await assertRejects(() => loadTokenizer(dir), UserError, "tokenizer_config.json: got [], must be a JSON object");
  }));

Deno.test("vocab.json with merges.txt take their pattern from the class that a tokenizer_config.json names", () =>
  inTemporaryDirectory(async (dir) => {
    await saveTokenizer(made, dir);
    await Deno.remove(`${dir}/tokenizer.json`);
    const patternOf = async (settings: Record<string, unknown>) => {
      await Deno.writeTextFile(`${dir}/tokenizer_config.json`, JSON.stringify(settings));
      return (await loadTokenizer(dir)).vocabulary;
    };
    assertEquals((await patternOf({ tokenizer_class: "GPT2TokenizerFast" })).pattern, "gpt2");
    const qwen = await patternOf({ tokenizer_class: "Qwen2Tokenizer" });
    assertEquals(qwen.normalizer, [{ type: "NFC" }]);
    const roberta = await patternOf({ tokenizer_class: "RobertaTokenizer", add_prefix_space: true });
    assertEquals(roberta.pattern, [{ type: "ByteLevel", add_prefix_space: true, use_regex: true }]);
    await assertRejects(() => patternOf({ tokenizer_class: "PreTrainedTokenizerFast" }), UserError, "got no pattern");
    await assertRejects(() => patternOf({ bytelm_pattern: "gpt7" }), UserError, `"bytelm_pattern" "gpt7"`);
  }));
