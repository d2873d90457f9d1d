import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeNpy } from "../../lib/dataset/npy_file.ts";
import { writeProvenance } from "../../lib/dataset/provenance.ts";
import type { RunConfig } from "../../lib/run/run_directory.ts";
import { bytesPerToken } from "../../tasks/report/bytes_per_token.ts";
import { writeReport } from "../../tasks/report/write_report.ts";
import { shellWord } from "../../tasks/cli/shell_word.ts";
import { CONFIG, makeRun, metricsOf } from "./runs.ts";

const TOKENIZER = { sha256: "a".repeat(64) };

Deno.test("how much text a token is comes from the record beside the validation data, and from no other file's", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const name = `${dir}/valid.npy`;
    const config: RunConfig = {
      ...CONFIG,
      data: { ...CONFIG.data, valid: { name, tokens: 50, sha256: "0".repeat(64), tokenizer: TOKENIZER } },
    };
    assertEquals(await bytesPerToken(CONFIG), undefined, "no validation data");
    assertEquals(await bytesPerToken(config), undefined, "no file");
    await writeNpy(name, new Uint16Array(50));
    assertEquals(await bytesPerToken(config), undefined, "no record");
    const text = { inputs: 1, paths: [], bytes: 160, fingerprint: null };
    await writeProvenance(name, { tokenizer: TOKENIZER, text });
    assertEquals(await bytesPerToken(config), 3.2);

    await makeRun(`${dir}/run`, metricsOf(40), config);
    await writeReport([`${dir}/run`], `${dir}/report.html`);
    const loss = 6.2 - 3 * 39 / 120;
    assertStringIncludes(
      await Deno.readTextFile(`${dir}/report.html`),
      `${loss.toFixed(4)} nats per token, ${(loss / Math.LN2 / 3.2).toFixed(4)} bits per byte`,
    );

    const other = { ...config.data.valid!, tokenizer: { sha256: "b".repeat(64) } };
    assertEquals(await bytesPerToken({ ...config, data: { ...config.data, valid: other } }), undefined, "another's");
    await writeNpy(name, new Uint16Array(60));
    assertEquals(await bytesPerToken(config), undefined, "the file is another one by now");
    await Deno.writeTextFile(`${name}.provenance.json`, "no JSON");
    assertEquals(await bytesPerToken(config), undefined, "a damaged record");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test({
  name: "a word of a command is taken by a shell as it is",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    for (const word of ["runs/a-b_c.1", "a b", "it's", `"$(x)\`\\`, "<b>&|;", "", "é\n*"]) {
      const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf %s ${shellWord(word)}`] }).output();
      assertEquals(new TextDecoder().decode(stdout), word);
    }
  },
});
